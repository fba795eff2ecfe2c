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

/** The status of a large fleet has a hundred thousand names, and few different ones. */
const isTimeByName = new Map<string, boolean>();
const MAX_NAMES = 1_000;

function isTime(name: string): boolean {
  const known = isTimeByName.get(name);
  if (known !== undefined) return known;
  const is = NAMES_A_TIME.test(name);
  if (isTimeByName.size < MAX_NAMES) isTimeByName.set(name, is);
  return is;
}

function shifted(value: unknown, ms: number): unknown {
  if (Array.isArray(value)) return value.map((each) => (typeof each === 'object' ? shifted(each, ms) : each));
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = { ...value };
  for (const name of Object.keys(copy)) {
    const each = copy[name];
    if (typeof each === 'number') {
      if (isTime(name)) copy[name] = each + ms;
    } else if (typeof each === 'object' && each !== null) {
      // A plain assignment would set the prototype.
      if (name === '__proto__') Object.defineProperty(copy, name, { value: shifted(each, ms) });
      else copy[name] = shifted(each, ms);
    }
  }
  return copy;
}
