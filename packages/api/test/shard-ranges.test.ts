import { expect, test } from 'vitest';
import { shardRanges } from '../src/values/shard-list.js';

test.each([
  [[], ''],
  [[7], '7'],
  [[0, 1, 2, 3, 4, 7], '0 - 4, 7'],
  [[4, 2, 3], '2 - 4'],
  [[1, 3, 5], '1, 3, 5'],
  [[0, 1], '0 - 1'],
  [[10, 9, 2], '2, 9 - 10'],
])('%j is shown as "%s"', (shards, shown) => {
  expect(shardRanges(shards)).toBe(shown);
});

test('the dash may be another one', () => {
  expect(shardRanges([3, 1, 2, 7, 0], '-')).toBe('0-3, 7');
});
