/** The one timer of the domain: it is woken at the time it asked for last. */
import type { Cancel, Clock } from '@dshard/transport';

export class WakeUp {
  readonly #clock: Clock;
  readonly #onWake: () => void;
  #armed: { at: number; cancel: Cancel } | null = null;

  constructor(clock: Clock, onWake: () => void) {
    this.#clock = clock;
    this.#onWake = onWake;
  }

  get isArmed(): boolean {
    return this.#armed !== null;
  }

  /** Replaces the earlier wish; null: none. A time that has passed means as soon as possible. */
  set(at: number | null): void {
    if (at === this.#armed?.at) return;
    this.#armed?.cancel();
    this.#armed = at === null ? null : { at, cancel: this.#clock.after(at - this.#clock.now(), () => this.#wake()) };
  }

  #wake(): void {
    this.#armed = null;
    this.#onWake();
  }
}
