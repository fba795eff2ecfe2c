/**
 * Times for people. What happened when is kept by the even time that everything is decided by; a document tells it by
 * the machine's clock. Which numbers are times is said by their names: `now`, `at`, `since`, `until`, `eta` and what
 * ends in `At`, `Since` or `Until`.
 */
import { wallClockAheadMs, type Clock } from '@dshard/transport';

const NAMES_A_TIME = /^(now|at|since|until|eta)$|(At|Since|Until)$/;

/** The same document, with its times as the machine's clock tells them. */
export function inWallTime<T>(document: T, clock: Clock): T {
  return shiftedBy(document, wallClockAheadMs(clock));
}

export function shiftedBy<T>(document: T, aheadMs: number): T {
  return aheadMs === 0 ? document : (shifted(document, aheadMs) as T);
}

function shifted(value: unknown, ms: number): unknown {
  if (Array.isArray(value)) return value.map((each) => shifted(each, ms));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      typeof each === 'number' && NAMES_A_TIME.test(name) ? each + ms : shifted(each, ms),
    ]),
  );
}
