import { describe, expect, test } from 'vitest';
import type { Case } from '../src/cases.js';
import { cases } from '../src/cases.js';
import type { Library } from '../src/libraries.js';
import type { LibraryFault } from '../src/library-faults.js';
import { lineOf, matrixOf, summaryOf } from '../src/report.js';
import type { Outcome, Result } from '../src/suite.js';

const library = (name: string, note: string | null = null): Library => ({
  name,
  version: '1.0.0',
  options: {},
  note,
});
const [first, second] = [cases[0] as Case, cases[1] as Case];
const fault: LibraryFault = {
  library: 'b',
  cases: [first.name],
  check: 'x',
  does: 'forgets',
  place: 'a.js:1',
  source: '',
};
const passed: Outcome = { kind: 'passed', note: undefined };

function result(name: string, one: Case, outcome: Outcome): Result {
  return { library: library(name), case: one, outcome, seconds: 1.25 };
}

describe('the summary', () => {
  test('counts, and is ok with faults of libraries, not with failures', () => {
    const results = [result('a', first, passed), result('b', first, { kind: 'libraryFault', fault, problem: 'p' })];
    expect(summaryOf(results)).toEqual({
      ok: true,
      libraries: {
        a: { version: '1.0.0', passed: 1, failed: 0, libraryFault: 0 },
        b: { version: '1.0.0', passed: 0, failed: 0, libraryFault: 1 },
      },
    });
    expect(summaryOf([...results, result('a', second, { kind: 'failed', problem: 'p' })]).ok).toBe(false);
  });

  test('of a suite that ran nothing is not ok', () => {
    expect(summaryOf([]).ok).toBe(false);
  });
});

test('a line says what failed, and whose fault it is', () => {
  expect(lineOf(result('a', first, { kind: 'passed', note: 'slowly' }))).toBe(
    `✔ a 1.0.0: ${first.title} (1.3 s), slowly`,
  );
  expect(lineOf(result('b', first, { kind: 'libraryFault', fault, problem: 'p' }))).toContain(
    "the library's own fault: forgets (a.js:1)",
  );
  expect(lineOf(result('a', first, { kind: 'failed', problem: 'not-ready: why' }))).toContain('not-ready: why');
});

test('the matrix has a cell for each library and case, and numbered notes', () => {
  const results = [
    result('a', first, { kind: 'passed', note: 'slowly' }),
    result('b', first, { kind: 'libraryFault', fault, problem: 'p' }),
    result('a', second, passed),
  ];
  const page = matrixOf(results, [library('a'), library('b', 'is odd')], [first, second]);
  expect(page).toContain(`| ${first.title} | passed [1] | own fault [2] |`);
  expect(page).toContain(`| ${second.title} | passed | – |`);
  expect(page).toContain(`1. a slowly.`);
  expect(page).toContain(`2. b forgets (\`a.js:1\`).`);
  expect(page).toContain('b: is odd.');
});
