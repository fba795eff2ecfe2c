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
