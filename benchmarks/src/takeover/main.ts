/**
 * `npm run bench -- takeover`: how long the shards of a node that dies (kill -9) have no session, until the others have
 * resumed them.
 */
import { Command } from 'commander';
import { medianOf, percentileOf } from '../median.js';
import { carryOut } from '../moves/carry-out.js';
import { atMost, figure, machine, tell, whole } from '../outcome.js';

type Flags = { runs: number; shards: number; rate: number; json?: true };

const flags = new Command('bench -- takeover')
  .description('Three launched nodes under traffic; one is killed, two survive.')
  .option('--runs <n>', 'fleets that lose a node; the median counts', whole, 5)
  .option('--shards <n>', 'shards of each node', whole, 16)
  .option('--rate <n>', 'events a second over all shards', whole, 400)
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const NODES = 3;
const MAX_P99_MS = 60;
const p50s: number[] = [];
const p99s: number[] = [];
const problems: string[] = [];
console.error(`${NODES} nodes of ${flags.shards} shards, ${flags.rate} events a second; ${machine()}.`);
for (let run = 1; run <= flags.runs; run += 1) {
  const { gapsMs, emitted, lost, repeated, identifies } = await carryOut({
    bot: 'ws',
    guilds: 4,
    members: 5,
    stateMb: 0,
    shards: NODES * flags.shards,
    nodes: NODES,
    rate: flags.rate,
    what: 'kill',
    rounds: 1,
    seed: run,
    tls: null,
  });
  const [p50, p99] = [percentileOf(gapsMs, 0.5), percentileOf(gapsMs, 0.99)];
  p50s.push(p50);
  p99s.push(p99);
  console.error(
    `run ${run}: ${gapsMs.length} shards, ${p50} ms (p50), ${p99} ms (p99); ${emitted} events, ${lost} lost, ${repeated} repeated; ${identifies} IDENTIFYs`,
  );
  if (gapsMs.length < flags.shards) problems.push(`run ${run}: only ${gapsMs.length} shards were resumed.`);
  if (lost > 0) problems.push(`run ${run}: ${lost} events were lost.`);
  if (identifies !== NODES * flags.shards) problems.push(`run ${run}: ${identifies} IDENTIFYs.`);
}
for (const problem of problems) console.error(problem);
const targets = [
  atMost('without a session p99, median of runs, ms', medianOf(p99s), MAX_P99_MS),
  figure('without a session p50, median of runs, ms', medianOf(p50s)),
];
tell({ name: 'takeover', ok: problems.length === 0, runs: flags.runs, shards: flags.shards, targets }, flags);
process.exitCode = problems.length === 0 ? 0 : 1;
