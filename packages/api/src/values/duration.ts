/** Times as people write them: a number of milliseconds, or `250ms`, `10s`, `1.5s`, `2m`, `1h`, `1d`. */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The longest time a timer here may run (24 days: what fits Node's 32-bit timers). */
export const MAX_DURATION_MS = 2_000_000_000;

/** Milliseconds, or null when the text is no duration we can keep. */
export function parseDuration(text: string): number | null {
  const match = /^(\d{1,10}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)?$/.exec(text.trim());
  if (!match) return null;
  const ms = Math.round(Number(match[1]) * (UNITS[match[2] ?? 'ms'] ?? 1));
  return ms <= MAX_DURATION_MS ? ms : null;
}
