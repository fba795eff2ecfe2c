/** Which wait belongs to which move. */
import { expect, test } from 'vitest';
import { waitsOf } from '../src/reports.js';

test('a shard that moved twice has its waits in the order of its moves', () => {
  const moves = [{ shard: 1 }, { shard: 2 }, { shard: 1 }];
  const reports = [
    { shard: 2, ms: 5 },
    { shard: 1, ms: 7 },
    { shard: 1, ms: 9 },
  ];
  expect(waitsOf(moves, reports)).toEqual([7, 5, 9]);
});
