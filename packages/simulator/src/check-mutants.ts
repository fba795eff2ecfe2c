/** `npm run check:mutants`: every seeded bug must be caught within so many seeds, or the simulator is not worth its figures. */
import { MUTANTS } from './mutants/all.js';
import { runSeed } from './run-seed.js';
import { stillFigures } from './world/still-figures.js';

const MOST_SEEDS = 100;
const FIRST_SEED = 1;

stillFigures();
let caught = 0;
const mutants = Object.entries(MUTANTS);
for (const [name, mutant] of mutants) {
  let finding: string | null = null;
  let seed = FIRST_SEED;
  for (; seed < FIRST_SEED + MOST_SEEDS && finding === null; seed += 1) {
    const { violations } = await runSeed({ seed, faults: null, print: null, mutant });
    const [first] = violations;
    if (first !== undefined) finding = `seed ${seed}: ${first.invariant}`;
  }
  if (finding !== null) caught += 1;
  process.stdout.write(`${finding === null ? 'MISSED' : 'caught'}  ${name.padEnd(20)} ${mutant.bug}\n`);
  process.stdout.write(`        ${finding ?? `not within ${MOST_SEEDS} seeds`}\n`);
}
process.stdout.write(`${caught}/${mutants.length} mutants caught\n`);
process.exitCode = caught === mutants.length ? 0 : 1;
