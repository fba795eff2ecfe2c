import { AssertionError } from 'node:assert';
import { describe, expect, test } from 'vitest';
import type { ExactlyOnceOptions, Handled } from '../../src/ledger/exactly-once.js';
import { readHandled } from '../../src/ledger/exactly-once.js';
import type { HandledEvent } from '../../src/ledger/handled-report.js';
import { Ledger } from '../../src/ledger/ledger.js';

/**
 * Events `a1`, `a2`, … on shard 0 and `b1`, `b2`, … on shard 1, as sequences 2, 3, … of sessions `session-a` and
 * `session-b`.
 */
function emitted(perShard: number): Ledger {
  const ledger = new Ledger();
  for (let index = 1; index <= perShard; index += 1) {
    for (const [shard, name] of ['a', 'b'].entries()) {
      const event = {
        eventId: `${name}${index}`,
        type: 'MESSAGE_CREATE',
        sessionId: `session-${name}`,
        shard,
        count: 2,
      };
      ledger.record({ kind: 'emitted', at: index, ...event, s: index + 1 });
    }
  }
  return ledger;
}

const ids = (...names: string[]): Handled[] => names.map((id) => ({ id }));
const again = (id: string): Handled => ({ id, redelivered: true });

describe('a list of handled events', () => {
  test.each<[string, Handled[], ExactlyOnceOptions]>([
    ['whole, in order', ids('a1', 'a2', 'b1', 'b2'), {}],
    ['the shards mixed', ids('b1', 'a1', 'b2', 'a2'), {}],
    ['by session and sequence', [...ids('a1', 'a2', 'b1'), { sessionId: 'session-b', s: 3 }], {}],
    ['out of order where that is no matter', ids('a2', 'a1', 'b1', 'b2'), { order: 'any' }],
    ['marked repeats', [...ids('a1', 'a2', 'b1', 'b2'), again('a2')], { repeats: 'if-redelivered' }],
    [
      'marked at once, though it is the first time',
      [...ids('a1', 'b1', 'b2'), again('a2')],
      { repeats: 'if-redelivered' },
    ],
  ])('%s, is fine', (_what, handled, options) => {
    const ledger = emitted(2);
    ledger.expectExactlyOnce(handled, options);
    expect(ledger.checkExactlyOnce(handled, options)).toEqual({ ok: true, problems: [] });
  });

  test.each<[string, Handled[], ExactlyOnceOptions, string]>([
    ['lacks one', ids('a1', 'b1', 'b2'), {}, '1 of 4 events: handled by nobody'],
    ['has one twice', ids('a1', 'a2', 'a2', 'b1', 'b2'), {}, '1 of 4 events: handled again, without the mark'],
    [
      'has one twice, marked, where no repeats are allowed',
      [...ids('a1', 'a2', 'b1', 'b2'), again('a2')],
      {},
      '1 of 4 events: handled again, marked "redelivered", where no repeats',
    ],
    [
      'has a repeat without the mark after a marked one',
      [...ids('a1'), again('a2'), ...ids('a2', 'b1', 'b2')],
      { repeats: 'if-redelivered' },
      '1 of 4 events: handled again, without the mark',
    ],
    ['is out of order', ids('a2', 'a1', 'b1', 'b2'), {}, '1 of 4 events: handled after a later one'],
    ['has one that never was', ids('a1', 'a2', 'b1', 'b2', 'c1'), {}, '1 of 4 events: handled, though never emitted'],
    [
      'has a sequence that never was',
      [...ids('a1', 'a2', 'b1', 'b2'), { sessionId: 'session-a', s: 9 }],
      {},
      '1 of 4 events: handled, though never emitted',
    ],
  ])('%s: an assertion fails, and says so', (_what, handled, options, message) => {
    const ledger = emitted(2);
    expect(() => ledger.expectExactlyOnce(handled, options)).toThrow(AssertionError);
    expect(() => ledger.expectExactlyOnce(handled, options)).toThrow(message);
    expect(ledger.checkExactlyOnce(handled, options).problems[0]).toContain(message);
  });

  test('names the events that were lost or repeated', () => {
    expect(() => emitted(2).expectExactlyOnce(ids('a1', 'b1', 'b2'))).toThrow(
      'lost: MESSAGE_CREATE a2 (shard 0, s 3) was handled by nobody',
    );
  });

  test('leaves the ledger as it was: reports may still come', () => {
    const ledger = emitted(2);
    ledger.expectExactlyOnce(ids('a1', 'a2', 'b1', 'b2'));
    expect(ledger.outstanding().total).toBe(4);
  });

  test('copies for several sessions are one event', () => {
    const ledger = emitted(1);
    const copy = { eventId: 'a1', type: 'MESSAGE_CREATE', sessionId: 'session-c', shard: 0, count: 1 };
    ledger.record({ kind: 'emitted', at: 1, ...copy, s: 7 });
    ledger.expectExactlyOnce([{ sessionId: 'session-c', s: 7 }, { id: 'b1' }]);
    expect(ledger.checkExactlyOnce([{ sessionId: 'session-c', s: 7 }, ...ids('a1', 'b1')]).ok).toBe(false);
  });
});

