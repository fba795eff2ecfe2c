import type { Profiler } from 'node:inspector';
import { describe, expect, test } from 'vitest';
import { coverageOf } from '../../src/coverage/lines.js';

const BUILT = ['function a(x) {', '    if (x) {', '        b();', '    }', '    // why', '    return 1;', '}', ''].join(
  '\n',
);

function range(text: string, count: number): Profiler.CoverageRange {
  const startOffset = BUILT.indexOf(text);
  return { startOffset, endOffset: startOffset + text.length, count };
}

function profile(...ranges: Profiler.CoverageRange[]): readonly Profiler.FunctionCoverage[] {
  return [{ functionName: 'a', isBlockCoverage: true, ranges }];
}

const WHOLE = BUILT.trimEnd();
/** As if the source were the built code. */
const same = (line: number): number => line;

describe('line coverage', () => {
  test('counts lines with code, and says which did not run', () => {
    const inner = range('{\n        b();\n    }', 0);
    const { covered, uncovered, functions } = coverageOf(BUILT, [profile(range(WHOLE, 3), inner)], same);
    expect({ covered, uncovered, functions }).toEqual({ covered: [1, 2, 6], uncovered: [3], functions: [] });
  });

  test('has a line as covered that ran in one thread of several', () => {
    const ran = profile(range(WHOLE, 1));
    const idle = profile(range(WHOLE, 0));
    expect(coverageOf(BUILT, [idle, ran], same)).toMatchObject({ uncovered: [], functions: [] });
  });

  test('names functions that never ran, at their line of the source', () => {
    const { uncovered, functions } = coverageOf(BUILT, [profile(range(WHOLE, 0))], (line) => line + 10);
    expect(functions).toEqual([{ name: 'a', line: 11 }]);
    expect(uncovered).toEqual([11, 12, 13, 16]);
  });

  test('has nothing of a file as covered that no thread loaded', () => {
    expect(coverageOf(BUILT, [], same)).toMatchObject({ covered: [], uncovered: [1, 2, 3, 6] });
  });
});
