/**
 * `npm run check:mutants`, or with `-- [--json] NAME …`: every seeded bug must be caught, by the simulator within so
 * many seeds or by the exhaustive checker, or they are not worth their figures. A seed catches a bug only if the same
 * seed with the same faults holds without it.
 */
import { parseArgs } from 'node:util';
import { decide as decideShard } from '@dshard/node/gateway-shard';
import { decide as decideNode } from '@dshard/node/session';
import type { Reducers } from './model/moves.js';
import { productionDecide } from './model/orchestrator-side.js';
import { SCOPES, worldOf, type Scope } from './model/scopes.js';
import { search } from './model/search.js';
import { MUTANTS } from './mutants/all.js';
import type { Mutant } from './mutants/mutant.js';
import { SeedPool } from './run-seeds.js';

const PRODUCTION: Reducers = { orchestrator: productionDecide, node: decideNode, shard: decideShard };
const MOST_SEEDS = 200;
const MOST_STATES = 200_000;
const FIRST_SEED = 1;

/** What catches it, or null. */
async function findingOf(pool: SeedPool, name: string, mutant: Mutant): Promise<string | null> {
  const { inModel, faults } = mutant;
  if (inModel === true) {
    const found = inTheModel(mutant);
    if (found !== null) return found;
  }
  for (let seed = FIRST_SEED; seed < FIRST_SEED + MOST_SEEDS; seed += pool.threads) {
    const seeds = Array.from({ length: pool.threads }, (_, index) => seed + index);
    const results = await Promise.all(
      seeds.map((one) => pool.run({ seed: one, faults: faults ?? null, orchestrators: null, mutant: name })),
    );
    for (const { seed: found, violations } of results) {
      if (violations[0] === undefined) continue;
      const without = await pool.run({ seed: found, faults: faults ?? null, orchestrators: null, mutant: null });
      if (without.violations.length === 0) return `seed ${found}: ${violations[0].invariant}`;
      process.stdout.write(
        `        seed ${found} is violated without a bug, and proves nothing: npm run sim -- --seed ${found}\n`,
      );
    }
  }
  return null;
}

/** The exhaustive checker with the bug. A scope in which something is found must hold with the production reducers. */
function inTheModel({ decide, decideShard: shard }: Mutant): string | null {
  const withBug: Reducers = {
    ...PRODUCTION,
    ...(decide !== undefined && { orchestrator: decide(productionDecide) }),
    ...(shard !== undefined && { shard: shard(decideShard) }),
  };
  for (const scope of SCOPES) {
    const found = foundIn(scope, withBug);
    if (found !== null && foundIn(scope, PRODUCTION) === null) return `exhaustive checker, "${scope.name}": ${found}`;
  }
  return null;
}

function foundIn(scope: Scope, reducers: Reducers): string | null {
  const { violations } = search(worldOf(scope, reducers), new Set(scope.faults), reducers, MOST_STATES);
  return violations[0]?.what ?? null;
}

/** Given names: these only. With `--json` the last line is the outcome. */
const {
  positionals: wanted,
  values: { json = false },
} = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
const unknown = wanted.find((name) => MUTANTS[name] === undefined);
if (unknown !== undefined) {
  process.stderr.write(`There is no mutant "${unknown}"; there are ${Object.keys(MUTANTS).join(', ')}.\n`);
  process.exit(2);
}
const pool = new SeedPool();
const missed: string[] = [];
const mutants = Object.entries(MUTANTS).filter(([name]) => wanted.length === 0 || wanted.includes(name));
for (const [name, mutant] of mutants) {
  const finding = await findingOf(pool, name, mutant);
  if (finding === null) missed.push(name);
  process.stdout.write(`${finding === null ? 'MISSED' : 'caught'}  ${name.padEnd(24)} ${mutant.bug}\n`);
  process.stdout.write(`        ${finding ?? `not within ${MOST_SEEDS} seeds`}\n`);
}
await pool.close();
const caught = mutants.length - missed.length;
process.stdout.write(`${caught}/${mutants.length} mutants caught\n`);
if (json)
  process.stdout.write(`${JSON.stringify({ ok: missed.length === 0, mutants: mutants.length, caught, missed })}\n`);
process.exitCode = missed.length === 0 ? 0 : 1;
