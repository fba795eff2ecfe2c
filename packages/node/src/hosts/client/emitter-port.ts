/** What ports have in common whose clients are event emitters. */
import { Listeners } from './listeners.js';
import type { Emitter } from './listeners.js';

const known = new WeakMap<object, Listeners>();

export class EmitterEvents {
  readonly #client: Emitter;
  readonly #listeners: Listeners;

  constructor(client: object) {
    this.#client = client as Emitter;
    // A client that logs in again has them already.
    this.#listeners = known.get(client) ?? new Listeners(this.#client);
    known.set(client, this.#listeners);
  }

  during(work: () => void): Promise<void> | undefined {
    return this.#listeners.during(work);
  }

  quietly(work: () => void): () => void {
    return this.#listeners.quietly(work);
  }

  tell(event: string, ...values: readonly unknown[]): Promise<void> | undefined {
    return this.#listeners.during(() => void this.#client.emit(event, ...values));
  }

  track(work: Promise<unknown>): Promise<void> {
    return this.#listeners.track(work);
  }

  settled(): Promise<void> {
    return this.#listeners.settled();
  }
}
