import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { MUTANTS } from '../src/mutants/all.js';
import { runSeed } from '../src/run-seed.js';
import type { RunOptions, RunResult } from '../src/run-seed.js';

const run = (seed: number, more: Partial<RunOptions> = {}): Promise<RunResult> =>
  runSeed({ seed, faults: null, print: null, mutant: null, ...more });

// As the programs do: what a rollout says of memory is to be the same each time.
beforeAll(() => {
  vi.spyOn(process.memoryUsage, 'rss').mockReturnValue(0);
  vi.spyOn(process, 'cpuUsage').mockReturnValue({ user: 0, system: 0 });
});
afterAll(() => vi.restoreAllMocks());

describe('a simulated run', () => {
  test('of the same seed is the same run, to the last line of its trace', async () => {
    const [once, again, other] = [await run(7), await run(7), await run(8)];
    expect(again).toEqual(once);
    expect(other.traceHash).not.toBe(once.traceHash);
    expect(once.events).toBeGreaterThan(50);
  });

  test('without faults sees every event, and nothing rare', async () => {
    const { violations, marks, events } = await run(3, { faults: new Set() });
    expect(violations).toEqual([]);
    expect(events).toBeGreaterThan(100);
    expect(Object.keys(marks).filter((mark) => mark.startsWith('fault'))).toEqual([]);
  });

  test('takes only the faults it is told to', async () => {
    const { marks } = await run(5, { faults: new Set(['kills', 'op7']) });
    const faults = Object.keys(marks).filter((mark) => mark.startsWith('fault'));
    expect(faults).toEqual(['fault kills', 'fault op7']);
  });

  test('prints what its hash is made of', async () => {
    const lines: string[] = [];
    const { lastLines } = await run(4, { print: (line) => lines.push(line) });
    expect(lines.slice(-lastLines.length)).toEqual(lastLines);
    expect(lines[0]).toMatch(/^ +0\.0 ms {2}orchestrator +process starts$/);
  });

  test('names the invariant that was violated, and shows it in the trace', async () => {
    const { violations, lastLines } = await run(2, { mutant: MUTANTS['close-1000']! });
    expect(violations[0]?.invariant).toMatch(/^no session is closed with 1000 or 1001/);
    expect(lastLines.some((line) => line.includes('CHECKER'))).toBe(true);
  });
});

test('a few seeds of every kind hold every invariant', async () => {
  for (let seed = 100; seed < 110; seed += 1) expect(await run(seed)).toMatchObject({ seed, violations: [] });
}, 180_000);
