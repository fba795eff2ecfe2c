/**
 * How user code fares with what it gets, counted over all gateway shards of a process for as long as it lives: what a
 * rollout compares with the version before. Time is that of handlers, which may overlap, and not of the CPU.
 */
import type { Clock } from '@dshard/transport';
import type { HostSignals } from '../shard-host.js';

/** A handler that waits for a person (a collector, a game) is no slow handler; one that hangs shows all the same. */
const MOST_MS = 10_000;

type UnderWay = { readonly began: number };

export class HandlerCounts {
  readonly #clock: Clock;
  readonly #underWay = new Set<UnderWay>();
  #events = 0;
  #errors = 0;
  #ms = 0;
  #resumesRefused = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** User code gets an event. Returns when that was. */
  began(): number {
    this.#events += 1;
    return this.#clock.monotonicMs();
  }

  /** User code has ended with it. */
  ended(began: number): void {
    this.#ms += this.#since(began);
  }

  /** User code goes on with it. Returns what is to be called when that has ended. */
  goesOn(began: number): () => void {
    const handler = { began };
    this.#underWay.add(handler);
    return () => {
      if (this.#underWay.delete(handler)) this.ended(began);
    };
  }

  failed(): void {
    this.#errors += 1;
  }

  /** Discord refused a RESUME. */
  resumeRefused(): void {
    this.#resumesRefused += 1;
  }

  get figures(): HostSignals {
    let ms = this.#ms;
    for (const { began } of this.#underWay) ms += this.#since(began);
    return { events: this.#events, handlerErrors: this.#errors, handlerMs: ms, resumesRefused: this.#resumesRefused };
  }

  #since(began: number): number {
    return Math.min(MOST_MS, Math.max(0, this.#clock.monotonicMs() - began));
  }
}
