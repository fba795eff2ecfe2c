import { LIVE_CONDITIONS } from '@dshard/api/live';
import { describe, expect, test } from 'vitest';
import { BRIGHTNESS_STEPS, brightnessOf, CONDITION_ORDER, LOOKS } from '../../src/model/tones.js';

describe('how conditions look', () => {
  test('every condition that the stream tells has a look', () => {
    expect(CONDITION_ORDER.toSorted()).toEqual([...LIVE_CONDITIONS].toSorted());
  });

  test('no two conditions have both the same tone and the same mark', () => {
    const looks = Object.values(LOOKS).map(({ tone, mark }) => `${tone} ${mark}`);
    expect(new Set(looks).size).toBe(looks.length);
  });

  test('busier shards are brighter, and what nobody knows is in between', () => {
    const steps = [0, 0.5, 5, 50, 5_000].map(brightnessOf);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect([steps[0], steps.at(-1)]).toEqual([0, BRIGHTNESS_STEPS - 1]);
    expect(brightnessOf(null)).toBe(2);
  });
});
