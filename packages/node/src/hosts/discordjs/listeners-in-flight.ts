/**
 * Which listeners of the bot are still at work. `client.on('messageCreate', async …)` returns a promise that Node's emitter throws
 * away; a shard that leaves has to wait for it, so that nothing is half done when the other process goes on.
 *
 * Listeners are called as Node calls them: in order, with the client as `this`. One that rejects is told as 'error', as before. One
 * that throws is told as 'error' too, and keeps neither the other listeners nor the shard from going on.
 */
import type { Client } from 'discord.js';
import { replaceEmit } from './internals.js';

const known = new WeakMap<Client, ListenersInFlight>();

export class ListenersInFlight {
  readonly #client: Client;
  readonly #emit: (event: string, ...args: unknown[]) => boolean;
  /** Where the promises go of what is being emitted; null: nobody asks. */
  #collecting: Promise<void>[] | null = null;

  private constructor(client: Client) {
    this.#client = client;
    this.#emit = replaceEmit(client, (event, ...args) => this.#call(event, args));
  }

  static of(client: Client): ListenersInFlight {
    const listeners = known.get(client) ?? new ListenersInFlight(client);
    known.set(client, listeners);
    return listeners;
  }

  /** Runs `deliver`. Resolves when the listeners it called are done; undefined if none of them is asynchronous. */
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

  #call(event: string, args: unknown[]): boolean {
    // An 'error' that nobody listens for has to be thrown; Node knows how.
    if (this.#collecting === null || event === 'error') {
      return this.#emit(event, ...args);
    }
    const listeners = this.#client.rawListeners(event);
    for (const listener of listeners) {
      try {
        const result: unknown = Reflect.apply(listener, this.#client, args);
        if (result instanceof Promise) {
          this.#collecting?.push(result.catch((error: unknown) => this.#failed(error)));
        }
      } catch (error) {
        this.#failed(error);
      }
    }
    return listeners.length > 0;
  }

  #failed(error: unknown): void {
    process.nextTick(() => this.#client.emit('error', error as Error));
  }
}