describe('without a list, what was reported counts', () => {
  const report = (id: string, s: number, at: number, more: Partial<HandledEvent> = {}): HandledEvent => {
    return { id, s, at, t: 'MESSAGE_CREATE', shard: id.startsWith('a') ? 0 : 1, ...more };
  };

  test('a takeover: what the dead process had handled comes again, marked', () => {
    const ledger = emitted(2);
    ledger.handled({ node: 'dead', events: [report('a1', 2, 10), report('a2', 3, 20)] });
    ledger.handled({
      node: 'heir',
      events: [report('a2', 3, 30, { redelivered: true }), report('b1', 2, 40), report('b2', 3, 50)],
    });
    ledger.expectExactlyOnce(undefined, { repeats: 'if-redelivered' });
    expect(() => ledger.expectExactlyOnce()).toThrow('where no repeats are allowed');
  });

  test('a process that was thought dead and handles late, without a mark, is caught, in whatever order reports come', () => {
    const heir = { node: 'heir', events: [report('a1', 2, 30, { redelivered: true })] };
    const late = { node: 'not dead', events: [report('a1', 2, 40)] };
    for (const order of [
      [heir, late],
      [late, heir],
    ]) {
      const ledger = emitted(1);
      ledger.handled([...order, { node: 'heir', events: [report('b1', 2, 50)] }]);
      expect(ledger.checkExactlyOnce(undefined, { repeats: 'if-redelivered' }).problems[0]).toContain(
        'without the mark',
      );
    }
  });

  test('events that found no session count, unless they may', () => {
    const ledger = new Ledger();
    ledger.record({ kind: 'missed', at: 1, eventId: 'x', type: 'MESSAGE_CREATE', shard: 0 });
    expect(() => ledger.expectExactlyOnce()).toThrow('found no session');
    ledger.expectExactlyOnce([], { missed: 'allowed' });
  });
});

test.each([
  [5, '"handled" is not an array'],
  [[5], 'event 1 is not an object'],
  [[{ id: 'x' }, {}], 'event 2 has neither "id" nor "sessionId" and "s"'],
  [[{ sessionId: 'x', s: -1 }], 'event 1 has neither'],
  [[{ id: 'x', redelivered: 1 }], '"redelivered" is not a boolean'],
])('%o is no list of handled events', (value, message) => {
  expect(() => readHandled(value)).toThrow(message);
});

test('the report says all of it in words', () => {
  const ledger = emitted(2);
  const base = { sessionId: 'session-a', shard: 0, count: 2, connection: 1 };
  ledger.record({ kind: 'identify', at: 0, shard: 0, count: 2, outcome: 'admitted', sessionId: 'session-a' });
  ledger.record({ kind: 'attached', at: 0, ...base, resumedFrom: null, replayed: 0 });
  ledger.record({ kind: 'detached', at: 100, ...base, code: 4000 });
  ledger.record({ kind: 'identify', at: 110, shard: 0, count: 2, outcome: 'admitted', sessionId: 'other' });
  ledger.record({ kind: 'attached', at: 130, ...base, resumedFrom: 2, replayed: 1 });
  const violation = { kind: 'double-attach', at: 1, connection: 1, shard: 0, sessionId: 'session-a' } as const;
  ledger.record({ kind: 'violation', violation: { ...violation, message: 'It was resumed twice.' } });
  ledger.handled({ node: 'bot', events: [{ id: 'a1', s: 2, shard: 0, t: 'MESSAGE_CREATE', at: 1 }] });
  expect(ledger.verdict().identifies).toEqual({ used: 2, inWrongWindow: 0, whileResumable: 1 });
  expect(ledger.report()).toBe(`NOT CLEAN

events      4 emitted, 1 handled, 3 lost, 0 without a session
repeats     0 unmarked, 0 marked as redelivered
order       0 after a later one; 0 reports of nothing that was emitted
identifies  2, 0 of them too early, 1 while a session could be resumed
gaps        1 resumes, 30 ms p50, 30 ms p99, 30 ms at most

Findings
  lost: MESSAGE_CREATE b1 (shard 1, s 2) was handled by nobody
  lost: MESSAGE_CREATE a2 (shard 0, s 3) was handled by nobody
  lost: MESSAGE_CREATE b2 (shard 1, s 3) was handled by nobody

Rules broken
  1 × double-attach
  double-attach (shard 0): It was resumed twice.

Shards
  0/2: 1 sessions, 1 resumes, 2 emitted, 1 replayed
  1/2: 1 sessions, 0 resumes, 2 emitted, 0 replayed
`);
  expect(new Ledger().report()).toContain('CLEAN: nothing lost');
});
