/** `npm run sim`: many seeds, what they found, and one line of JSON for programs. */
import { parseArgs } from 'node:util';
import { messageOf, parseWholeNumber } from '@dshard/protocol';
import { systemClock } from '@dshard/transport';
import { FAULTS, type FaultName } from './plan.js';
import { MUTANTS } from './mutants/all.js';
import { runSeed } from './run-seed.js';
import { report, runSeeds, type RunSeedsOptions } from './run-seeds.js';
import { pinProcessFigures } from './world/virtual-process.js';

const USAGE = `npm run sim -- [options]

  --seeds N        how many seeds to run (default 100)
  --from N         the first of them (default: a fresh one, which is printed)
  --seed N         one seed only
  --minutes N      as many seeds as fit in so many minutes
  --faults A,B     only these faults, all of them on: ${FAULTS.join(', ')}
  --orchestrators N  1 or 2 of them, two on one database (default: as the seed has it)
  --trace          with --seed: print every line of what happens
  --mutate NAME    with a seeded bug: ${Object.keys(MUTANTS).join(', ')}
  --must-fail      exit with 0 only if something is violated: with a seeded bug, a check that the checks work
  --coverage       end with the line coverage of the pure machines, and what is not covered
  --json           end with one line of JSON
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    faults: { type: 'string' },
    orchestrators: { type: 'string' },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    mutate: { type: 'string' },
    coverage: { type: 'boolean', default: false },
    'must-fail': { type: 'boolean', default: false },
  },
});

function wholeNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = parseWholeNumber(text);
  if (value === undefined) throw new Error(`--${name} is "${text}", but must be a whole number.`);
  return value;
}

function faultsOf(text: string | undefined): readonly FaultName[] | null {
  if (text === undefined) return null;
  const names = text.split(',').filter((name) => name !== '');
  return names.map((name) => {
    const fault = FAULTS.find((known) => known === name);
    if (fault === undefined) throw new Error(`There is no fault "${name}"; there are ${FAULTS.join(', ')}.`);
    return fault;
  });
}

function orchestratorsOf(text: string | undefined): 1 | 2 | null {
  if (text === undefined) return null;
  if (text === '1' || text === '2') return text === '1' ? 1 : 2;
  throw new Error(`--orchestrators is "${text}", but must be 1 or 2.`);
}

function mutantOf(name: string | undefined): string | null {
  if (name === undefined || MUTANTS[name] !== undefined) return name ?? null;
  throw new Error(`There is no mutant "${name}"; there are ${Object.keys(MUTANTS).join(', ')}.`);
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const one = wholeNumber('seed', values.seed);
  const minutes = wholeNumber('minutes', values.minutes);
  const faults = faultsOf(values.faults);
  const mutant = mutantOf(values.mutate);
  const orchestrators = orchestratorsOf(values.orchestrators);
  if (one !== null && values.trace) return traceOne(one, { faults, orchestrators, mutant });
  if (values.trace) throw new Error('--trace needs --seed: of many seeds nobody could read it.');
  const result = await runSeeds({
    from: one ?? wholeNumber('from', values.from) ?? freshSeed(),
    count: one === null ? (wholeNumber('seeds', values.seeds) ?? (minutes === null ? 100 : Infinity)) : 1,
    untilMs: minutes === null ? null : minutes * 60_000,
    faults,
    orchestrators,
    mutant,
    coverage: values.coverage,
    write: (text) => process.stderr.write(text),
    progress: process.stderr.isTTY ? (text) => process.stderr.write(`\r${text} `) : sparsely(),
  });
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  if (!values['must-fail']) return result.ok ? 0 : 1;
  if (result.violations === 0)
    process.stderr.write('Nothing is violated, and something had to be: the simulator is silent.\n');
  return result.violations > 0 ? 0 : 1;
}

/** Every line of what happens. */
async function traceOne(
  seed: number,
  { faults, orchestrators, mutant }: Pick<RunSeedsOptions, 'faults' | 'orchestrators' | 'mutant'>,
): Promise<number> {
  const result = await runSeed({
    seed,
    orchestrators,
    faults: faults === null ? null : new Set(faults),
    mutant: mutant === null ? null : (MUTANTS[mutant] ?? null),
    print: (line) => process.stdout.write(`${line}\n`),
  });
  if (result.violations.length > 0)
    process.stderr.write(report({ ...result, lastLines: [] }, { faults, orchestrators, mutant }));
  process.stdout.write(`The trace has the hash ${result.traceHash}.\n`);
  return result.violations.length === 0 ? 0 : 1;
}

/** For a log: now and then a line. */
function sparsely(): (text: string) => void {
  const clock = systemClock();
  let saidAt = clock.monotonicMs();
  return (text) => {
    if (clock.monotonicMs() - saidAt < 10_000) return;
    saidAt = clock.monotonicMs();
    process.stderr.write(`${text}\n`);
  };
}

/** Random for the one who runs it, and printed, so that it can be run again. */
function freshSeed(): number {
  return Math.floor(systemClock().wallClock() % 1_000_000_000);
}

pinProcessFigures();
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
