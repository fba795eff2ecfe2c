import { expect, test } from 'vitest';
import { MessageMemory } from '../src/message-memory.js';

test('a channel is counted from 1, without gaps or repetitions', () => {
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

test('a shard that moves with its memory goes on; one that moves without does not', () => {
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

test('a shard whose node died begins with what comes, channel by channel, wherever it moves to', () => {
  const heir = new MessageMemory();
  expect(heir.knows(1)).toBe(false);
  expect(heir.accept(1, 'a', 7)).toBe('next');
  expect([9, 8].map((number) => heir.accept(1, 'a', number))).toEqual(['ahead', 'next']);
  const destination = new MessageMemory();
  for (const entry of heir.entries(1)) destination.restore(1, entry);
  expect(destination.accept(1, 'b', 5)).toBe('next');
  expect([10, 9].map((number) => destination.accept(1, 'a', number))).toEqual(['ahead', 'next']);
});

test('what is forgotten is not known', () => {
  const memory = new MessageMemory();
  memory.begin(1);
  memory.accept(1, 'a', 1);
  memory.forget(1);
  expect(memory.knows(1)).toBe(false);
});
