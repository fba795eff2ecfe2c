import { expect, test } from 'vitest';
import { MessageMemory } from '../src/message-memory.js';

test('a channel is counted from 1, without gaps or repetitions', () => {
  const memory = new MessageMemory();
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
  origin.accept(3, 'a', 1);
  origin.accept(3, 'a', 2);
  const destination = new MessageMemory();
  expect(destination.accept(3, 'a', 3)).toBe('ahead');
  for (const entry of origin.entries(3)) destination.restore(3, entry);
  expect(destination.accept(3, 'a', 3)).toBe('next');
});

test('what is forgotten starts again', () => {
  const memory = new MessageMemory();
  memory.accept(1, 'a', 1);
  memory.forget(1);
  expect([...memory.entries(1)]).toEqual([]);
  expect(memory.accept(1, 'a', 1)).toBe('next');
});
