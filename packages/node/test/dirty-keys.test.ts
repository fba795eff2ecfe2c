import { expect, test } from 'vitest';
import { DirtyKeys } from '../src/index.js';

test('what changed since the copy began is named, each key once', () => {
  const dirty = new DirtyKeys<string>();
  dirty.mark(0, 'before');
  dirty.begin(0);
  for (const key of ['b', 'a', 'b']) dirty.mark(0, key);
  dirty.mark(1, 'of another');
  expect(dirty.take(0)).toEqual(['b', 'a']);
  dirty.mark(0, 'after');
  expect(dirty.take(0)).toEqual([]);
});

test('a copy that begins anew has nothing dirty, and neither has a shard that is gone', () => {
  const dirty = new DirtyKeys<string>();
  dirty.begin(0);
  dirty.mark(0, 'a');
  dirty.begin(0);
  expect(dirty.take(0)).toEqual([]);
  dirty.begin(0);
  dirty.forget(0);
  dirty.mark(0, 'a');
  expect(dirty.take(0)).toEqual([]);
});
