/** Lets the event loop breathe in long work: other shards' events and heartbeats go on. One per piece of work. */
import { delay, type Clock } from '@dshard/transport';

const SLICE_MS = 8;

export class Breather {
  readonly #clock: Clock;
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.monotonicMs();
  }

  /** Whether `breathe` would wait. */
  get isTired(): boolean {
    return this.#clock.monotonicMs() - this.#since >= SLICE_MS;
  }

  /** Call between pieces of work. */
  async breathe(): Promise<void> {
    if (!this.isTired) return;
    await delay(this.#clock, 0);
    this.#since = this.#clock.monotonicMs();
  }
}
