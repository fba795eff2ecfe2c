/**
 * `clientReady`, once per process, and how long a shard that comes here waits for what listens to it.
 *
 * A client that was destroyed and logs in again is ready again when its shards are, and says nothing, as discord.js
 * itself: what a bot starts when it is ready (timers, commands) is running.
 */
import type { Clock } from '@dshard/transport';
import type { Client } from 'discord.js';
import { becomeReady, triggerClientReady, wrapClientReady } from './internals.js';
import { ListenersInFlight } from './listeners-in-flight.js';

const known = new WeakMap<Client, Readiness>();

export class Readiness {
  readonly #client: Client;
  /** Resolves when what listens to `clientReady` has ended, or is waited for no more; null: not emitted yet. */
  #heard: Promise<void> | null = null;
  #endWait: () => void = () => undefined;

  private constructor(client: Client) {
    this.#client = client;
    wrapClientReady(client, (emit) => this.#becomeReady(emit));
  }

  static of(client: Client): Readiness {
    const readiness = known.get(client) ?? new Readiness(client);
    known.set(client, readiness);
    return readiness;
  }

  /** Whether it was emitted. */
  get isMade(): boolean {
    return this.#heard !== null;
  }

  /** Emits, unless it was emitted. */
  make(): void {
    if (!this.#client.isReady()) triggerClientReady(this.#client);
  }

  /** When all that listens has ended, or `endWait` was called, or after `atMostMs`; then nobody waits again. */
  async heard(clock: Clock, atMostMs: number): Promise<void> {
    let cancel = (): void => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(atMostMs, () => {
        this.#endWait();
        resolve();
      });
    });
    await Promise.race([this.#heard, late]);
    cancel();
  }

  /** What listens waits for something that comes only when shards do. */
  endWait(): void {
    this.#endWait();
  }

  #becomeReady(emit: () => void): void {
    if (this.#heard !== null) {
      becomeReady(this.#client);
      return;
    }
    const ended = new Promise<void>((resolve) => {
      this.#endWait = resolve;
    });
    this.#heard = ended;
    const listeners = ListenersInFlight.of(this.#client).during(emit);
    void (listeners ?? Promise.resolve()).then(() => this.#endWait());
  }
}
