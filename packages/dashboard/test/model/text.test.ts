import { describe, expect, test } from 'vitest';
import { bytes, counted, percent, ranges, rate, span } from '../../src/model/text.js';

describe('figures as people read them', () => {
  test.each([
    [340, '340 ms'],
    [1_500, '1.5 s'],
    [12_400, '12 s'],
    [240_000, '4 min'],
    [12_000_000, '3 h 20 min'],
    [187_200_000, '2 d 4 h'],
    [-5, '0 ms'],
  ])('%i milliseconds are %s', (ms, text) => {
    expect(span(ms)).toBe(text);
  });

  test('shards that follow on each other are ranges', () => {
    expect(ranges([7, 0, 1, 2, 9, 8])).toBe('0-2, 7-9');
    expect(ranges([])).toBe('');
  });

  test('nearly all is not all', () => {
    expect([percent(4_999, 5_000), percent(5_000, 5_000), percent(0, 0)]).toEqual(['99.9 %', '100 %', '0 %']);
  });

  test('sizes, rates and counts have their units', () => {
    expect([bytes(4e8), bytes(2.5e9), rate(0.5), rate(12_300), counted(1, 'shard'), counted(5_000, 'shard')]).toEqual([
      '400 MB',
      '2.5 GB',
      '0.5',
      '12.3 k',
      '1 shard',
      '5,000 shards',
    ]);
  });
});
