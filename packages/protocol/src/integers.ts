/**
 * Integers on the wire are 64 bits wide (Go peers write all of theirs so); a JavaScript number holds 53. Whatever is
 * decoded is a number when a number holds it exactly, and a bigint when not; the two never mix silently.
 */

const INT64_MIN: bigint = -(2n ** 63n);
const INT64_MAX: bigint = 2n ** 63n - 1n;

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
