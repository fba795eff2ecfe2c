/** What heartbeats say of how this node's version fares: from the host, the bot's own opinion, and the process. */
import type { NodeSignals } from '@dshard/protocol';
import { LoopDelay } from '@dshard/transport';
import { Health } from './health.js';
import type { ResolvedOptions } from './options.js';
import type { NodeState } from './session/state.js';
import type { HostSignals } from './shard-host.js';

const NOTHING: HostSignals = { events: 0, handlerErrors: 0, handlerMs: 0, resumesRefused: 0 };
const FIGURES = Object.keys(NOTHING) as (keyof HostSignals)[];

export type SignalsOptions = Pick<
  ResolvedOptions,
  'clock' | 'health' | 'healthMs' | 'host' | 'isRealTime' | 'selfTest' | 'selfTestMs'
>;

/** `changed`: something that whoever watches the node should know soon. */
type Tell = { problem: (text: string) => void; changed: () => void };

export class Signals {
  readonly health: Health;
  readonly #host: SignalsOptions['host'];
  readonly #loopDelay: LoopDelay;
  readonly #complain: (text: string) => void;
  #importsFailed = 0;
  #hasComplained = false;

  constructor(options: SignalsOptions, tell: Tell) {
    this.#host = options.host;
    this.#complain = tell.problem;
    this.health = new Health({ ...options, ...tell });
    this.#loopDelay = new LoopDelay(options.clock, options.isRealTime);
  }

  start(): void {
    this.health.start();
    this.#loopDelay.start();
  }

  close(): void {
    this.health.close();
    this.#loopDelay.close();
  }

  /** User code did not take the state of a shard. */
  importFailed(): void {
    this.#importsFailed += 1;
  }

  /** The part of a heartbeat, toward an orchestrator that wants it. */
  told({ link }: NodeState): { signals?: NodeSignals } {
    return link.kind === 'established' && link.capabilities.includes('signals') ? { signals: this.take() } : {};
  }

  take(): NodeSignals {
    const { opinion, selfTest } = this.health;
    const { events, handlerErrors, handlerMs, resumesRefused } = this.#ofHost();
    return {
      health: opinion,
      selfTest: selfTest.kind,
      selfTestReason: selfTest.reason,
      events,
      handlerErrors,
      handlerMs: Math.round(handlerMs),
      eventLoopDelayMs: this.#loopDelay.take(),
      memoryBytes: process.memoryUsage.rss(),
      resumesRefused,
      importsFailed: this.#importsFailed,
    };
  }

  /** Hosts are other people's code, and a heartbeat that cannot be sent costs the node its shards. */
  #ofHost(): HostSignals {
    let given: Partial<Record<keyof HostSignals, unknown>>;
    try {
      given = this.#host.signals?.() ?? NOTHING;
    } catch {
      given = {};
    }
    const figures = { ...NOTHING };
    for (const name of FIGURES) {
      const figure = given[name];
      if (typeof figure === 'number' && Number.isFinite(figure) && figure >= 0) figures[name] = Math.floor(figure);
      else this.#complainOf(name);
    }
    return figures;
  }

  /** Once. */
  #complainOf(name: string): void {
    if (this.#hasComplained) return;
    this.#hasComplained = true;
    this.#complain(`The host's signals cannot be used: ${name} is not a number. It is told as 0.`);
  }
}
