/**
 * `npm run check:mutants`: every seeded bug must be caught, by the simulator within so many seeds or by the exhaustive checker, or they are
 * not worth their figures.
 */
import { decide as decideNode } from '@dshard/node/session';
import type { Decide } from '@dshard/orchestrator/domain';
import { productionDecide } from './model/orchestrator-side.js';
import { SCOPES, worldOf } from './model/scopes.js';
import { search } from './model/search.js';
import { MUTANTS } from './mutants/all.js';
import { SeedPool } from './seed-pool.js';

const MOST_SEEDS = 200;
const MOST_STATES = 200_000;
const FIRST_SEED = 1;

/** What catches it, or null. */
async function findingOf(pool: SeedPool, mutant: string): Promise<string | null> {
  const { inModel, decide } = MUTANTS[mutant] ?? {};
  if (inModel === true && decide !== undefined) {
    const found = inTheModel(decide);
    if (found !== null) return found;
  }
  const faults = MUTANTS[mutant]?.faults ?? null;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + MOST_SEEDS; seed += pool.threads) {
    const seeds = Array.from({ length: pool.threads }, (_, index) => seed + index);
    const results = await Promise.all(seeds.map((one) => pool.run({ seed: one, faults, mutant })));
    for (const { seed: found, violations } of results) {
      if (violations[0] !== undefined) return `seed ${found}: ${violations[0].invariant}`;
    }
  }
  return null;
}

/** The exhaustive checker with this orchestrator. */
function inTheModel(wrap: (decide: Decide) => Decide): string | null {
  const reducers = { orchestrator: wrap(productionDecide), node: decideNode };
  for (const scope of SCOPES) {
    const [found] = search(worldOf(scope, reducers), new Set(scope.faults), reducers, MOST_STATES).violations;
    if (found !== undefined) return `exhaustive checker, "${scope.name}": ${found.what}`;
  }
  return null;
}

const pool = new SeedPool();
let caught = 0;
const mutants = Object.entries(MUTANTS);
for (const [name, { bug }] of mutants) {
  const finding = await findingOf(pool, name);
  if (finding !== null) caught += 1;
  process.stdout.write(`${finding === null ? 'MISSED' : 'caught'}  ${name.padEnd(20)} ${bug}\n`);
  process.stdout.write(`        ${finding ?? `not within ${MOST_SEEDS} seeds`}\n`);
}
await pool.close();
process.stdout.write(`${caught}/${mutants.length} mutants caught\n`);
process.exitCode = caught === mutants.length ? 0 : 1;
