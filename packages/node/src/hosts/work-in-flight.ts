/**
 * What the bot's own code is still doing. A shard that leaves waits for it a moment, and a process that ends waits for
 * all of it, but for the work that asked for the end: a listener that awaits `client.destroy()` waits for the process,
 * and must not be waited for.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** `from`: the call that made it; forgotten when it has ended, or what calls itself for ever would be kept for ever. */
type Call = { done: Promise<void> | null; endsTheProcess: boolean; from: Call | undefined };

export class WorkInFlight {
  readonly #failed: (error: unknown) => void;
  readonly #working = new Set<Promise<void>>();
  readonly #calls = new AsyncLocalStorage<Call>();
  #failures = 0;

  /** `failed` is told of every piece of work that rejects. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** How often user code threw or rejected. */
  get failures(): number {
    return this.#failures;
  }

  /** Calls user code. Returns what `add` returns if it is asynchronous. What it throws at once is thrown. */
  call(userCode: () => unknown): Promise<void> | undefined {
    const call: Call = { done: null, endsTheProcess: false, from: this.#calls.getStore() };
    const result = this.#run(call, userCode);
    if (!(result instanceof Promise)) {
      call.from = undefined;
      return undefined;
    }
    call.done = this.add(result);
    void call.done.then(() => (call.from = undefined));
    if (call.endsTheProcess) this.#working.delete(call.done);
    return call.done;
  }

  /** Something to be waited for. The promise that is returned never rejects. */
  add(work: Promise<unknown>): Promise<void> {
    const done: Promise<void> = work
      .then(() => undefined)
      .catch((error: unknown) => {
        this.#failures += 1;
        this.#failed(error);
      })
      .finally(() => this.#working.delete(done));
    this.#working.add(done);
    return done;
  }

  #run(call: Call, userCode: () => unknown): unknown {
    try {
      return this.#calls.run(call, userCode);
    } catch (error) {
      this.#failures += 1;
      call.from = undefined;
      throw error;
    }
  }

  /** Whether user code that was called here is running, or what it began. */
  get isInside(): boolean {
    return this.#calls.getStore() !== undefined;
  }

  /**
   * The process is to end. If user code that was called here asks for that, `settled` waits neither for that call nor
   * for those that made it.
   */
  closing(): void {
    for (let call = this.#calls.getStore(); call !== undefined; call = call.from) {
      call.endsTheProcess = true;
      if (call.done !== null) this.#working.delete(call.done);
    }
  }

  /** Resolves when nothing is at work. */
  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.all(this.#working);
  }
}
