/** Those who wait for a shard's next READY or RESUMED. */
import type { Clock } from '@dshard/transport';
import type { NodeError } from '../errors.js';
import type { ResumeOutcome } from '../shard-host.js';

type Waiter = { settled: (outcome: ResumeOutcome) => void; failed: (error: NodeError) => void };

export class Outcomes {
  #waiters: Waiter[] = [];

  next(): Promise<ResumeOutcome> {
    return new Promise((settled, failed) => {
      this.#waiters.push({ settled, failed });
    });
  }

  settle(outcome: ResumeOutcome): void {
    for (const { settled } of this.#take()) {
      settled(outcome);
    }
  }

  fail(error: NodeError): void {
    for (const { failed } of this.#take()) {
      failed(error);
    }
  }

  #take(): readonly Waiter[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    return waiters;
  }
}

/** Something that happens once. */
export type Settled<T> = { readonly promise: Promise<T>; readonly resolve: (value: T) => void };

export function settled<T>(): Settled<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Those who want to send on a shard that cannot yet. No wait fails: when the shard leaves, what waits is dropped. */

/** A bot that sends on and on while its shard is away must not fill the memory. */
const MOST_WAITING = 1_000;

export class WaitingSends {
  #waiting: ((canSend: boolean) => void)[] = [];

  /** Resolves with whether it can be sent now. */
  wait(): Promise<boolean> {
    if (this.#waiting.length >= MOST_WAITING) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  end(canSend: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve(canSend);
  }
}

/** Calls of user code that are under way, so that a shard that leaves can wait for them a moment. */
export class HandlersInFlight {
  readonly #clock: Clock;
  readonly #handlers = new Set<Promise<void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `complain` is told how it failed, `ended` that it did end. */
  add(work: Promise<void>, { complain, ended }: { complain: (error: unknown) => void; ended: () => void }): void {
    const done: Promise<void> = work.catch(complain).finally(() => {
      this.#handlers.delete(done);
      ended();
    });
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
