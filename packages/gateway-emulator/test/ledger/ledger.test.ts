import { describe, expect, test } from 'vitest';
import type { HandledEvent } from '../../src/ledger/handled-report.js';
import { defaultLedgerLimits, Ledger } from '../../src/ledger/ledger.js';

/**
 * A ledger that has emitted `count` events `e1`, `e2`, … on a shard, as sequences 2, 3, … of session `session-<shard>`.
 */
function emitted(
  count: number,
  { ledger = new Ledger(), shard = 0 }: { ledger?: Ledger; shard?: number } = {},
): Ledger {
  for (let index = 1; index <= count; index += 1) {
    ledger.record({
      kind: 'emitted',
      at: 1_000 + index,
      eventId: idOf(index, shard),
      type: 'MESSAGE_CREATE',
      sessionId: `session-${shard}`,
      shard,
      count: 4,
      s: index + 1,
    });
  }
  return ledger;
}

const idOf = (index: number, shard = 0): string => `e${index}${shard === 0 ? '' : `-${shard}`}`;

/** The handling of the `index`-th event at time `at`. */
function handling(index: number, at: number, more: Partial<HandledEvent> = {}): HandledEvent {
  const shard = more.shard ?? 0;
  return { shard, s: index + 1, id: idOf(index, shard), t: 'MESSAGE_CREATE', at, ...more };
}

describe('a report that is whole and in order', () => {
  test('is clean, from one process or handed over between two', () => {
    const ledger = emitted(4);
    ledger.handled({ node: 'b', events: [handling(3, 30), handling(4, 40)] });
    ledger.handled([{ node: 'a', events: [handling(1, 10), handling(2, 20)] }]);
    expect(ledger.verdict()).toMatchObject({
      clean: true,
      emitted: 4,
      handled: 4,
      lost: 0,
      duplicated: 0,
      outOfOrder: 0,
      unexpected: 0,
      examples: [],
    });
  });

  test('may name an event without an id by its session and sequence', () => {
    const ledger = emitted(2);
    const place = { id: '', sessionId: 'session-0' };
    ledger.handled({ node: 'a', events: [handling(1, 10, place), handling(2, 20, place)] });
    expect(ledger.verdict()).toMatchObject({ clean: true, handled: 2 });
    ledger.handled({
      node: 'a',
      events: [handling(1, 30, { ...place, sessionId: 'another' }), handling(9, 30, place)],
    });
    expect(ledger.verdict()).toMatchObject({ clean: false, handled: 2, unexpected: 2 });
  });

  test('may mix the order of different shards', () => {
    const ledger = emitted(2, { ledger: emitted(2), shard: 1 });
    ledger.handled({
      node: 'a',
      events: [handling(1, 50), handling(2, 60), handling(1, 10, { shard: 1 }), handling(2, 20, { shard: 1 })],
    });
    expect(ledger.verdict()).toMatchObject({ clean: true, handled: 4 });
  });

  test('may have equal times, in the order in which one process reports', () => {
    const ledger = emitted(3);
    ledger.handled({ node: 'a', events: [handling(1, 5), handling(2, 5), handling(3, 5)] });
    expect(ledger.verdict().clean).toBe(true);
  });
});

describe('a faulty report', () => {
  test('that lacks an event is caught: lost', () => {
    const ledger = emitted(3);
    ledger.handled({ node: 'a', events: [handling(1, 10), handling(3, 30)] });
    expect(ledger.verdict()).toMatchObject({
      clean: false,
      emitted: 3,
      handled: 2,
      lost: 1,
      duplicated: 0,
      outOfOrder: 0,
    });
    expect(ledger.verdict().examples).toEqual(['lost: MESSAGE_CREATE e2 (shard 0, s 3) was handled by nobody']);
    expect(ledger.outstanding()).toEqual({ total: 1, perShard: new Map([[0, 1]]) });
  });

  test('that has an event twice is caught: duplicated, with both processes named', () => {
    const ledger = emitted(2);
    ledger.handled({ node: 'a', events: [handling(1, 10), handling(2, 20)] });
    ledger.handled({ node: 'b', events: [handling(2, 25)] });
    expect(ledger.verdict()).toMatchObject({ clean: false, lost: 0, duplicated: 1, outOfOrder: 0 });
    expect(ledger.verdict().examples).toEqual([
      'duplicated: MESSAGE_CREATE e2 (shard 0, s 3) was handled 2 times, first by a, last by b',
    ]);
  });

  test('in another order is caught: out of order', () => {
    const ledger = emitted(3);
    ledger.handled({ node: 'a', events: [handling(2, 10), handling(3, 20), handling(1, 30)] });
    expect(ledger.verdict()).toMatchObject({ clean: false, lost: 0, duplicated: 0, outOfOrder: 1 });
    expect(ledger.verdict().examples).toEqual([
      'out of order: MESSAGE_CREATE e1 (shard 0, s 2) was handled by a after s 3, handled by a',
    ]);
  });

  test('of two processes that overlap in time is caught, whichever reports first', () => {
    for (const nodes of [
      ['a', 'b'],
      ['b', 'a'],
    ]) {
      const ledger = emitted(4);
      const reports: Record<string, HandledEvent[]> = {
        a: [handling(1, 10), handling(2, 40)],
        b: [handling(3, 30), handling(4, 50)],
      };
      for (const node of nodes) ledger.handled({ node, events: reports[node] ?? [] });
      expect(ledger.verdict()).toMatchObject({ outOfOrder: 1, lost: 0, duplicated: 0 });
    }
  });

  test('with equal times in the wrong order is caught within one process', () => {
    const ledger = emitted(2);
    ledger.handled({ node: 'a', events: [handling(2, 5), handling(1, 5)] });
    expect(ledger.verdict().outOfOrder).toBe(1);
  });

  test.each([
    ['of an event that never was', { id: 'made-up' }, 'which was never emitted, or so long ago that it was settled'],
    ['on another shard', { shard: 3, id: 'e1' }, 'which was emitted on shard 0'],
    ['under another sequence', { s: 99 }, 'which was emitted as s 2'],
    ['on another session', { sessionId: 'other' }, 'which was emitted on session session-0, not other'],
  ])('%s is caught: unexpected', (_what, more, problem) => {
    const ledger = emitted(1);
    ledger.handled({ node: 'a', events: [handling(1, 10, more)] });
    const { unexpected, lost, clean, examples } = ledger.verdict();
    expect({ unexpected, lost, clean }).toEqual({ unexpected: 1, lost: 1, clean: false });
    expect(examples.at(-1)).toContain(problem);
  });
});

