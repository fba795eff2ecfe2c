/** What is counted of user code, whichever way it takes its events. */
import { virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { HandlerCounts } from '../../src/gateway-shard/handler-counts.js';

test('time is summed up over handlers, those that overlap and those that go on included', async () => {
  const clock = virtualClock();
  const counts = new HandlerCounts(clock);
  const first = counts.goesOn(counts.began());
  await clock.run(100);
  const second = counts.goesOn(counts.began());
  await clock.run(100);
  first();
  expect(counts.figures).toMatchObject({ events: 2, handlerMs: 300 });
  await clock.run(100);
  expect(counts.figures.handlerMs).toBe(400);
  second();
  second();
  expect(counts.figures.handlerMs).toBe(400);
});

test('a handler that never ends counts for ten seconds, and no more', async () => {
  const clock = virtualClock();
  const counts = new HandlerCounts(clock);
  counts.goesOn(counts.began());
  await clock.run(60_000);
  expect(counts.figures.handlerMs).toBe(10_000);
});

test('failures and refused RESUMEs are counted', () => {
  const counts = new HandlerCounts(virtualClock());
  counts.failed();
  counts.resumeRefused();
  counts.resumeRefused();
  expect(counts.figures).toEqual({ events: 0, handlerErrors: 1, handlerMs: 0, resumesRefused: 2 });
});
