import { describe, expect, test } from 'vitest';
import { overlap, reignsOf } from '../src/cells/lead.js';
import type { WatchEntry } from '../src/watch.js';

const entry = (pid: number, at: number, text: string, kind: WatchEntry['kind'] = 'line'): WatchEntry => ({
  pid,
  at,
  kind,
  text,
});

describe('who led which shards, and when,', () => {
  test('is told by what the processes said', () => {
    const reigns = reignsOf([entry(1, 10, 'lead on'), entry(1, 20, 'lead off'), entry(2, 25, 'lead on')], new Map());
    expect(reigns).toEqual([
      { pid: 1, from: 10, to: 20 },
      { pid: 2, from: 25, to: Infinity },
    ]);
    expect(overlap(reigns)).toBeNull();
  });

  test('a process that ended leads no more, and one that was killed neither', () => {
    const entries = [
      entry(1, 10, 'lead on'),
      entry(1, 15, '0', 'exit'),
      entry(2, 16, 'lead on'),
      entry(3, 31, 'lead on'),
    ];
    expect(overlap(reignsOf(entries, new Map([[2, 30]])))).toBeNull();
    expect(overlap(reignsOf(entries, new Map()))).toEqual([
      { pid: 2, from: 16, to: Infinity },
      { pid: 3, from: 31, to: Infinity },
    ]);
  });

  test('two that led at once are found, even when one led within the time of the other', () => {
    const entries = [
      entry(1, 10, 'lead on'),
      entry(2, 12, 'lead on'),
      entry(2, 13, 'lead off'),
      entry(1, 20, 'lead off'),
    ];
    expect(overlap(reignsOf(entries, new Map()))).toEqual([
      { pid: 1, from: 10, to: 20 },
      { pid: 2, from: 12, to: 13 },
    ]);
  });
});
