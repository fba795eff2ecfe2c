import { leakGuard, virtualClock } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Schedule } from '../../src/admin/schedule.js';
import type { Timing } from '../../src/admin/schedule.js';

leakGuard({ beforeEach, afterEach });

/** When, in seconds, something scheduled is done within 100 s. */
function secondsOf(timing: Timing): number[] {
  const clock = virtualClock(0);
  const schedule = new Schedule(clock);
  const seconds: number[] = [];
  schedule.add('x', timing, () => seconds.push(clock.now() / 1000));
  clock.advance(100_000);
  schedule.close();
  expect(clock.pending()).toBe(0);
  return seconds;
}

describe('a schedule', () => {
  test.each<[Timing, number[]]>([
    [{ inMs: 5_000 }, [5]],
    [{ inMs: 5_000, everyMs: 30_000 }, [5, 35, 65, 95]],
    [{ everyMs: 40_000 }, [40, 80]],
    [{ inMs: 0, everyMs: 10_000, times: 3 }, [0, 10, 20]],
    [{ inMs: 1_000, times: 1 }, [1]],
    [{}, [0]],
  ])('%o is done at %o', (timing, seconds) => {
    expect(secondsOf(timing)).toEqual(seconds);
  });

  test('says what is to come, and forgets what is done', () => {
    const clock = virtualClock(0);
    const schedule = new Schedule(clock);
    const { id } = schedule.add('drops', { inMs: 5_000, everyMs: 30_000, times: 2 }, () => undefined);
    schedule.add('once', { inMs: 1_000 }, () => undefined);
    clock.advance(6_000);
    expect(schedule.list()).toEqual([
      { id, name: 'drops', nextAt: 35_000, everyMs: 30_000, done: 1, left: 1, lastError: null },
    ]);
    clock.advance(30_000);
    expect(schedule.list()).toEqual([]);
    expect(schedule.cancel(id)).toBe(false);
  });

  test('cancels an entry, which is not done again', () => {
    const clock = virtualClock(0);
    const schedule = new Schedule(clock);
    let done = 0;
    const { id } = schedule.add('x', { everyMs: 10 }, () => (done += 1));
    clock.advance(25);
    expect(schedule.cancel(id)).toBe(true);
    clock.advance(100);
    expect([done, clock.pending()]).toEqual([2, 0]);
  });

  test('goes on after a failure, and shows it', async () => {
    const clock = virtualClock(0);
    const schedule = new Schedule(clock);
    schedule.add('x', { everyMs: 10 }, () => Promise.reject(new Error('the port is taken')));
    await clock.run(25);
    expect(schedule.list()).toMatchObject([{ done: 2, lastError: 'the port is taken' }]);
    schedule.close();
  });

  test.each<[Timing, string]>([
    [{ inMs: -1 }, '"inMs" must be'],
    [{ inMs: Number.NaN }, '"inMs" must be'],
    [{ everyMs: 0 }, '"everyMs" must be'],
    [{ everyMs: 1, times: 0 }, '"times" must be'],
    [{ inMs: 1e15 }, '"inMs" must be'],
  ])('refuses the timing %o and names the field', (timing, message) => {
    expect(() => new Schedule(virtualClock()).add('x', timing, () => undefined)).toThrow(message);
  });

  test('takes a thousand entries and refuses one more', () => {
    const schedule = new Schedule(virtualClock());
    for (let entry = 0; entry < 1_000; entry += 1) schedule.add('x', { inMs: 1 }, () => undefined);
    expect(() => schedule.add('x', { inMs: 1 }, () => undefined)).toThrow('cancel some');
    schedule.close();
  });
});
