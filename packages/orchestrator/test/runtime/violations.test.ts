/**
 * The story: a refused Go node connected again 1,600 times a second, and its refusals pushed everything else out of the
 * history; so did one node that sent messages nobody asked for.
 */
import { virtualClock } from '@dshard/testkit';
import { silentLogger } from '@dshard/transport';
import { describe, expect, test } from 'vitest';
import type { HistoryEntry } from '../../src/domain/state/effects.js';
import { History } from '../../src/runtime/history.js';
import { closeDelayMs, sourceOf, Violations } from '../../src/runtime/violations.js';

function violationsOf() {
  const clock = virtualClock();
  const history = new History(clock, silentLogger);
  const violations = new Violations(clock, history);
  const texts = (): string[] => history.all().map(({ text }) => text);
  return { clock, history, violations, texts };
}

const garbage = { code: 'DSO_GARBAGE', message: 'Garbage came.' };
const other = { code: 'DSO_OTHER', message: 'Something else.' };

describe('what peers do wrong', () => {
  test('is counted, told once for each reason of an address, and summed up in one line a minute', () => {
    const { clock, violations, texts } = violationsOf();
    for (let i = 0; i < 1_600; i++) violations.closed(`10.0.0.1:${i}`, garbage);
    violations.closed('10.0.0.1:7', other);
    violations.closed('10.0.0.2:7', garbage);
    expect(texts()).toEqual([
      'The connection from 10.0.0.1:0 was closed: Garbage came.',
      'The connection from 10.0.0.1:7 was closed: Something else.',
      'The connection from 10.0.0.2:7 was closed: Garbage came.',
    ]);
    expect(violations.counts()).toEqual({ DSO_GARBAGE: 1_601, DSO_OTHER: 1 });
    clock.advance(60_000);
    expect(texts().slice(3)).toEqual([
      '10.0.0.1: 1599 more within a minute (DSO_GARBAGE 1599). The last: The connection from 10.0.0.1:7 was closed: Something else.',
    ]);
  });

  test('costs at most 60 lines a minute, from however many addresses it comes', () => {
    const { clock, violations, texts } = violationsOf();
    for (let i = 0; i < 5_000; i++) violations.closed(`10.1.${i >> 8}.${i & 255}:1`, garbage);
    expect(texts()).toHaveLength(60);
    clock.advance(60_000);
    expect(texts()).toHaveLength(120);
    expect(violations.counts()).toEqual({ DSO_GARBAGE: 5_000 });
  });

  test('is told again after a quiet time, and then forgotten with all that was kept of the address', () => {
    const { clock, violations, texts } = violationsOf();
    violations.closed('10.0.0.1:1', garbage);
    clock.advance(3 * 60_000);
    expect(clock.pending()).toBe(0);
    violations.closed('10.0.0.1:2', garbage);
    expect(texts()).toHaveLength(2);
    violations.close();
    expect(clock.pending()).toBe(0);
  });

  test('is told of a node by its name, whatever address it comes from', () => {
    const { violations, texts } = violationsOf();
    const entry = (message: string): HistoryEntry => ({
      name: 'protocolViolation',
      level: 'warn',
      text: `Node a sent ${message}: nobody asked.`,
      by: 'automatic',
      fields: { node: 'a', message },
    });
    for (let i = 0; i < 1_000; i++) expect(violations.takes(entry('stopShard'))).toBe(true);
    violations.takes(entry('heartbeat'));
    expect(violations.takes({ ...entry('x'), name: 'nodeJoined' })).toBe(false);
    expect(texts()).toEqual(['Node a sent stopShard: nobody asked.', 'Node a sent heartbeat: nobody asked.']);
  });
});

describe('a refused peer waits for its close', () => {
  test('longer each time, and half a minute at most', () => {
    expect([0, 1, 2, 3, 7, 8, 1e9].map(closeDelayMs)).toEqual([0, 250, 500, 1_000, 16_000, 30_000, 30_000]);
    const { violations } = violationsOf();
    expect([1, 2, 3].map((port) => violations.closed(`10.0.0.1:${port}`, garbage))).toEqual([250, 500, 1_000]);
    expect(violations.closed('10.0.0.2:1', garbage)).toBe(250);
  });

  test('and begins anew after some quiet minutes', () => {
    const { clock, violations } = violationsOf();
    for (let i = 0; i < 4; i++) violations.delayOf('10.0.0.1:1');
    clock.advance(5 * 60_000);
    expect(violations.delayOf('10.0.0.1:1')).toBe(250);
  });

  test.each([
    ['10.0.0.1:5', '10.0.0.1'],
    ['[::1]:5', '::1'],
    ['[2001:db8:1:2:aaaa::5]:80', '2001:db8:1:2::/64'],
    ['[::ffff:10.0.0.1]:5', '::ffff:10.0.0.1'],
  ])('%s counts as %s', (remote, source) => {
    expect(sourceOf(remote)).toBe(source);
  });
});
