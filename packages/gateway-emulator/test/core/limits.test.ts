import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createIdentifyWindows,
  enterIdentifyWindow,
  createSessionStartBudget,
  readBudget,
  takeSessionStart,
} from '../../src/core/limits.js';
import {
  addToReplay,
  createReplayBuffer,
  replayableCount,
  replayAfter,
  replayCapacityFor,
} from '../../src/core/replay-buffer.js';

test('identify windows never admit two of a key within the window', () => {
  const attempts = fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 0, max: 40 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), attempts, (maxConcurrency, steps) => {
      const windows = createIdentifyWindows(maxConcurrency, 5_000);
      const admittedAt = new Map<number, number>();
      let now = 0;
      for (const [passMs, shard] of steps) {
        now += passMs;
        const key = shard % maxConcurrency;
        const free = now - (admittedAt.get(key) ?? -Infinity) >= 5_000;
        expect(enterIdentifyWindow(windows, shard, now).admitted).toBe(free);
        if (free) admittedAt.set(key, now);
      }
    }),
  );
});

describe('the session-start budget', () => {
  test('counts down, and starts anew when its period is over', () => {
    const budget = createSessionStartBudget(2, 1_000, 0);
    expect([takeSessionStart(budget, 10), takeSessionStart(budget, 20), takeSessionStart(budget, 30)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(readBudget(budget, 999)).toEqual({ total: 2, remaining: 0, resetAfterMs: 1 });
    expect(readBudget(budget, 1_000)).toEqual({ total: 2, remaining: 2, resetAfterMs: 1_000 });
    expect(readBudget(budget, 3_500)).toEqual({ total: 2, remaining: 2, resetAfterMs: 500 });
  });
});

describe('the replay buffer', () => {
  test('gives back what a plain list would, in order, or null where it forgot', () => {
    const kept = fc.array(fc.boolean(), { maxLength: 40, size: 'max' });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 8 }), kept, (capacity, isKept) => {
        const buffer = createReplayBuffer(capacity, 1_000_000);
        const all: number[] = [];
        for (const [index, keep] of isKept.entries()) {
          // READY and RESUMED take numbers without being kept.
          if (!keep) continue;
          all.push(index + 1);
          addToReplay(buffer, { s: index + 1, type: 'T', json: '{}', eventId: null });
        }
        const forgotten = all.slice(0, Math.max(0, all.length - capacity));
        for (let from = 0; from <= isKept.length + 1; from += 1) {
          const expected = forgotten.some((s) => s > from) ? null : all.filter((s) => s > from);
          expect(replayAfter(buffer, from)?.map((entry) => entry.s) ?? null).toEqual(expected);
        }
      }),
    );
  });

  test('keeps no more bytes than it may, nothing at all where one event is too large', () => {
    const buffer = createReplayBuffer(1_000, 100);
    for (let s = 1; s <= 200; s += 1) addToReplay(buffer, { s, type: 'T', json: 'x'.repeat(10), eventId: null });
    expect([replayableCount(buffer), buffer.evictedThrough, buffer.entries.length < 100]).toEqual([10, 190, true]);
    expect(replayAfter(buffer, 189)).toBeNull();
    expect(replayAfter(buffer, 190)).toHaveLength(10);
    addToReplay(buffer, { s: 201, type: 'T', json: 'x'.repeat(101), eventId: null });
    expect([replayableCount(buffer), buffer.evictedThrough, buffer.bytes]).toEqual([0, 201, 0]);
    expect(replayAfter(buffer, 201)).toEqual([]);
  });

  test.each([
    [0, 100],
    [2, 150],
    [46, 3_450],
    [47, 3_500],
    [2_500, 3_500],
  ])('of a shard with %i guilds keeps %i events with by-guilds', (guilds, events) => {
    expect(replayCapacityFor(guilds)).toBe(events);
  });
});
