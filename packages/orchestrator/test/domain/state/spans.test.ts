import { expect, test } from 'vitest';
import { inWords } from '../../../src/domain/state/spans.js';

test.each([
  [-5, '0 min'],
  [0, '0 min'],
  [1, '1 min'],
  [60_000, '1 min'],
  [59 * 60_000, '59 min'],
  [60 * 60_000, '1 h 0 min'],
  [18_720_000, '5 h 12 min'],
])('%i ms are said as %s', (ms, words) => {
  expect(inWords(ms)).toBe(words);
});
