/** How values are spread: how many lie below which bound. Plain data, never changed in place. */
export type Histogram = {
  /** Ascending; a value that equals a bound is below it. */
  readonly bounds: readonly number[];
  /** By bucket, each on its own: up to the first bound, …, and above the last one. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
};

export function emptyHistogram(bounds: readonly number[]): Histogram {
  return { bounds, counts: [...bounds.map(() => 0), 0], count: 0, sum: 0 };
}

export function withValue({ bounds, counts, count, sum }: Histogram, value: number): Histogram {
  const found = bounds.findIndex((bound) => value <= bound);
  const bucket = found < 0 ? bounds.length : found;
  return { bounds, counts: counts.with(bucket, (counts[bucket] ?? 0) + 1), count: count + 1, sum: sum + value };
}

/** Of values at hand, such as the pauses of one rollout in the history. */
export function histogramOf(values: Iterable<number>, bounds: readonly number[]): Histogram {
  let histogram = emptyHistogram(bounds);
  for (const value of values) histogram = withValue(histogram, value);
  return histogram;
}

/** In another unit: bounds and sum are multiplied. */
export function scaled({ bounds, counts, count, sum }: Histogram, factor: number): Histogram {
  return { bounds: bounds.map((bound) => bound * factor), counts, count, sum: sum * factor };
}

/**
 * The value that this share of all values is not above, with values spread evenly over their bucket, as Prometheus has
 * it. null: there are none. Above the last bound nothing better is known than that bound.
 */
export function quantileOf({ bounds, counts, count }: Histogram, share: number): number | null {
  if (count === 0) return null;
  const rank = share * count;
  let below = 0;
  for (const [bucket, bound] of bounds.entries()) {
    const here = counts[bucket] ?? 0;
    if (here > 0 && below + here >= rank) {
      const from = bounds[bucket - 1] ?? 0;
      return from + (bound - from) * Math.max(0, (rank - below) / here);
    }
    below += here;
  }
  return bounds.at(-1) ?? null;
}
