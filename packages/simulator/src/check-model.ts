/** `npm run check:model`: every state that small fleets can come to, through the production reducers. */
import { parseArgs } from 'node:util';
import { systemClock } from '@dshard/transport';
import { decide as decideShard } from '@dshard/node/gateway-shard';
import { decide as decideNode } from '@dshard/node/session';
import { productionDecide } from './model/orchestrator-side.js';
import { SCOPES, worldOf } from './model/scopes.js';
import { search } from './model/search.js';

const USAGE = `npm run check:model -- [options]

  --short   the first scopes only
  --json    end with one line of JSON
`;
const MOST_STATES = 2_000_000;
const SHORT = 3;

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function main(): number {
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const reducers = { orchestrator: productionDecide, node: decideNode, shard: decideShard };
  const clock = systemClock();
  const startedAt = clock.monotonicMs();
  const sum = { scopes: 0, states: 0, transitions: 0, violations: 0 };
  for (const scope of values.short ? SCOPES.slice(0, SHORT) : SCOPES) {
    const from = clock.monotonicMs();
    const { states, transitions, terminal, violations } = search(
      worldOf(scope, reducers),
      new Set(scope.faults),
      reducers,
      MOST_STATES,
    );
    sum.scopes += 1;
    sum.states += states;
    sum.transitions += transitions;
    sum.violations += violations.length;
    const seconds = ((clock.monotonicMs() - from) / 1000).toFixed(1);
    process.stderr.write(
      `${scope.name}: ${states} states, ${transitions} transitions, ${terminal} ends, ${violations.length} violations (${seconds} s)\n`,
    );
    for (const { what, path } of violations) {
      process.stderr.write(
        `\nViolated: ${what}. The shortest way there:\n${path.map((step, index) => `  ${index}. ${step}`).join('\n')}\n\n`,
      );
    }
  }
  const result = { ok: sum.violations === 0, ...sum, durationMs: Math.round(clock.monotonicMs() - startedAt) };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  return result.ok ? 0 : 1;
}

process.exitCode = main();
