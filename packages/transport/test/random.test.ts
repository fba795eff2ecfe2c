import { expect, test } from 'vitest';
import { seededRandom } from '../src/random.js';

const draw = (seed: number, count: number): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.next());
};

test('a seed gives the same numbers every time, and another seed gives others', () => {
  expect(draw(7, 50)).toEqual(draw(7, 50));
  expect(draw(7, 50)).not.toEqual(draw(8, 50));
});

test('numbers are in [0, 1), and spread over all of it', () => {
  const drawn = draw(1, 10_000);
  expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
  for (let tenth = 0; tenth < 10; tenth++) {
    const inTenth = drawn.filter((value) => Math.floor(value * 10) === tenth).length;
    expect(inTenth).toBeGreaterThan(850);
    expect(inTenth).toBeLessThan(1150);
  }
});
