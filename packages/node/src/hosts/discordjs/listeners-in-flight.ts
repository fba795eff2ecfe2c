/**
 * Which listeners of the bot are still at work. `client.on('messageCreate', async …)` returns a promise that Node's
 * emitter throws away; a shard that leaves waits for it a moment, and a process that ends waits for all of them.
 *
 * Listeners are called as Node calls them: in order, with the client as `this`. One that rejects is told as 'error', as
 * before. One that throws is told as 'error' too, and keeps neither the other listeners nor the shard from going on.
 */
import type { Client } from 'discord.js';
import { DepartedObjects } from './departed-objects.js';
import { replaceEmit } from './internals.js';
import { WorkInFlight } from '../work-in-flight.js';

const known = new WeakMap<Client, ListenersInFlight>();

export class ListenersInFlight {
  readonly #client: Client;
  readonly #departed: DepartedObjects;
  readonly #emit: (event: string, ...args: unknown[]) => boolean;
  readonly #work = new WorkInFlight((error) => this.#failed(error));
  /** Where the promises go of what is being emitted; null: nobody asks. */
  #collecting: Promise<void>[] | null = null;
  /** What is not emitted at the moment. */
  #muted: (event: string) => boolean = () => false;
  #seen: (event: string, args: readonly unknown[]) => void = () => undefined;

  private constructor(client: Client) {
    this.#client = client;
    this.#departed = DepartedObjects.of(client);
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
      this.#departed.hidden(deliver);
    } finally {
      this.#collecting = outer;
    }
    return collected.length === 0 ? undefined : Promise.all(collected).then(() => undefined);
  }

  /** Runs `work`, which would emit events of a kind that the bot must not hear (again). */
  muted(is: (event: string) => boolean, work: () => void): void {
    const outer = this.#muted;
    this.#muted = is;
    try {
      work();
    } finally {
      this.#muted = outer;
    }
  }

  /** `seen` is shown what listeners get. */
  watch(seen: (event: string, args: readonly unknown[]) => void): void {
    this.#seen = seen;
  }

  /** Something that user code does, to be waited for like a listener. */
  add(work: Promise<unknown>): Promise<void> {
    return this.#work.add(work);
  }

  /** Resolves when none is at work. */
  settled(): Promise<void> {
    return this.#work.settled();
  }

  /** See ShardHost. */
  closing(): void {
    this.#work.closing();
  }

  #call(event: string, args: unknown[]): boolean {
    if (this.#muted(event)) return false;
    // An 'error' that nobody listens for has to be thrown; Node knows how.
    if (this.#collecting === null || event === 'error') {
      return this.#emit(event, ...args);
    }
    const listeners = this.#client.rawListeners(event);
    if (listeners.length > 0) this.#seen(event, args);
    for (const listener of listeners) {
      try {
        const work = this.#work.call(() => this.#departed.visible(() => Reflect.apply(listener, this.#client, args)));
        if (work !== undefined) this.#collecting?.push(work);
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
