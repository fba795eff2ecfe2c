import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyHistogram, histogramOf, quantileOf, scaled } from '../../src/values/histogram.js';

const BOUNDS = [1, 2, 4, 8];

describe('a histogram', () => {
  test('counts a value that equals a bound below that bound, and what is above all bounds on its own', () => {
    expect(histogramOf([0, 1, 1.5, 8, 9], BOUNDS)).toEqual({
      bounds: BOUNDS,
      counts: [2, 1, 0, 1, 1],
      count: 5,
      sum: 19.5,
    });
  });

  test('in another unit has other bounds and another sum, and the same counts', () => {
    const { bounds, counts, sum } = scaled(histogramOf([1, 3], BOUNDS), 1_000);
    expect([bounds, counts, sum]).toEqual([[1_000, 2_000, 4_000, 8_000], [1, 0, 1, 0, 0], 4_000]);
  });

  test('of nothing has no quantiles', () => {
    expect(quantileOf(emptyHistogram(BOUNDS), 0.5)).toBeNull();
  });

  test.each([
    [[1, 1, 1, 1], 0.5, 0.5],
    [[3, 3], 0.5, 3],
    [[0.5, 3, 3, 3], 0.25, 1],
    [[9, 9], 0.5, 8],
  ])('of %j has the quantile %d at %d', (values, share, at) => {
    expect(quantileOf(histogramOf(values, BOUNDS), share)).toBe(at);
  });

  test('has its quantiles in the bucket where the sorted values have them, and they never fall', () => {
    const value = fc.double({ min: 0, max: 8, noNaN: true });
    const share = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), share, share, (values, one, other) => {
        const histogram = histogramOf(values, BOUNDS);
        const sorted = [...values].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(one * values.length) - 1] ?? 0;
        const bucket = BOUNDS.findIndex((bound) => exact <= bound);
        const found = quantileOf(histogram, one) ?? -1;
        expect(found).toBeGreaterThanOrEqual(BOUNDS[bucket - 1] ?? 0);
        expect(found).toBeLessThanOrEqual(BOUNDS[bucket] ?? 8);
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        expect(quantileOf(histogram, low)).toBeLessThanOrEqual(quantileOf(histogram, high) ?? 0);
      }),
    );
  });
});
