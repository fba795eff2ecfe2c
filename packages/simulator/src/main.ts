/** `npm run sim`: seeds one after the other, what they found, and one line of JSON for programs. */
import { parseArgs } from 'node:util';
import { systemClock } from '@dshard/transport';
import { FAULTS } from './plan.js';
import type { FaultName } from './plan.js';
import { MUTANTS } from './mutants/all.js';
import { runSeeds } from './run-seeds.js';
import { stillFigures } from './world/still-figures.js';

const USAGE = `npm run sim -- [options]

  --seeds N        how many seeds to run (default 100)
  --from N         the first of them (default: a fresh one, which is printed)
  --seed N         one seed only
  --minutes N      as many seeds as fit in so many minutes
  --faults A,B     only these faults, all of them on: ${FAULTS.join(', ')}
  --trace          print every line of what happens
  --json           end with one line of JSON
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string' },
    seed: { type: 'string' },
    minutes: { type: 'string' },
    faults: { type: 'string' },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    mutate: { type: 'string' },
  },
});

function wholeNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} is "${text}", but must be a whole number.`);
  return value;
}

function faultsOf(text: string | undefined): ReadonlySet<FaultName> | null {
  if (text === undefined) return null;
  const names = text.split(',').filter((name) => name !== '');
  return new Set(
    names.map((name) => {
      const fault = FAULTS.find((known) => known === name);
      if (fault === undefined) throw new Error(`There is no fault "${name}"; there are ${FAULTS.join(', ')}.`);
      return fault;
    }),
  );
}

function mutantOf(name: string | undefined): (typeof MUTANTS)[string] | null {
  if (name === undefined) return null;
  const mutant = MUTANTS[name];
  if (mutant === undefined)
    throw new Error(`There is no mutant "${name}"; there are ${Object.keys(MUTANTS).join(', ')}.`);
  return mutant;
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const one = wholeNumber('seed', values.seed);
  const minutes = wholeNumber('minutes', values.minutes);
  const from = one ?? wholeNumber('from', values.from) ?? freshSeed();
  const count = one === null ? (wholeNumber('seeds', values.seeds) ?? (minutes === null ? 100 : Infinity)) : 1;
  const result = await runSeeds({
    from,
    count,
    untilMs: minutes === null ? null : minutes * 60_000,
    faults: faultsOf(values.faults),
    faultsOption: values.faults ?? null,
    trace: values.trace,
    mutant: mutantOf(values.mutate),
    mutantName: values.mutate ?? null,
    write: (text) => process.stdout.write(text),
    isTerminal: process.stdout.isTTY && !values.json,
  });
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  return result.ok ? 0 : 1;
}

/** Random for the one who runs it, and printed, so that it can be run again. */
function freshSeed(): number {
  return Math.floor(systemClock().now() % 1_000_000_000);
}

stillFigures();
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
