/**
 * How late the event loop comes to what is due, of late: the 99th percentile of the window before this one, or of this
 * one where that is more. A heartbeat out of turn, right after another one, says the same.
 */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { Clock } from './clock.js';

const RESOLUTION_MS = 10;
const WINDOW_MS = 5_000;

export class LoopDelay {
  readonly #clock: Clock;
  readonly #histogram: IntervalHistogram | null;
  #windowBegan: number;
  #before = 0;

  /** @param isReal false: time is not the machine's, so that nothing can be said. */
  constructor(clock: Clock, isReal: boolean) {
    this.#clock = clock;
    this.#windowBegan = clock.monotonicMs();
    this.#histogram = isReal ? monitorEventLoopDelay({ resolution: RESOLUTION_MS }) : null;
  }

  start(): void {
    this.#histogram?.enable();
  }

  close(): void {
    this.#histogram?.disable();
  }

  take(): number {
    const delay = this.#current();
    const latest = Math.max(delay, this.#before);
    if (this.#clock.monotonicMs() - this.#windowBegan >= WINDOW_MS) {
      this.#before = delay;
      this.#windowBegan = this.#clock.monotonicMs();
      this.#histogram?.reset();
    }
    return latest;
  }

  /** The monitor's own timer counts from one tick to the next. */
  #current(): number {
    if (this.#histogram === null || this.#histogram.count === 0) return 0;
    return Math.max(0, Math.round(this.#histogram.percentile(99) / 1e6) - RESOLUTION_MS);
  }
}
