import { describe, expect, test } from 'vitest';
import { histogramOf, movesIn } from '../../src/model/gaps.js';
import { lanesOf, timeScale } from '../../src/model/lanes.js';
import { entryOf, NOW } from './snapshots.js';

const HISTORY = [
  entryOf(1, 'migrationStarted', { migration: 'm1', shard: 3, operation: 'd1' }),
  entryOf(2, 'migrationCompleted', { migration: 'm1', shard: 3, frozenMs: 40 }),
  entryOf(3, 'migrationStarted', { migration: 'm2', shard: 4, operation: 'other' }),
  entryOf(100, 'migrationStarted', { migration: 'm3', shard: 5, operation: 'd1' }),
  entryOf(101, 'migrationFailed', { migration: 'm3', shard: 5 }),
  entryOf(102, 'migrationStarted', { migration: 'm4', shard: 3, operation: 'd1' }),
];
const lanes = lanesOf(HISTORY, ({ fields }) => fields['operation'] === 'd1');

describe('lanes', () => {
  test('have one for each shard of the operation, the first begun first, and all of its migrations', () => {
    expect(lanes.map(({ title, spans }) => [title, spans.map(({ outcome }) => outcome)])).toEqual([
      ['shard 3', ['moved', 'moving']],
      ['shard 5', ['failed']],
    ]);
    expect(lanes[0]?.spans[0]).toMatchObject({ from: NOW + 1_000, to: NOW + 2_000, frozenMs: 40 });
  });

  test('fold the time in which nothing moved, and keep the order of all others', () => {
    const scale = timeScale(lanes, { from: NOW + 1_000, to: NOW + 103_000 });
    expect(scale.folds).toHaveLength(1);
    expect(scale.folds[0]).toMatchObject({ from: NOW + 2_000, to: NOW + 100_000, label: '98 s' });
    const places = [1, 2, 50, 100, 101, 103].map((at) => scale.place(NOW + at * 1_000));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBe(0);
    expect(places.at(-1)).toBeCloseTo(1);
    // The second that matters has room, although it is a hundredth of the whole.
    expect(places[1]! - places[0]!).toBeGreaterThan(0.2);
  });
});

test('gaps are counted by their length, and only of moves that ended well', () => {
  const moves = movesIn([
    ...HISTORY,
    entryOf(200, 'migrationCompleted', { migration: 'm5', shard: 9, frozenMs: 3_000 }),
  ]);
  const { bars, count, median, longest } = histogramOf(moves);
  expect([count, median, longest]).toEqual([2, 40, 3_000]);
  expect(bars.filter((bar) => bar.count > 0).map(({ label }) => label)).toEqual(['≤ 50 ms', '> 2.5 s']);
});
