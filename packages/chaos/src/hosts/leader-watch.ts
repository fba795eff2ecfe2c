/** Asks all orchestrators, over and over, who leads: one at any moment, and how long there was none. */
import { delay, type Clock } from '@dshard/transport';
import type { HostsClient } from './hosts-client.js';

const EVERY_MS = 200;

export type LeaderFigures = {
  /** How many led at one moment, at the most. */
  most: number;
  /** How often another one led than before. */
  changes: number;
  longestWithoutMs: number;
};

export class LeaderWatch {
  readonly figures: LeaderFigures = { most: 0, changes: 0, longestWithoutMs: 0 };
  readonly #clock: Clock;
  readonly #client: HostsClient;
  readonly #bases: readonly string[];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  /** The last one that led; null: none so far. */
  leader: string | null = null;
  #ledAtMs = 0;

  constructor(clock: Clock, client: HostsClient, bases: readonly string[]) {
    this.#clock = clock;
    this.#client = client;
    this.#bases = bases;
    this.#running = this.#run();
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const ready = await this.#client.ready();
      // They answered one after the other: two lead only if both do before and after the other was asked.
      const still = ready.length > 1 ? await this.#client.ready() : ready;
      const leaders = ready.filter((base) => still.includes(base));
      this.#take(leaders);
      await delay(this.#clock, EVERY_MS, this.#stop.signal).catch(() => undefined);
    }
  }

  #take(leaders: readonly string[]): void {
    const { figures } = this;
    const now = this.#clock.monotonicMs();
    figures.most = Math.max(figures.most, leaders.length);
    const [leader] = leaders;
    if (leader === undefined) return;
    if (this.leader !== null) {
      figures.longestWithoutMs = Math.max(figures.longestWithoutMs, Math.round(now - this.#ledAtMs));
      if (leader !== this.leader) figures.changes += 1;
    }
    this.#ledAtMs = now;
    this.leader = leader;
  }

  /** The number of the orchestrator that leads. Throws when nobody has led so far. */
  get number(): number {
    const number = this.#bases.indexOf(this.leader ?? '');
    if (number < 0) throw new Error('Nobody leads.');
    return number;
  }
}
