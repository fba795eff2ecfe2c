/**
 * What happens in a process when its node leaves: it is asked to by a signal; after its last shard has gone handlers
 * end, the bot's own shutdown hooks run, the host lets go of what it has; then the process ends. Each part has a bound,
 * and whatever it does, the next one follows.
 */
import type { Clock, Logger } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import { withinDeadline } from './deadline.js';
import { ProcessEnd } from './process-end.js';
import { leaveOnSignals, type Leaver } from './process-signals.js';
import type { ShardHost } from './shard-host.js';

export type ShutdownHook = () => void | Promise<void>;

/** Of the deadline of a leave: for what comes after the last hook. */
const DISCONNECTING_MS = 300;

export type DepartureOptions = {
  host: ShardHost;
  clock: Clock;
  lingerMs: number;
  hostCallMs: number;
  /** Whether the process ends when the orchestrator has shut the node down. */
  exitOnShutdown: boolean;
  signals: boolean;
  leave: { readonly withinMs: number };
  logger: Pick<Logger, 'info'>;
  problem: (text: string) => void;
};

export class Departure {
  readonly #options: DepartureOptions;
  #ignoreSignals: () => void = () => undefined;
  /** When the process is to end with the node. */
  #processEnd: ProcessEnd | null = null;
  #leaveBy: number | null = null;
  /** In entries of their own: one function may be given twice. */
  readonly #hooks = new Set<{ hook: ShutdownHook }>();

  constructor(options: DepartureOptions) {
    this.#options = options;
  }

  /** From here on SIGTERM is heard, unless the bot does not want that. */
  heedSignals(node: Omit<Leaver, 'withinMs'>): void {
    const { signals, leave, logger } = this.#options;
    if (!signals) return;
    this.#ignoreSignals = leaveOnSignals({ ...leave, ...node });
    const within = `within ${leave.withinMs / 1_000} s (DSO_LEAVE_DEADLINE)`;
    logger.info(leave, `At SIGTERM the node leaves ${within}; whatever ends the process has to wait longer than that.`);
  }

  onShutdown(hook: ShutdownHook): () => void {
    const entry = { hook };
    this.#hooks.add(entry);
    return () => void this.#hooks.delete(entry);
  }

  /**
   * Resolves when everything is done or late.
   *
   * @param leaveBy when the process ends whatever is not done; null: it does not.
   */
  async depart(asked: 'orchestrator' | 'bot', leaveBy: number | null): Promise<void> {
    const { host, lingerMs, exitOnShutdown } = this.#options;
    this.#leaveBy = leaveBy;
    if (asked === 'orchestrator' && exitOnShutdown) {
      this.#ignoreSignals();
      this.#processEnd = new ProcessEnd(lingerMs);
    }
    await this.#within('settled', lingerMs, 'lingerMs', async () => host.settled?.());
    for (const { hook } of [...this.#hooks].toReversed()) {
      await this.within('a shutdown hook', async () => hook());
    }
    await this.within('shutdown', async () => host.shutdown?.());
  }

  /** The node is closed. */
  end(): void {
    this.#ignoreSignals();
    this.#processEnd?.begin();
  }

  /** One more part of it, within the deadline of a host call. */
  within(what: string, work: () => Promise<void>): Promise<void> {
    return this.#within(what, this.#options.hostCallMs, 'limits.hostCallMs', work);
  }

  async #within(what: string, most: number, limit: string, work: () => Promise<void>): Promise<void> {
    const { clock } = this.#options;
    const leftMs = this.#leaveBy === null ? Infinity : Math.max(0, this.#leaveBy - DISCONNECTING_MS - clock.now());
    const ms = Math.min(most, leftMs);
    try {
      await withinDeadline(clock, work(), { what, ms, limit: leftMs < most ? 'the deadline of the leave' : limit });
    } catch (error) {
      this.#options.problem(`Leaving was not clean: ${messageOf(error)}`);
    }
  }
}
