import { expect, test } from 'vitest';
import { isNodeId } from '@dshard/protocol';

test.each([
  ['a', true],
  ['web-3', true],
  ['host.example.org-lz4k2', true],
  ['nœud-日本', true],
  ['x'.repeat(128), true],
  // Characters are counted, not UTF-16 units.
  ['🚀'.repeat(128), true],
  ['', false],
  ['x'.repeat(129), false],
  ['.', false],
  ['..', false],
  ['a/b', false],
  ['a\\b', false],
  ['a b', false],
  ['a\tb', false],
  ['a\u0000', false],
  ['a\u001b[31m', false],
  ['a\u202eb', false],
  ['a\u2028b', false],
  ['\ud800', false],
])('isNodeId(%j) is %s', (text, wanted) => {
  expect(isNodeId(text)).toBe(wanted);
});
