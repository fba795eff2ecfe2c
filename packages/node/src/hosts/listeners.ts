/**
 * The listeners of a client that is an event emitter, and which of them are still at work: `client.on('messageCreate',
 * async …)` returns a promise that the emitter throws away. A shard that leaves waits for it a moment, and a process
 * that ends waits for all of them.
 *
 * Listeners are called as the emitter calls them: in order, with the client as `this`. One that rejects or throws is
 * told as 'error', and keeps neither the other listeners nor the shard from going on.
 */
import { WorkInFlight } from './work-in-flight.js';

export type Emitter = {
  emit(event: string, ...args: unknown[]): boolean;
  rawListeners(event: string): readonly unknown[];
};

const known = new WeakMap<object, Listeners>();

export class Listeners {
  readonly work: WorkInFlight = new WorkInFlight((error) => this.#failed(error));
  readonly #client: Emitter;
  readonly #emit: Emitter['emit'];
  /** Where the promises go of what is being emitted; null: nobody asks. */
  #collecting: Promise<void>[] | null = null;
  /** What is not told yet; null: everything is. */
  #quiet: (readonly [string, readonly unknown[]])[] | null = null;

  constructor(client: object) {
    this.#client = client as Emitter;
    this.#emit = this.#client.emit.bind(client);
    this.#client.emit = (event, ...args) => this.emit(event, args);
  }

  /** A client that logs in again has them already. */
  static of(client: object): Listeners {
    const listeners = known.get(client) ?? new Listeners(client);
    known.set(client, listeners);
    return listeners;
  }

  /** Runs `deliver`. Resolves when the listeners it called have ended; undefined if none of them is asynchronous. */
  during(deliver: () => void): Promise<void> | undefined {
    const outer = this.#collecting;
    const collected: Promise<void>[] = [];
    this.#collecting = collected;
    try {
      deliver();
    } finally {
      this.#collecting = outer;
    }
    return collected.length === 0 ? undefined : Promise.all(collected).then(() => undefined);
  }

  /** Runs `work`. Whoever listens is told of what it emits by the function that is returned, or never. */
  quietly(work: () => void): () => void {
    const outer = this.#quiet;
    const quiet: (readonly [string, readonly unknown[]])[] = [];
    this.#quiet = quiet;
    try {
      void this.during(work);
    } finally {
      this.#quiet = outer;
    }
    return () => void this.during(() => quiet.forEach(([event, args]) => this.emit(event, args)));
  }

  protected emit(event: string, args: readonly unknown[]): boolean {
    // An 'error' that nobody listens for has to be thrown; the emitter knows how.
    if (event === 'error') return this.#emit(event, ...args);
    if (this.#collecting === null) return this.work.isInside ? this.#passOn(event, args) : this.#emit(event, ...args);
    if (this.#quiet !== null) {
      this.#quiet.push([event, args]);
      return true;
    }
    const listeners = this.#client.rawListeners(event) as readonly ((...args: readonly unknown[]) => unknown)[];
    let isAwaited = true;
    for (const listener of listeners) {
      try {
        const work = this.work.call(() => this.listen(() => Reflect.apply(listener, this.#client, args)));
        if (work === undefined) isAwaited = false;
        else this.#collecting?.push(work);
      } catch (error) {
        this.#failed(error);
      }
    }
    if (listeners.length > 0) this.told(event, args, isAwaited);
    return listeners.length > 0;
  }

  /**
   * A framework passes a command on by an event of its own, from a listener that has waited for something: what listens
   * to that is at work as well. Called as by the emitter: what a listener throws is the caller's.
   */
  #passOn(event: string, args: readonly unknown[]): boolean {
    const listeners = this.#client.rawListeners(event) as readonly ((...args: readonly unknown[]) => unknown)[];
    for (const listener of listeners) void this.work.call(() => Reflect.apply(listener, this.#client, args));
    return listeners.length > 0;
  }

  /** Somebody listens. `isAwaited`: every one of the listeners returned a promise, which is waited for. */
  protected told(_event: string, _args: readonly unknown[], _isAwaited: boolean): void {}

  /** Calls a listener. */
  protected listen(call: () => unknown): unknown {
    return call();
  }

  #failed(error: unknown): void {
    process.nextTick(() => this.#client.emit('error', error));
  }
}
