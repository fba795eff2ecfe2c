/** The one timer of a pure core: it is woken at the time it asked for last. */
import type { Cancel, Clock } from './clock.js';

export class WakeUp {
  readonly #clock: Clock;
  readonly #onWake: (lateMs: number) => void;
  #armed: { at: number; cancel: Cancel } | null = null;

  /** @param onWake is told how much later than asked for it is. */
  constructor(clock: Clock, onWake: (lateMs: number) => void) {
    this.#clock = clock;
    this.#onWake = onWake;
  }

  get isArmed(): boolean {
    return this.#armed !== null;
  }

  /** Replaces the earlier wish; null: none. A time that has passed means as soon as possible. */
  set(at: number | null): void {
    if (at === (this.#armed?.at ?? null)) return;
    this.#armed?.cancel();
    this.#armed = null;
    if (at === null) return;
    const cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.#wake(at));
    this.#armed = { at, cancel };
  }

  /** For a core that failed to say when: it is asked again in a while, unless it is to be woken anyway. */
  setIfNone(inMs: number): void {
    if (!this.isArmed) this.set(this.#clock.now() + inMs);
  }

  #wake(at: number): void {
    this.#armed = null;
    this.#onWake(this.#clock.now() - at);
  }
}
