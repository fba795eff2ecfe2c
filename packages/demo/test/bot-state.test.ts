import { describe, expect, test } from 'vitest';
import { Ballast, MessageMemory } from '../src/bot-state.js';

describe('the memory of messages', () => {
  test('counts each channel from 1, without gaps or repetitions', () => {
    const memory = new MessageMemory();
    memory.begin(0);
    expect([1, 2, 2, 4, 3, 4].map((number) => memory.accept(0, 'a', number))).toEqual([
      'next',
      'next',
      'repeated',
      'ahead',
      'next',
      'next',
    ]);
  });

  test('goes on where it moves with its shard, and does not where the shard moves without', () => {
    const origin = new MessageMemory();
    origin.begin(3);
    origin.accept(3, 'a', 1);
    origin.accept(3, 'a', 2);
    const destination = new MessageMemory();
    expect(destination.knows(3)).toBe(false);
    for (const entry of origin.entries(3)) destination.restore(3, entry);
    expect(destination.knows(3)).toBe(true);
    expect(destination.accept(3, 'a', 4)).toBe('ahead');
    expect(destination.accept(3, 'b', 2)).toBe('ahead');
    expect(destination.accept(3, 'a', 3)).toBe('next');
  });

  test('of a shard whose node died begins with what comes, channel by channel, wherever it moves to', () => {
    const heir = new MessageMemory();
    expect(heir.knows(1)).toBe(false);
    expect(heir.accept(1, 'a', 7)).toBe('next');
    expect([9, 8].map((number) => heir.accept(1, 'a', number))).toEqual(['ahead', 'next']);
    const destination = new MessageMemory();
    for (const entry of heir.entries(1)) destination.restore(1, entry);
    expect(destination.accept(1, 'b', 5)).toBe('next');
    expect([10, 9].map((number) => destination.accept(1, 'a', number))).toEqual(['ahead', 'next']);
  });

  test('knows nothing of what it forgot', () => {
    const memory = new MessageMemory();
    memory.begin(1);
    memory.accept(1, 'a', 1);
    memory.forget(1);
    expect(memory.knows(1)).toBe(false);
  });
});

function moved(change: (chunks: Uint8Array[]) => Uint8Array[], shard = 3): number {
  const origin = new Ballast(1);
  origin.make(3);
  const destination = new Ballast(1);
  const chunks = [...origin.chunks(3)].map((chunk) => chunk.slice());
  for (const chunk of change(chunks)) destination.restore(shard, chunk);
  return destination.wrong(shard);
}

describe('ballast of a shard', () => {
  test('that comes whole is right', () => {
    expect(moved((chunks) => chunks)).toBe(0);
  });

  test('that comes in another order, or partly twice, is right as well: a copy may begin anew', () => {
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
  ])('with %s is found wrong', (_, change) => {
    expect(moved(change)).toBeGreaterThan(0);
  });

  test("that is another shard's is found wrong", () => {
    expect(moved((chunks) => chunks, 4)).toBeGreaterThan(0);
  });

  test('of no size is right', () => {
    expect(new Ballast(0).wrong(1)).toBe(0);
  });
});
