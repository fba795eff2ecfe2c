/** Numbers: integers as they go over the wire, whole numbers as people write them, and epochs that can be believed. */
/**
 * Integers on the wire are 64 bits wide (Go peers write all of theirs so); a JavaScript number holds 53. Whatever is
 * decoded is a number when a number holds it exactly, and a bigint when not; the two never mix silently.
 */
const INT64_MIN: bigint = -(2n ** 63n);
const INT64_MAX: bigint = 2n ** 63n - 1n;
const UINT64_MAX: bigint = 2n ** 64n - 1n;

/** `value` as a number when that is exact. */
export function narrow(value: bigint): number | bigint {
  const asNumber = Number(value);
  return Number.isSafeInteger(asNumber) ? asNumber : value;
}

/** Whether `value` can be sent as a 64-bit signed integer without losing anything. */
export function isInt64(value: unknown): value is number | bigint {
  if (typeof value === 'bigint') return value >= INT64_MIN && value <= INT64_MAX;
  return Number.isSafeInteger(value);
}

export function isUint64(value: bigint): boolean {
  return value >= 0n && value <= UINT64_MAX;
}

/**
 * A whole number as people and programs write it: `7` or `"7"`, and nothing that only looks like one (`"0x7"`, `"7.0"`,
 * `" 7"`, `true`). undefined: it is none, or none of the range.
 */
export function parseWholeNumber(written: unknown, range: { min?: number; max?: number } = {}): number | undefined {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = range;
  const isWritten = typeof written === 'number' || (typeof written === 'string' && /^\d{1,16}$/.test(written));
  const number = isWritten ? Number(written) : Number.NaN;
  return Number.isSafeInteger(number) && number >= min && number <= max ? number : undefined;
}

/**
 * Epochs only grow, and everybody keeps to the highest that was seen: a made-up one near the end of the numbers would
 * be the last. An honest counter begins at the clock and grows slower than the clock, so one far ahead of it is
 * nobody's.
 */
const DAY_MS = 86_400_000;

/** How far ahead of the reader's clock an epoch may be: clocks are set back, and some begin wrong. */
const SLACK_MS = 400 * DAY_MS;

/** The highest that an orchestrator believes. What it counted itself may be higher, after its clock was set back. */
export function highestFromNode(now: number): number {
  return Math.floor(now) + SLACK_MS;
}

/**
 * The highest that a node believes: an orchestrator that counts on from the highest it believed is believed, by a
 * slower clock, too. @param obeyed the orchestrator's that the node has obeyed: the next one counts on from there.
 */
export function highestFromOrchestrator(now: number, obeyed = 0): number {
  return Math.max(highestFromNode(now), obeyed) + DAY_MS;
}

/** The highest that a node can have obeyed, by a clock that is a day ahead at most of the one here. */
export function highestObeyed(now: number): number {
  return highestFromNode(now) + 2 * DAY_MS;
}
