import { expect, test } from 'vitest';
import { Ballast } from '../src/ballast.js';

function moved(change: (chunks: Uint8Array[]) => Uint8Array[], shard = 3): number {
  const origin = new Ballast(1);
  origin.make(3);
  const destination = new Ballast(1);
  const chunks = [...origin.chunks(3)].map((chunk) => chunk.slice());
  for (const chunk of change(chunks)) destination.restore(shard, chunk);
  return destination.wrong(shard);
}

test('a megabyte that comes whole is right', () => {
  expect(moved((chunks) => chunks)).toBe(0);
});

test('in another order, or partly twice, it is right as well: a copy may begin anew', () => {
  expect(moved((chunks) => [...chunks.toReversed(), ...chunks.slice(0, 2)])).toBe(0);
});

test.each([
  ['a missing chunk', (chunks: Uint8Array[]) => chunks.slice(1)],
  [
    'a wrong byte',
    (chunks: Uint8Array[]) => {
      chunks[2]![77]! ^= 1;
      return chunks;
    },
  ],
  ['a chunk cut short', ([first, ...rest]: Uint8Array[]) => [first!.subarray(0, 2), ...rest]],
])('%s is noticed', (_, change) => {
  expect(moved(change)).toBeGreaterThan(0);
});

test("another shard's ballast is noticed", () => {
  expect(moved((chunks) => chunks, 4)).toBeGreaterThan(0);
});

test('none is as big as it should be', () => {
  expect(new Ballast(0).wrong(1)).toBe(0);
});
