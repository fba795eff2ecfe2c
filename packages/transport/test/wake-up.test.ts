import { virtualClock } from '@dshard/testkit';
import { expect, test } from 'vitest';
import { WakeUp } from '../src/wake-up.js';

function wakeUp() {
  const clock = virtualClock(0);
  const wokenAt: number[] = [];
  return { clock, wokenAt, wake: new WakeUp(clock, () => wokenAt.push(clock.now())) };
}

test('only the last wish counts, and it is granted once', () => {
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

test('null is no wish, and the same time may be asked for again', () => {
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

test('a core that failed to say when is asked again in a while, unless it is to be woken anyway', () => {
  const { clock, wokenAt, wake } = wakeUp();
  wake.set(100);
  wake.setIfNone(1_000);
  clock.advance(500);
  expect(wokenAt).toEqual([100]);
  wake.setIfNone(1_000);
  clock.advance(2_000);
  expect(wokenAt).toEqual([100, 1_500]);
});
