/** Runs many seeds and tells what they found. The only real clock of the simulator is the one that measures it. */
import { systemClock } from '@dshard/transport';
import { addMarks } from './marks.js';
import type { Mutant } from './mutants/mutant.js';
import type { FaultName } from './plan.js';
import { runSeed } from './run-seed.js';
import type { RunResult } from './run-seed.js';

export type RunSeedsOptions = {
  from: number;
  count: number;
  /** Real time after which no further seed is begun; null: none. */
  untilMs: number | null;
  faults: ReadonlySet<FaultName> | null;
  /** The options as given, for the command that replays a seed. */
  faultsOption: string | null;
  mutantName: string | null;
  trace: boolean;
  mutant: Mutant | null;
  write: (text: string) => void;
  /** Progress is shown on one line that is written over. */
  isTerminal: boolean;
};

export type SeedsResult = {
  ok: boolean;
  from: number;
  seeds: number;
  steps: number;
  events: number;
  virtualMs: number;
  violations: number;
  failedSeeds: readonly number[];
  marks: Record<string, number>;
  durationMs: number;
};

const MOST_REPORTS = 5;

export async function runSeeds(options: RunSeedsOptions): Promise<SeedsResult> {
  const { from, count, untilMs, faults, mutant, trace, write, isTerminal } = options;
  const clock = systemClock();
  const startedAt = clock.monotonicMs();
  const sum = { seeds: 0, steps: 0, events: 0, virtualMs: 0, violations: 0 };
  const marks: Record<string, number> = {};
  const failedSeeds: number[] = [];
  if (!trace) write(`Seeds from ${from}.\n`);
  for (let seed = from; sum.seeds < count; seed += 1) {
    if (untilMs !== null && clock.monotonicMs() - startedAt > untilMs) break;
    const result = await runSeed({ seed, faults, mutant, print: trace ? (line) => write(`${line}\n`) : null });
    sum.seeds += 1;
    sum.steps += result.steps;
    sum.events += result.events;
    sum.virtualMs += result.virtualMs;
    sum.violations += result.violations.length;
    addMarks(marks, result.marks);
    if (result.violations.length > 0) {
      failedSeeds.push(seed);
      if (failedSeeds.length <= MOST_REPORTS) write(report(result, options));
    }
    if (isTerminal && !trace) write(`\r${sum.seeds} seeds, ${sum.steps} steps, ${sum.violations} violations `);
  }
  const durationMs = Math.round(clock.monotonicMs() - startedAt);
  const perSecond = ((sum.seeds / Math.max(1, durationMs)) * 1000).toFixed(1);
  write(
    `${isTerminal && !trace ? '\r' : ''}${sum.seeds} seeds, ${sum.steps} steps, ${sum.events} events in ` +
      `${(durationMs / 1000).toFixed(1)} s (${perSecond} seeds/s, ${(sum.virtualMs / 1000 / Math.max(1, sum.seeds)).toFixed(0)} ` +
      `virtual seconds each): ${sum.violations} violations.\n`,
  );
  return {
    ok: sum.violations === 0,
    from,
    ...sum,
    virtualMs: Math.round(sum.virtualMs),
    failedSeeds,
    marks: Object.fromEntries(Object.entries(marks).sort(([a], [b]) => a.localeCompare(b))),
    durationMs,
  };
}

function report({ seed, violations, lastLines }: RunResult, options: RunSeedsOptions): string {
  const more = [
    ...(options.faultsOption === null ? [] : [`--faults ${options.faultsOption}`]),
    ...(options.mutantName === null ? [] : [`--mutate ${options.mutantName}`]),
  ];
  const replay = ['npm run sim -- --seed', seed, ...more, '--trace'].join(' ');
  const sentences = violations.map(
    ({ invariant, what, atMs }) => `  Violated at ${atMs.toFixed(1)} ms: ${invariant}.\n    Seen: ${what}.\n`,
  );
  return `\nSeed ${seed} fails. Replay: ${replay}\n${sentences.join('')}${lastLines.join('\n')}\n\n`;
}
