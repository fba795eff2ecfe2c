/**
 * `npm run bench -- tls`: what mutual TLS between nodes and orchestrator costs a shard that moves. Runs in plain text
 * and by TLS alternate, so that whatever else the machine does meets both.
 */
import { TestAuthority } from '@dshard/testkit/certificates';
import { Command } from 'commander';
import { medianOf, percentileOf } from '../median.js';
import { atMost, figure, machine, ratioOf, tell, whole } from '../outcome.js';
import { carryOut } from '../moves/carry-out.js';
import type { RunOrder, RunReading } from '../moves/messages.js';

type Flags = { runs: number; shards: number; nodes: number; rate: number; rounds: number; json?: true };
type Mode = 'plain' | 'tls';

const MOST_RATIO = 1.3;
/** Each shard carries a megabyte along. */
const FLEET = { bot: 'ws', guilds: 4, members: 5, stateMb: 1, what: 'nodes' } as const;

const flags = new Command('bench -- tls')
  .description('Shards move under traffic, over plain text and over TLS with certificates on both sides, in turn.')
  .option('--runs <n>', 'runs of each kind', whole, 5)
  .option('--shards <n>', 'shards of the bot', whole, 64)
  .option('--nodes <n>', 'bot processes', whole, 4)
  .option('--rate <n>', 'events a second over all shards', whole, 400)
  .option('--rounds <n>', 'how often each run moves every shard', whole, 1)
  .option('--json', 'the last line is the outcome as JSON')
  .addHelpText(
    'after',
    `
Examples:
  npm run bench -- tls --json
  npm run bench -- tls --runs 1 --shards 16 --nodes 2      short

Exit codes: 0 no event was lost or repeated and no IDENTIFY was wasted, whatever the times; 1 otherwise.`,
  )
  .parse()
  .opts<Flags>();

const authority = await TestAuthority.create();
// The processes of a run ask the orchestrator by https.
process.env['NODE_EXTRA_CA_CERTS'] = authority.ca;
const p99s: Record<Mode, number[]> = { plain: [], tls: [] };
const p50s: Record<Mode, number[]> = { plain: [], tls: [] };
const problems: string[] = [];
try {
  const files = { ...(await authority.issue('fleet')), ca: authority.ca };
  console.error(`${flags.shards} shards on ${flags.nodes} nodes, ${flags.rate} events a second; ${machine()}.`);
  for (let run = 0; run < flags.runs; run += 1) {
    for (const mode of ['plain', 'tls'] as const) {
      const { shards, nodes, rate, rounds } = flags;
      const order: RunOrder = {
        ...FLEET,
        shards,
        nodes,
        rate,
        rounds,
        seed: run + 1,
        tls: mode === 'tls' ? files : null,
      };
      const reading = await carryOut(order);
      take(mode, reading);
    }
  }
} finally {
  authority.remove();
}
const p99 = { plain: medianOf(p99s.plain), tls: medianOf(p99s.tls) };
const p50 = { plain: medianOf(p50s.plain), tls: medianOf(p50s.tls) };
const targets = [
  atMost('gap p99 by mutual TLS against plain text', ratioOf(p99.tls, p99.plain), MOST_RATIO),
  figure('gap p99 in plain text, median of runs, ms', p99.plain),
  figure('gap p99 by mutual TLS, median of runs, ms', p99.tls),
  figure('gap p50 in plain text, median of runs, ms', p50.plain),
  figure('gap p50 by mutual TLS, median of runs, ms', p50.tls),
];
for (const problem of problems) console.error(problem);
const ok = problems.length === 0;
tell({ name: 'tls', ok, runs: flags.runs, shards: flags.shards, targets }, flags);
process.exitCode = ok ? 0 : 1;

function take(mode: Mode, { gapsMs, emitted, lost, repeated, identifies }: RunReading): void {
  const [p50OfRun, p99OfRun] = [percentileOf(gapsMs, 0.5), percentileOf(gapsMs, 0.99)];
  p50s[mode].push(p50OfRun);
  p99s[mode].push(p99OfRun);
  const name = `${mode} ${p99s[mode].length}`;
  console.error(
    `${name}: ${gapsMs.length} moves, gap ${p50OfRun} ms (p50), ${p99OfRun} ms (p99); ${emitted} events, ${lost} lost, ${repeated} repeated; ${identifies} IDENTIFYs`,
  );
  if (gapsMs.length < flags.shards) problems.push(`${name}: only ${gapsMs.length} shards moved.`);
  if (lost > 0) problems.push(`${name}: ${lost} events were lost.`);
  if (repeated > 0) problems.push(`${name}: ${repeated} events were repeated.`);
  if (identifies !== flags.shards) problems.push(`${name}: ${identifies} IDENTIFYs for ${flags.shards} shards.`);
}
