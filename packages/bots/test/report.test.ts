import { describe, expect, test } from 'vitest';
import type { Cell } from '../src/cell.js';
import type { Result } from '../src/course.js';
import type { Framework } from '../src/frameworks.js';
import { lineOf, pageOf, summaryOf } from '../src/report.js';

const framework = (name: string): Framework => ({
  name,
  version: '1.0.0',
  folder: '',
  caches: true,
  userAfterLogin: true,
});
const cell = (name: string): Cell => ({ name, title: `${name} works`, phase: 'start', run: () => ({}) });
const [a, b] = [framework('a'), framework('b')];
const [start, rollout] = [cell('start'), cell('rollout')];

function result(of: Framework, one: Cell, problem: string | null): Result {
  return { framework: of, cell: one, problem, seconds: 1.25 };
}

describe('the summary', () => {
  test('is ok when every framework passed every cell', () => {
    const results = [a, b].flatMap((of) => [result(of, start, null), result(of, rollout, null)]);
    expect(summaryOf(results, [a, b], [start, rollout])).toEqual({
      ok: true,
      frameworks: { a: { passed: 2, failed: 0 }, b: { passed: 2, failed: 0 } },
    });
  });

  test('counts a cell that nobody ran as failed', () => {
    const results = [result(a, start, null), result(a, rollout, null), result(b, start, null)];
    expect(summaryOf(results, [a, b], [start, rollout])).toEqual({
      ok: false,
      frameworks: { a: { passed: 2, failed: 0 }, b: { passed: 1, failed: 1 } },
    });
  });

  test('counts a cell as failed when it failed once and passed once', () => {
    const results = [result(a, start, 'it is broken'), result(a, start, null)];
    expect(summaryOf(results, [a], [start])).toEqual({ ok: false, frameworks: { a: { passed: 0, failed: 1 } } });
  });

  test('is not ok when nothing was asked for', () => {
    expect(summaryOf([], [], [start]).ok).toBe(false);
    expect(summaryOf([], [a], []).ok).toBe(false);
  });
});

test('a line names framework, cell and problem', () => {
  expect(lineOf(result(a, start, 'one\ntwo'))).toBe('✘ a: start: start works (1.3 s)\n    one\n    two');
  expect(lineOf(result(a, start, null))).toBe('✔ a: start: start works (1.3 s)');
});

test('the page shows a missing cell as failed', () => {
  const page = pageOf([result(a, start, null)], [a], [start, rollout]);
  expect(page).toContain('| a 1.0.0 | ✔ | ✘ |');
  expect(page).toContain('- **rollout**: rollout works.');
});

test('a cell that is about one framework is asked of no other, and stands in a table of its own', () => {
  const own: Cell = { ...cell('own'), only: 'b' };
  const results = [result(a, start, null), result(b, start, null), result(b, own, null)];
  expect(summaryOf(results, [a, b], [start, own])).toEqual({
    ok: true,
    frameworks: { a: { passed: 1, failed: 0 }, b: { passed: 2, failed: 0 } },
  });
  const page = pageOf(results, [a, b], [start, own]);
  expect(page).toContain('| a 1.0.0 | ✔ |\n');
  expect(page).toContain('| b | own works | ✔ |');
});
