import { expect, test } from 'vitest';
import { delay } from '../src/clock.js';
import { virtualClock } from '../src/virtual-clock.js';

test('timers run by due time, then by age, each at its own time', () => {
  const clock = virtualClock(1000);
  const ran: [string, number, number][] = [];
  const note = (name: string) => () => ran.push([name, clock.now(), clock.monotonicMs()]);
  clock.after(20, note('c'));
  clock.after(10, note('a'));
  clock.after(10, note('b'));
  clock.advance(20);
  expect(ran).toEqual([
    ['a', 1010, 10],
    ['b', 1010, 10],
    ['c', 1020, 20],
  ]);
  expect(clock.now()).toBe(1020);
});

test('nothing runs before its time, and timers set by timers run in the same advance', () => {
  const clock = virtualClock(0);
  const ran: number[] = [];
  clock.after(10, () => clock.after(5, () => ran.push(clock.now())));
  clock.advance(14);
  expect(ran).toEqual([]);
  expect(clock.pending()).toBe(1);
  clock.advance(1);
  expect(ran).toEqual([15]);
  expect(clock.pending()).toBe(0);
});

test('a timer of every() repeats at its interval', () => {
  const clock = virtualClock(0);
  const ran: number[] = [];
  const cancel = clock.every(30, () => ran.push(clock.now()));
  clock.advance(100);
  cancel();
  clock.advance(100);
  expect(ran).toEqual([30, 60, 90]);
  expect(clock.pending()).toBe(0);
});

test('run() lets promises settle between timers, and advance() does not', async () => {
  const steps = async (clock: ReturnType<typeof virtualClock>, into: number[]): Promise<void> => {
    for (let step = 0; step < 3; step++) {
      await delay(clock, 10);
      into.push(clock.now());
    }
  };
  const running = virtualClock(0);
  const ran: number[] = [];
  void steps(running, ran);
  await running.run(100);
  expect(ran).toEqual([10, 20, 30]);

  const advancing = virtualClock(0);
  const advanced: number[] = [];
  void steps(advancing, advanced);
  advancing.advance(100);
  expect(advanced).toEqual([]);
});

test('hours of the virtual clock pass in no time', () => {
  const clock = virtualClock();
  let beats = 0;
  clock.every(1000, () => beats++);
  clock.advance(24 * 3_600_000);
  expect(beats).toBe(86_400);
});

test('a loop that sets timers for now is reported, not hung on', () => {
  const clock = virtualClock();
  const again = (): void => {
    clock.after(0, again);
  };
  again();
  expect(() => clock.advance(1)).toThrow(/a loop without end/);
});
