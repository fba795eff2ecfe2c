import { UNKNOWN_RATE } from '@dshard/api/live';
import { expect, test } from 'vitest';
import type { NodeState } from '../../../src/domain/state/state.js';
import { EventRates, eventsPerSecond, stepOf } from '../../../src/http/live/event-rates.js';
import { testNode } from '../fake-orchestrator.js';

function reporting(events: number, id = 'a'): NodeState {
  const report = { shardId: 3, phase: 'ready', pingMs: 20, guilds: 10, events, session: null } as const;
  return testNode(id, { shardReports: [report] });
}

test('A rate is known from the second heartbeat on, and stays on its step while it differs by noise only', () => {
  const rates = new EventRates();
  expect(rates.note(reporting(100), 0)).toEqual([3]);
  expect(rates.of(3, 'a')).toBe(UNKNOWN_RATE);
  expect(rates.note(reporting(600), 5_000)).toEqual([3]);
  expect(rates.of(3, 'a')).toBe(100);
  expect(rates.note(reporting(1_150), 10_000)).toEqual([]);
  expect(rates.note(reporting(1_600), 15_000)).toEqual([]);
  expect(rates.note(reporting(2_600), 20_000)).toEqual([3]);
  expect(rates.of(3, 'a')).toBe(180);
});

test('A shard that is counted from 0 again, because it moved, keeps no rate of elsewhere', () => {
  const rates = new EventRates();
  rates.note(reporting(100), 0);
  rates.note(reporting(600), 5_000);
  rates.note(reporting(0, 'b'), 5_000);
  expect(rates.of(3, 'b')).toBe(UNKNOWN_RATE);
  rates.note(reporting(50, 'b'), 10_000);
  expect(rates.of(3, 'b')).toBe(10);
  rates.forget('a');
  expect(rates.of(3, 'a')).toBe(UNKNOWN_RATE);
});

test.each([
  [0, 5, 0],
  [0.05, 5, 0],
  [1, 0, 1],
  [1.3, 0, 1.3],
  [950, 0, 1_000],
  [900, 750, 750],
])('A rate of %d, where %d is shown, is shown as %d', (rate, shown, expected) => {
  expect(stepOf(rate, shown)).toBe(expected);
});

test('The events a second of a node are those of all its shards that were there before', () => {
  expect(eventsPerSecond(undefined, reporting(10), 5_000)).toBeNull();
  expect(eventsPerSecond(reporting(10), reporting(260), 5_000)).toBe(50);
  expect(eventsPerSecond(reporting(260), reporting(10), 5_000)).toBeNull();
});
