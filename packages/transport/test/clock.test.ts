import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { continuedClock, delay, systemClock, systemRandom, WakeUp, wallClockAheadMs } from '@dshard/transport';
import type { Clock } from '@dshard/transport';
import { leakGuard, until, virtualClock } from '@dshard/testkit';

leakGuard({ beforeEach, afterEach });

type Subject = { clock: Clock; pass: (ms: number) => Promise<void> };

/** The same contract, kept by both clocks. */
const subjects: [string, () => Subject][] = [
  [
    'systemClock',
    () => {
      const clock = systemClock();
      return {
        clock,
        pass: async (ms) => {
          const end = clock.monotonicMs() + ms;
          await until(() => clock.monotonicMs() >= end, { what: `${ms} ms to pass` });
        },
      };
    },
  ],
  [
    'virtualClock',
    () => {
      const clock = virtualClock();
      return { clock, pass: (ms) => clock.run(ms) };
    },
  ],
];

describe.each(subjects)('%s', (_, subject) => {
  test('after runs once, not before its time, never in the same turn', async () => {
    const { clock, pass } = subject();
    const start = clock.monotonicMs();
    const ran: [string, number][] = [];
    clock.after(10, () => ran.push(['ten', clock.monotonicMs() - start]));
    clock.after(-5, () => ran.push(['now', clock.monotonicMs() - start]));
    expect(ran).toEqual([]);
    await pass(60);
    // In which order timers run that are both overdue is not promised.
    expect(ran.map(([name]) => name).sort()).toEqual(['now', 'ten']);
    // Node's timers may be early by the rounding of a millisecond.
    expect(new Map(ran).get('ten')).toBeGreaterThanOrEqual(9);
  });

  test('a cancelled timer does not run, and cancelling again does nothing', async () => {
    const { clock, pass } = subject();
    let ran = 0;
    const cancelAfter = clock.after(5, () => ran++);
    const cancelEvery = clock.every(5, () => ran++);
    clock.after(0, () => ran++)();
    cancelAfter();
    cancelAfter();
    cancelEvery();
    await pass(30);
    cancelEvery();
    expect(ran).toBe(0);
  });

  test('afterReading runs once, never in the same turn, unless it is cancelled', async () => {
    const { clock, pass } = subject();
    const ran: string[] = [];
    clock.afterReading(() => ran.push('kept'));
    const cancel = clock.afterReading(() => ran.push('cancelled'));
    cancel();
    expect(ran).toEqual([]);
    await pass(30);
    cancel();
    expect(ran).toEqual(['kept']);
  });

  test('every goes on until cancelled, also from within', async () => {
    const { clock, pass } = subject();
    const ran: number[] = [];
    const cancel = clock.every(3, () => {
      if (ran.push(clock.monotonicMs()) === 3) cancel();
    });
    // Timers of a busy machine are late.
    for (let round = 0; round < 50 && ran.length < 3; round++) await pass(60);
    await pass(60);
    expect(ran).toHaveLength(3);
  });

  test('a delay beyond what Node can count is not taken for none', async () => {
    const { clock, pass } = subject();
    let ran = 0;
    const cancels = [clock.after(2 ** 31, () => ran++), clock.after(Number.POSITIVE_INFINITY, () => ran++)];
    await pass(30);
    for (const cancel of cancels) cancel();
    expect(ran).toBe(0);
  });

  test('a delay that is not a number throws', () => {
    const { clock } = subject();
    expect(() => clock.after(Number.NaN, () => undefined)).toThrow(/was given NaN/);
    expect(() => clock.every(Number.NaN, () => undefined)).toThrow(/was given NaN/);
  });

  test('delay resolves in time, and rejects with the reason of its signal', async () => {
    const { clock, pass } = subject();
    const done: string[] = [];
    const controller = new AbortController();
    const reason = new Error('aborted');
    const kept = delay(clock, 5).then(() => done.push('kept'));
    const off = delay(clock, 5, controller.signal).catch((error: unknown) => expect(error).toBe(reason));
    const before = delay(clock, 5, AbortSignal.abort(reason)).catch((error: unknown) => expect(error).toBe(reason));
    controller.abort(reason);
    await pass(30);
    await Promise.all([kept, off, before]);
    expect(done).toEqual(['kept']);
    expect.assertions(3);
  });
});

