/**
 * From V8's ranges of built code to lines of source. A line counts if code of it was built, and is covered if some of
 * that code ran in some thread.
 */
import type { Profiler } from 'node:inspector';

/** Where a place of the built code comes from; null: from nowhere, such as what the compiler adds. Lines from 0. */
export type Origin = (line: number, column: number) => number | null;

export type FileCoverage = {
  /** Lines of the source, from 1. */
  readonly covered: readonly number[];
  readonly uncovered: readonly number[];
  /** Functions that never ran: name and line. */
  readonly functions: readonly { name: string; line: number }[];
};

/** @param profiles of the same file, one of each thread in which it was loaded; none: nothing of it ran. */
export function coverageOf(
  built: string,
  profiles: readonly (readonly Profiler.FunctionCoverage[])[],
  origin: Origin,
): FileCoverage {
  const ran = new Map<number, boolean>();
  const idle = profiles.map((functions) => idleOffsets(built.length, functions));
  let offset = 0;
  for (const [index, text] of built.split('\n').entries()) {
    const column = text.search(/\S/);
    const line = column < 0 || isNoCode(text) ? null : origin(index, column);
    const at = offset + Math.max(0, column);
    if (line !== null) ran.set(line, (ran.get(line) ?? false) || idle.some((offsets) => offsets[at] === 0));
    offset += text.length + 1;
  }
  const lines = [...ran].toSorted(([a], [b]) => a - b);
  return {
    covered: lines.flatMap(([line, isCovered]) => (isCovered ? [line + 1] : [])),
    uncovered: lines.flatMap(([line, isCovered]) => (isCovered ? [] : [line + 1])),
    functions: idleFunctions(built, profiles, origin),
  };
}

/** Braces and comments alone, and what is there for types. */
function isNoCode(text: string): boolean {
  return /^\s*(?:[})\]]+[;,]?|\/\/.*|\/?\*.*|export \{\};?)\s*$/.test(text);
}

/** For each offset 1 where V8 says that nothing ran. Inner ranges come after outer ones, and win. */
function idleOffsets(length: number, functions: readonly Profiler.FunctionCoverage[]): Uint8Array {
  const offsets = new Uint8Array(length);
  const ranges = functions.flatMap(({ ranges: own }) => own);
  const bySize = ranges.toSorted((a, b) => b.endOffset - b.startOffset - (a.endOffset - a.startOffset));
  for (const { startOffset, endOffset, count } of bySize) offsets.fill(count === 0 ? 1 : 0, startOffset, endOffset);
  return offsets;
}

function idleFunctions(
  built: string,
  profiles: readonly (readonly Profiler.FunctionCoverage[])[],
  origin: Origin,
): FileCoverage['functions'] {
  const counts = new Map<string, { name: string; at: number; count: number }>();
  for (const functions of profiles) {
    for (const { functionName: name, ranges } of functions) {
      const [range] = ranges;
      if (name === '' || range === undefined) continue;
      const known = counts.get(`${name} ${range.startOffset}`);
      const count = range.count + (known?.count ?? 0);
      counts.set(`${name} ${range.startOffset}`, { name, at: range.startOffset, count });
    }
  }
  return [...counts.values()].flatMap(({ name, at, count }) => {
    const before = built.slice(0, at).split('\n');
    const line = origin(before.length - 1, before.at(-1)?.length ?? 0);
    return count > 0 || line === null ? [] : [{ name, line: line + 1 }];
  });
}
