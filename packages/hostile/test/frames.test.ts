import { describe, expect, test } from 'vitest';
import { Dice } from '../src/input/dice.js';
import { hostileFrame } from '../src/input/frames.js';

const SHARDS = 8;
const frames = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => hostileFrame(new Dice(seed, 'node-port', index), SHARDS));

describe('hostile frames', () => {
  test('are the same for the same seed, one by one, and others for another', () => {
    const all = frames(7, 200);
    expect(hostileFrame(new Dice(7, 'node-port', 150), SHARDS)).toEqual(all[150]);
    expect(frames(8, 200).map(({ bytes }) => Buffer.from(bytes).toString('hex'))).not.toEqual(
      all.map(({ bytes }) => Buffer.from(bytes).toString('hex')),
    );
  });

  test('were valid before in nine of ten cases, of every kind that the protocol has', () => {
    const all = frames(7, 5_000);
    expect(all.filter(({ kind }) => kind !== null).length).toBeGreaterThan(4_000);
    expect(new Set(all.map(({ kind }) => kind)).size).toBeGreaterThan(35);
  });

  test('can be read by their receiver, or not, in fair shares', () => {
    const readable = frames(7, 2_000).filter(({ message }) => message !== null).length;
    expect(readable).toBeGreaterThan(600);
    expect(readable).toBeLessThan(1_700);
  });
});
