/**
 * `clientReady`, once per process. A client that was destroyed and logs in again is ready again when its shards are, and says nothing, as
 * discord.js itself: what a bot starts when it is ready (timers, commands) is running.
 */
import type { Client } from 'discord.js';
import { becomeReady, triggerClientReady, wrapClientReady } from './internals.js';
import { ListenersInFlight } from './listeners-in-flight.js';

const known = new WeakMap<Client, Readiness>();

export class Readiness {
  readonly #client: Client;
  /** Resolves when all that listens to `clientReady` has ended; null: it was not emitted yet. */
  #heard: Promise<void> | null = null;

  private constructor(client: Client) {
    this.#client = client;
    wrapClientReady(client, (emit) => this.#becomeReady(emit));
  }

  static of(client: Client): Readiness {
    const readiness = known.get(client) ?? new Readiness(client);
    known.set(client, readiness);
    return readiness;
  }

  /** Emits, unless it was emitted. Resolves when all that listens has ended. */
  async make(): Promise<void> {
    if (!this.#client.isReady()) triggerClientReady(this.#client);
    await this.#heard;
  }

  #becomeReady(emit: () => void): void {
    if (this.#heard === null) {
      this.#heard = ListenersInFlight.of(this.#client).during(emit) ?? Promise.resolve();
    } else {
      becomeReady(this.#client);
    }
  }
}
