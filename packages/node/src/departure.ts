/**
 * What happens in a process after its last shard has gone: handlers end, the bot's own shutdown hooks run, the host lets go of what it
 * has. Each part has a bound, and whatever it does, the next one follows.
 */
import type { Clock } from '@dshard/transport';
import { withinDeadline } from './deadline.js';
import { messageOf } from './errors.js';
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

  /** Resolves when everything is done or late. @param disconnected the connections to the orchestrator are gone. */
  async depart(disconnected: Promise<void>): Promise<void> {
    const { host, lingerMs, hostCallMs } = this.#options;
    await this.#within('settled', lingerMs, 'lingerMs', async () => host.settled?.());
    for (const { hook } of [...this.#hooks].toReversed()) {
      await this.#within('a shutdown hook', hostCallMs, 'limits.hostCallMs', async () => hook());
    }
    await this.#within('shutdown', hostCallMs, 'limits.hostCallMs', async () => host.shutdown?.());
    await this.#within('disconnecting', hostCallMs, 'limits.hostCallMs', () => disconnected);
  }

  async #within(what: string, ms: number, limit: string, work: () => Promise<void>): Promise<void> {
    try {
      await withinDeadline(this.#options.clock, work(), { what, ms, limit });
    } catch (error) {
      this.#options.problem(`Leaving was not clean: ${messageOf(error)}`);
    }
  }
}
