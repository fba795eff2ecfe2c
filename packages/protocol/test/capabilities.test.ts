import { expect, test } from 'vitest';
import { CAPABILITIES, negotiate } from '@dshard/protocol';

test('what both name is on, in our order; names that are not known are ignored', () => {
  expect(negotiate(CAPABILITIES, ['teleport', 'sessions', 'auth', 'auth'])).toEqual(['auth', 'sessions']);
});

test('a capability that one side lacks is off, and a base-level peer names none', () => {
  expect(negotiate(['auth'], CAPABILITIES)).toEqual(['auth']);
  expect(negotiate([], CAPABILITIES)).toEqual([]);
  expect(negotiate(CAPABILITIES, [])).toEqual([]);
});
