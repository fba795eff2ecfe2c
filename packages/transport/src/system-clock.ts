/** The real clock. Only this file may touch timers and the wall clock; everybody else takes a `Clock`. */
import type { Cancel, Clock } from './clock.js';

/** The longest delay `setTimeout` takes; above it Node fires after 1 ms. Longer ones are waited for in stages. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * A clock that is the machine's. Its timers keep the process alive until they ran or were cancelled. All clocks of a
 * process tell the same time.
 */
export function systemClock(): Clock {
  return {
    now: () => Math.floor(monotonicMs() + AHEAD_MS),
    wallClock: () => Date.now(),
    monotonicMs,
    after,
    afterReading,
    every,
  };
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What the wall clock was ahead of the monotonic one when this process began. */
const AHEAD_MS = Date.now() - monotonicMs();

function after(delayMs: number, callback: () => void): Cancel {
  refuseNaN(delayMs);
  if (delayMs <= 0) return soon(callback);
  let remainingMs = delayMs;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const stageMs = Math.min(remainingMs, LONGEST_TIMER_MS);
    remainingMs -= stageMs;
    timer = setTimeout(remainingMs > 0 ? arm : callback, stageMs);
  };
  arm();
  return () => clearTimeout(timer);
}

/** Behind what has come in by then. A timer of 0 ms would wait for one. */
function soon(callback: () => void): Cancel {
  const immediate = setImmediate(callback);
  return () => clearImmediate(immediate);
}

/**
 * Calls back once after `delayMs`, if the process still runs then: unlike the clock's, this timer keeps no process
 * alive. For what is to happen to a process that does not end by itself.
 */
export function ifStillRunning(delayMs: number, callback: () => void): Cancel {
  refuseNaN(delayMs);
  const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS));
  timer.unref();
  return () => clearTimeout(timer);
}

/** Sockets are read between two immediates. The first one comes after a reading that may be under way. */
function afterReading(callback: () => void): Cancel {
  let immediate = setImmediate(() => {
    immediate = setImmediate(callback);
  });
  return () => clearImmediate(immediate);
}

function every(intervalMs: number, callback: () => void): Cancel {
  refuseNaN(intervalMs);
  let cancel: Cancel;
  const arm = (): void => {
    cancel = after(intervalMs, () => {
      // Armed before the callback runs, so that one that throws does not end the series; it may also cancel it.
      arm();
      callback();
    });
  };
  arm();
  return () => cancel();
}

function refuseNaN(delayMs: number): void {
  if (Number.isNaN(delayMs)) throw new RangeError('A timer needs a delay in milliseconds, and was given NaN.');
}
