import { expect, test } from 'vitest';
import { CAPABILITIES, negotiate } from '@dshard/protocol';

test('what both name is on, in our order; names that are not known are ignored', () => {
  expect(negotiate(CAPABILITIES, ['teleport', 'sessions', 'auth-hmac', 'auth-hmac'])).toEqual([
    'auth-hmac',
    'sessions',
  ]);
});

test('a capability that one side lacks is off, and a base-level peer names none', () => {
  expect(negotiate(['auth-hmac'], CAPABILITIES)).toEqual(['auth-hmac']);
  expect(negotiate([], CAPABILITIES)).toEqual([]);
  expect(negotiate(CAPABILITIES, [])).toEqual([]);
});
