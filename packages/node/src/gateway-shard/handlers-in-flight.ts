/** Calls of user code that are under way, so that a shard that leaves can wait for them a moment. */
import type { Clock } from '@dshard/transport';

export class HandlersInFlight {
  readonly #clock: Clock;
  readonly #handlers = new Set<Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `complain` is told how it failed. */
  add(work: Promise<void>, complain: (error: unknown) => void): void {
    const done: Promise<void> = work.catch(complain).finally(() => this.#handlers.delete(done));
    this.#handlers.add(done);
  }

  /** Resolves with how many of those that are under way now were not done in time. They go on. */
  async done(withinMs: number): Promise<number> {
    const handlers = [...this.#handlers];
    if (handlers.length === 0) return 0;
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.after(withinMs, resolve);
    });
    await Promise.race([Promise.all(handlers), late]);
    cancel();
    return handlers.filter((handler) => this.#handlers.has(handler)).length;
  }
}