test('the system clock waits for a delay beyond what Node can count to its very end', () => {
  vi.useFakeTimers();
  try {
    const longest = 2 ** 31 - 1;
    let ran = 0;
    systemClock().after(longest + 1000, () => ran++);
    const cancel = systemClock().after(longest + 1000, () => ran++);
    vi.advanceTimersByTime(longest + 999);
    expect(ran).toBe(0);
    // Also in its second stage it can be cancelled.
    cancel();
    vi.advanceTimersByTime(1);
    expect(ran).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});

test('afterReading of the system clock runs when all that had come was read', async () => {
  const server = createServer((socket) => socket.end('come'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let read = '';
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  socket.on('data', (text: string) => (read += text));
  await once(server, 'connection');
  // What was sent is there; this process was busy, and has not read it.
  await new Promise<void>((resolve) => systemClock().afterReading(resolve));
  expect(read).toBe('come');
  socket.destroy();
  server.close();
});

test('the system clock tells the time of day', () => {
  const before = Date.now();
  const now = systemClock().wallClock();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
});

test('the time that everything is decided by goes on evenly when the machine’s clock is set, and people can be told that one', () => {
  const clock = systemClock();
  const [before, machine] = [clock.now(), Date.now];
  expect(Number.isInteger(before)).toBe(true);
  expect(wallClockAheadMs(clock)).toBe(0);
  for (const aheadMs of [3_600_000, -3_600_000]) {
    Date.now = () => machine() + aheadMs;
    expect(clock.now() - before).toBeLessThan(60_000);
    expect(clock.now()).toBeGreaterThanOrEqual(before);
    expect(Math.round(wallClockAheadMs(clock) / 60_000)).toBe(aheadMs / 60_000);
    Date.now = machine;
  }
});

test('a clock that goes on with an earlier line of time is as much ahead of the monotonic time as that was', () => {
  const clock = virtualClock();
  const continued = continuedClock(clock, 5_000);
  clock.advance(1_000);
  expect([continued.now(), continued.monotonicMs()]).toEqual([6_000, 1_000]);
  expect(continued.wallClock()).toBe(clock.wallClock());
});

test('the system random draws from [0, 1), not always the same', () => {
  const random = systemRandom();
  const drawn = Array.from({ length: 100 }, () => random.next());
  expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
  expect(new Set(drawn).size).toBeGreaterThan(90);
});

describe('the wake-up of a pure core', () => {
  function wakeUp() {
    const clock = virtualClock(0);
    const wokenAt: number[] = [];
    return { clock, wokenAt, wake: new WakeUp(clock, () => wokenAt.push(clock.now())) };
  }

  test('grants the last wish only, and once', () => {
    const { clock, wokenAt, wake } = wakeUp();
    wake.set(100);
    wake.set(50);
    wake.set(200);
    wake.set(200);
    expect(clock.pending()).toBe(1);
    clock.advance(1_000);
    expect(wokenAt).toEqual([200]);
    expect(wake.isArmed).toBe(false);
  });

  test('takes null for no wish, and the same time again', () => {
    const { clock, wokenAt, wake } = wakeUp();
    wake.set(100);
    wake.set(null);
    expect(clock.pending()).toBe(0);
    wake.set(100);
    clock.advance(100);
    wake.set(100);
    clock.advance(0);
    expect(wokenAt).toEqual([100, 100]);
  });

  test('asks a core that failed to say when again in a while, unless it is to be woken anyway', () => {
    const { clock, wokenAt, wake } = wakeUp();
    wake.set(100);
    wake.setIfNone(1_000);
    clock.advance(500);
    expect(wokenAt).toEqual([100]);
    wake.setIfNone(1_000);
    clock.advance(2_000);
    expect(wokenAt).toEqual([100, 1_500]);
  });
});
