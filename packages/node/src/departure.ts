/**
 * What happens in a process after its last shard has gone: handlers end, the bot's own shutdown hooks run, the host
 * lets go of what it has. Each part has a bound, and whatever it does, the next one follows.
 */
import type { Clock } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import { withinDeadline } from './deadline.js';
import type { ShardHost } from './shard-host.js';

export type ShutdownHook = () => void | Promise<void>;

export type DepartureOptions = {
  host: ShardHost;
  clock: Clock;
  lingerMs: number;
  hostCallMs: number;
  problem: (text: string) => void;
};

export class Departure {
  readonly #options: DepartureOptions;
  /** In entries of their own: one function may be given twice. */
  readonly #hooks = new Set<{ hook: ShutdownHook }>();

  constructor(options: DepartureOptions) {
    this.#options = options;
  }

  onShutdown(hook: ShutdownHook): () => void {
    const entry = { hook };
    this.#hooks.add(entry);
    return () => void this.#hooks.delete(entry);
  }

  /** Resolves when everything is done or late. */
  async depart(): Promise<void> {
    const { host, lingerMs } = this.#options;
    await this.#within('settled', lingerMs, 'lingerMs', async () => host.settled?.());
    for (const { hook } of [...this.#hooks].toReversed()) {
      await this.within('a shutdown hook', async () => hook());
    }
    await this.within('shutdown', async () => host.shutdown?.());
  }

  /** One more part of it, within the deadline of a host call. */
  within(what: string, work: () => Promise<void>): Promise<void> {
    return this.#within(what, this.#options.hostCallMs, 'limits.hostCallMs', work);
  }

  async #within(what: string, ms: number, limit: string, work: () => Promise<void>): Promise<void> {
    try {
      await withinDeadline(this.#options.clock, work(), { what, ms, limit });
    } catch (error) {
      this.#options.problem(`Leaving was not clean: ${messageOf(error)}`);
    }
  }
}
