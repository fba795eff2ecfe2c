/** Invariant 3 over a history: per key at most one permit in a window, per day at most as many as Discord allows. */
import type { Facts } from './entry.js';

const DAY_MS = 24 * 60 * 60 * 1_000;

export class IdentifyChecks {
  readonly #violated: (text: string) => void;
  readonly #lastOfKey = new Map<number, number>();
  /** When, of the last day. */
  #day: number[] = [];
  #maxConcurrency = 0;
  #granted = 0;
  #mostInADay = 0;

  constructor(violated: (text: string) => void) {
    this.#violated = violated;
  }

  granted(facts: Facts, at: number): void {
    const [shard, maxConcurrency] = [facts.number('shard') ?? 0, facts.number('maxConcurrency') ?? 1];
    const [windowMs, total] = [facts.number('windowMs') ?? 0, facts.number('total')];
    if (maxConcurrency !== this.#maxConcurrency) this.#lastOfKey.clear();
    this.#maxConcurrency = maxConcurrency;
    const key = shard % maxConcurrency;
    const last = this.#lastOfKey.get(key);
    if (last !== undefined && at - last < windowMs) {
      this.#violated(
        `Key ${key} had two permits within ${at - last} ms, the last for shard ${shard}; its window is ${windowMs} ms.`,
      );
    }
    this.#lastOfKey.set(key, at);
    this.#granted += 1;
    this.#day = [...this.#day.filter((time) => at - time < DAY_MS), at];
    this.#mostInADay = Math.max(this.#mostInADay, this.#day.length);
    if (total !== null && this.#day.length > total) {
      this.#violated(`${this.#day.length} permits were given within a day; Discord allows ${total} session starts.`);
    }
  }

  forget(): void {
    this.#lastOfKey.clear();
  }

  figures(): { granted: number; mostInADay: number } {
    return { granted: this.#granted, mostInADay: this.#mostInADay };
  }
}
