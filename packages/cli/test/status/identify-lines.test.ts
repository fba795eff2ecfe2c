import type { StatusV1 } from '@dshard/api';
import { describe, expect, test } from 'vitest';
import { identifyLines } from '../../src/status/identify-lines.js';
import { spanText } from '../../src/output/times.js';

type Identifies = StatusV1['identifies'];

const quiet: Identifies = {
  maxConcurrency: 16,
  windowMs: 5_000,
  budget: { total: 1_000, remaining: 936, reserve: 50, used: 64, allowed: 0, resetAt: 86_400_000 },
  shortSince: null,
  waiting: [],
  busyKeys: [],
};

function lines(identifies: Partial<Identifies>): string[] {
  return identifyLines({ identifies: { ...quiet, ...identifies }, now: 0 } as StatusV1);
}

describe('the identify budget in dso status', () => {
  const table: [string, Partial<Identifies>, string[]][] = [
    [
      'at rest',
      {},
      ['identifies: 936 of 1000 left (50 in reserve), more in 24 h 0 min; 0 of 16 keys in use, 5 s each'],
    ],
    [
      'at its reserve',
      {
        budget: { total: 1_000, remaining: 50, reserve: 50, used: 950, allowed: 2, resetAt: 60_000 },
        shortSince: 1,
        waiting: [3, 4, 9].map((shard) => ({ node: 'a', shard, since: 0 })),
        busyKeys: [{ key: 0, holder: null, freeAt: 9 }],
      },
      [
        'identifies: 50 of 1000 left (50 in reserve, 2 of them allowed now), more in 1 min; 1 of 16 keys in use, 5 s each',
        'waiting to identify: 3 - 4, 9 for want of session starts: see `dso help allowidentifies`',
      ],
    ],
  ];
  test.each(table)('is shown in full when it is %s', (_, given, wanted) => expect(lines(given)).toEqual(wanted));

  test.each([
    [-5, '0 s'],
    [59_000, '59 s'],
    [61_000, '1 min'],
    [7_260_000, '2 h 1 min'],
  ])('shows a time of %i ms as %s', (ms, wanted) => expect(spanText(ms)).toBe(wanted));
});