describe('events marked as redelivered', () => {
  test('may repeat what was handled, in whatever order the reports come', () => {
    for (const crashedReportsFirst of [true, false]) {
      const ledger = emitted(4);
      const crashed = { node: 'a', events: [handling(1, 10), handling(2, 20), handling(3, 30)] };
      const taker = {
        node: 'b',
        events: [handling(2, 40, { redelivered: true }), handling(3, 41, { redelivered: true }), handling(4, 42)],
      };
      ledger.handled(crashedReportsFirst ? [crashed, taker] : [taker, crashed]);
      expect(ledger.verdict()).toMatchObject({ clean: true, handled: 4, duplicated: 0, redelivered: 2, outOfOrder: 0 });
    }
  });

  test('count as handled where nobody else has handled them', () => {
    const ledger = emitted(1);
    ledger.handled({ node: 'b', events: [handling(1, 40, { redelivered: true })] });
    expect(ledger.verdict()).toMatchObject({ clean: true, handled: 1, redelivered: 0 });
  });

  test('do not excuse a repetition without the mark', () => {
    const ledger = emitted(1);
    ledger.handled({ node: 'a', events: [handling(1, 1), handling(1, 2), handling(1, 3, { redelivered: true })] });
    expect(ledger.verdict()).toMatchObject({ duplicated: 1, redelivered: 1, clean: false });
  });
});

test('an event that two sessions were given is one event, to be handled once, as either of them numbered it', () => {
  const copy = { kind: 'emitted' as const, at: 1, eventId: 'x', type: 'T', shard: 0, count: 4 };
  for (const s of [7, 2]) {
    const ledger = new Ledger();
    ledger.record({ ...copy, sessionId: 'old', s: 7 });
    ledger.record({ ...copy, sessionId: 'new', s: 2 });
    ledger.handled({ node: 'a', events: [{ shard: 0, s, id: 'x', t: 'T', at: 1 }] });
    expect(ledger.verdict()).toMatchObject({ clean: true, emitted: 1, handled: 1 });
    expect(ledger.emittedTo('new')).toEqual([{ s: 2, type: 'T', id: 'x', emittedAt: 1 }]);
  }
});

describe('bounded memory', () => {
  test('keeps counting what it no longer keeps: lost, duplicated and out of order', () => {
    const ledger = new Ledger({ ...defaultLedgerLimits, events: 20 });
    emitted(10, { ledger });
    ledger.handled({ node: 'a', events: [handling(2, 5), handling(1, 10), handling(3, 30), handling(3, 31)] });
    for (let shard = 1; shard <= 10; shard += 1) emitted(10, { ledger, shard });
    expect(ledger.emittedTo('session-0')).toEqual([]);
    expect(ledger.verdict()).toMatchObject({ emitted: 110, handled: 3, lost: 107, duplicated: 1, outOfOrder: 1 });
    ledger.handled({ node: 'a', events: [handling(4, 40)] });
    expect(ledger.verdict()).toMatchObject({ handled: 3, unexpected: 1 });
  });

  test('keeps as many violations as it may, and counts all', () => {
    const ledger = new Ledger({ ...defaultLedgerLimits, violations: 2 });
    for (let index = 0; index < 5; index += 1) {
      ledger.record({
        kind: 'violation',
        violation: { kind: 'send-rate', at: index, connection: 1, shard: null, sessionId: null, message: 'x' },
      });
    }
    expect(ledger.verdict()).toMatchObject({ violationCounts: { 'send-rate': 5 }, clean: false });
    expect(ledger.verdict().violations).toHaveLength(2);
  });
});
