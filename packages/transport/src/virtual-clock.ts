/**
 * A clock that stands still until it is told to go on. Hours of timeouts run in milliseconds, in the same order every
 * time: by due time, and by age among those due at the same time.
 */
import { everyBy, type Cancel, type Clock, type Ms } from './clock.js';
import { TimerHeap, type Timer } from './timer-heap.js';

export type VirtualClock = Clock & {
  /** Runs every timer due within `ms`, those they set included, all in this turn: promises do not settle between. */
  advance(ms: number): void;
  /**
   * The same, and lets everything that hangs on promises happen before the first timer, between two timers and after
   * the last: for code that awaits.
   */
  run(ms: number): Promise<void>;
  /** Somebody sets the machine's clock: `wallClock` is so much later from now on, or earlier. No time goes by. */
  stepWallClock(ms: number): void;
  /** How many timers are set. Zero at the end of a test: nothing was left behind. */
  pending(): number;
};

/** A fixed date, so that what is printed in tests does not change: 2026-01-01T00:00:00Z. */
const DEFAULT_START_MS = 1_767_225_600_000;

/** A flood of timers at one instant is a loop that never ends; it is reported rather than hung on. */
const MAX_TIMERS_AT_ONE_INSTANT = 100_000;

export function virtualClock(startMs: Ms = DEFAULT_START_MS): VirtualClock {
  const timers = new TimerHeap();
  let nowMs = startMs;
  let steppedMs = 0;
  let nextOrder = 0;
  let atThisInstant = 0;

  const after = (delayMs: number, callback: () => void): Cancel => {
    if (Number.isNaN(delayMs)) throw new RangeError('A timer needs a delay in milliseconds, and was given NaN.');
    const timer: Timer = { due: nowMs + Math.max(0, delayMs), order: nextOrder++, callback, live: true };
    timers.add(timer);
    return () => timers.cancel(timer);
  };

  /** The first timer due by `limitMs`, taken out of the set, with the clock set to its time. */
  const takeDue = (limitMs: Ms): Timer | null => {
    const first = timers.takeUntil(limitMs);
    if (first === null) return null;
    atThisInstant = first.due > nowMs ? 0 : atThisInstant + 1;
    if (atThisInstant > MAX_TIMERS_AT_ONE_INSTANT) {
      throw new Error(
        `More than ${MAX_TIMERS_AT_ONE_INSTANT} timers ran without the time going on: a loop without end.`,
      );
    }
    nowMs = Math.max(nowMs, first.due);
    return first;
  };

  return {
    now: () => nowMs,
    wallClock: () => nowMs + steppedMs,
    stepWallClock: (ms) => {
      steppedMs += ms;
    },
    monotonicMs: () => nowMs - startMs,
    after,
    // What comes at this moment comes by timers that are set already.
    afterReading: (callback) => after(0, callback),
    every: everyBy(after),
    advance: (ms) => {
      const limitMs = nowMs + ms;
      for (let timer = takeDue(limitMs); timer !== null; timer = takeDue(limitMs)) timer.callback();
      nowMs = limitMs;
      atThisInstant = 0;
    },
    run: async (ms) => {
      const limitMs = nowMs + ms;
      await settle();
      for (let timer = takeDue(limitMs); timer !== null; timer = takeDue(limitMs)) {
        timer.callback();
        await settle();
      }
      nowMs = limitMs;
      atThisInstant = 0;
    },
    pending: () => timers.size,
  };
}

/** How many rounds of promises settle between two timers: more than any chain of awaits in our code. */
const SETTLE_ROUNDS = 64;

const NOW: Promise<void> = Promise.resolve();

/** Bare reactions rather than awaits: this runs once for each of a simulation's millions of timers. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    let round = 0;
    const again = (): void => {
      round += 1;
      if (round === SETTLE_ROUNDS) resolve();
      else void NOW.then(again);
    };
    again();
  });
}
