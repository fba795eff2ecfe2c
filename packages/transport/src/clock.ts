/**
 * Time, as everything here sees it. Nobody imports a timer: production code is handed a `Clock`, so that a test or the
 * simulator can run hours of it in milliseconds (`virtualClock()`, `@dshard/transport/virtual-clock`).
 */
/** Milliseconds since the Unix epoch, as the clock in use tells them. */
export type Ms = number;

/** Cancels what it was returned for. Calling it twice, or after the callback ran, does nothing. */
export type Cancel = () => void;

export type Clock = {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  now(): Ms;
  /** Milliseconds from an arbitrary start, never going backwards: for measuring how long something took. */
  monotonicMs(): number;
  /** Runs `callback` once, `delayMs` from now (0 and below: as soon as possible, never synchronously). */
  after(delayMs: number, callback: () => void): Cancel;
  /** Runs `callback` every `intervalMs` until cancelled. */
  every(intervalMs: number, callback: () => void): Cancel;
};

/** Resolves after `delayMs`; rejects with `signal.reason` when `signal` aborts first. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** `every` of a clock that has but `after`. As with a real interval, which Node makes 1 ms at least. */
export function everyBy(after: Clock['after']): Clock['every'] {
  return (intervalMs, callback) => {
    let cancel: Cancel;
    const arm = (): void => {
      cancel = after(Math.max(1, intervalMs), () => {
        arm();
        callback();
      });
    };
    arm();
    return () => cancel();
  };
}

/** The one timer of a pure core: it is woken at the time it asked for last. */
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
