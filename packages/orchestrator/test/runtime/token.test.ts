import { expect, test } from 'vitest';
import { tokenAccepted } from '../../src/runtime/token.js';

test.each<[string | null, string | null, boolean]>([
  [null, null, true],
  [null, 'anything', true],
  ['secret', 'secret', true],
  ['secret', null, false],
  ['secret', '', false],
  ['secret', 'secret ', false],
  ['secret', 'Secret', false],
  ['sécret', 'sécret', true],
])('expected %j, given %j: %s', (expected, given, accepted) => {
  expect(tokenAccepted(expected, given)).toBe(accepted);
});
