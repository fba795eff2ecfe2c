/**
 * A whole number as people and programs write it: `7` or `"7"`, and nothing that only looks like one (`"0x7"`, `"7.0"`, `" 7"`, `true`).
 * undefined: it is none, or none of the range.
 */
export function parseWholeNumber(written: unknown, range: { min?: number; max?: number } = {}): number | undefined {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = range;
  const isWritten = typeof written === 'number' || (typeof written === 'string' && /^\d{1,16}$/.test(written));
  const number = isWritten ? Number(written) : Number.NaN;
  return Number.isSafeInteger(number) && number >= min && number <= max ? number : undefined;
}
