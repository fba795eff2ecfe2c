/** How long something took, over many times: nearest-rank percentiles, in milliseconds. */
export type Durations = { count: number; p50: number; p99: number; max: number };

export function durationsOf(unsorted: readonly number[]): Durations {
  const sorted = [...unsorted].sort((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
  return { count: sorted.length, p50: rank(0.5), p99: rank(0.99), max: sorted.at(-1) ?? 0 };
}
