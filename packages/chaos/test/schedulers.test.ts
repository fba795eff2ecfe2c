import { expect, test } from 'vitest';
import { judgeSchedulers, type SchedulersInput } from '../src/schedulers/verdict.js';

const nothing = { missed: 0, lost: 0, redelivered: 0, duplicated: 0, outOfOrder: 0, violations: [] };
const ending = { node: 'bot-0', code: 0, signal: null, tookMs: 900 };
const good: SchedulersInput = {
  nodes: 2,
  shards: 4,
  ledger: { ...nothing, emitted: 100, handled: 100, identifies: { used: 4 } },
  strategies: [
    {
      strategy: 'one-by-one',
      endings: [ending, { ...ending, node: 'bot-1' }],
      gapsMs: [10, 30, 20, 40],
      tookMs: 9_000,
    },
  ],
};

test('an update that costs nothing holds', () => {
  const { verdict, reasons } = judgeSchedulers(good);
  expect(reasons).toEqual([]);
  expect(verdict).toMatchObject({
    ok: true,
    strategies: [{ strategy: 'one-by-one', ended: 2, badExits: 0, longestEndMs: 900, gapMs: { p50: 30, max: 40 } }],
    identifies: { used: 4, needed: 4 },
  });
});

test.each<[string, Partial<SchedulersInput['ledger']>, RegExp]>([
  ['a lost event', { lost: 1 }, /1 events were lost/],
  ['an event that found no session', { missed: 1 }, /1 events were lost/],
  ['an event that came twice', { duplicated: 1 }, /repeated without the mark/],
  ['an event that came again, marked', { redelivered: 1 }, /marked, though no node was lost/],
  ['an event out of order', { outOfOrder: 1 }, /out of order/],
  ['an IDENTIFY', { identifies: { used: 5 } }, /5 IDENTIFYs were used where 4 were needed/],
  ['no traffic', { emitted: 0 }, /no event was emitted/],
])('%s makes it fail', (_, ledger, reason) => {
  const { verdict, reasons } = judgeSchedulers({ ...good, ledger: { ...good.ledger, ...ledger } });
  expect([verdict.ok, reasons.join()]).toEqual([false, expect.stringMatching(reason)]);
});

test.each([
  [[ending], /1 of 2 processes were replaced/],
  [[ending, { ...ending, code: 75 }], /ended with exit code 75 after 900 ms/],
  [[ending, { ...ending, code: null, signal: 'SIGKILL' }], /had to be killed 30000 ms after SIGTERM/],
])('a process that does not end well makes it fail', (endings, reason) => {
  const strategies = [{ strategy: 'surge-first' as const, endings, gapsMs: [], tookMs: 1 }];
  const { verdict, reasons } = judgeSchedulers({ ...good, strategies });
  expect([verdict.ok, reasons.join()]).toEqual([false, expect.stringMatching(reason)]);
});
