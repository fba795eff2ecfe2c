/**
 * Time, as everything here sees it. Nobody imports a timer: production code is handed a `Clock`, so that a test or the
 * simulator can run hours of it in milliseconds (`virtualClock()`, `@dshard/transport/virtual-clock`).
 */
/** Milliseconds; as a time, those of `Clock.now`. */
export type Ms = number;

/** Cancels what it was returned for. Calling it twice, or after the callback ran, does nothing. */
export type Cancel = () => void;

export type Clock = {
  /**
   * The time that everything is decided by: durations, deadlines, windows, leases. It began as the wall clock's when
   * the process did, in whole milliseconds, and goes on evenly from there: whoever sets the machine's clock changes
   * nothing here.
   */
  now(): Ms;
  /**
   * What the machine's clock says, in milliseconds since the Unix epoch. It may be set at any moment, so it is for what
   * people read, for times that people name, and for what must still mean something after a restart.
   */
  wallClock(): Ms;
  /**
   * As even as `now`, from a start that all processes of a machine have in common, until the machine is restarted: for
   * measuring, and for what one process tells another.
   */
  monotonicMs(): number;
  /** Runs `callback` once, `delayMs` from now (0 and below: as soon as possible, never synchronously). */
  after(delayMs: number, callback: () => void): Cancel;
  /** Runs `callback` once, as soon as what has come for this process by now was read from its sockets. */
  afterReading(callback: () => void): Cancel;
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

/** As much as two readings of the same time may differ. */
const READING_MS = 2;

/** How far the machine's clock is ahead of `now`, in whole milliseconds: 0 until somebody sets the machine's clock. */
export function wallClockAheadMs(clock: Pick<Clock, 'now' | 'wallClock'>): number {
  const aheadMs = clock.wallClock() - clock.now();
  // The two are read one after the other, and rounded each in its own way.
  return Math.abs(aheadMs) <= READING_MS ? 0 : aheadMs;
}

/** The same clock, on a line of time that an earlier process began: its `now` is `aheadMs` more than `monotonicMs`. */
export function continuedClock(clock: Clock, aheadMs: number): Clock {
  return {
    now: () => Math.floor(clock.monotonicMs() + aheadMs),
    wallClock: () => clock.wallClock(),
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    afterReading: (callback) => clock.afterReading(callback),
    every: (intervalMs, callback) => clock.every(intervalMs, callback),
  };
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
