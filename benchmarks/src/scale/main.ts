/** `npm run bench -- scale`: what a fleet at rest costs its orchestrator, with heartbeats on, as the fleet grows. */
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { LightFleet } from '../light-fleet/fleet.js';
import { atMost, figure, machine, ratioOf, tell, whole, type Target } from '../outcome.js';

type Flags = {
  nodes: number;
  per: number;
  times: number[];
  processes: number;
  rest: number;
  within: number;
  json?: true;
};

type Row = {
  nodes: number;
  shards: number;
  /** Of one core. */
  cpuShare: number;
  delayP99Ms: number;
  rssMb: number;
  /** From the start of an orchestrator that was killed until it knows every node and shard again. null: too late. */
  restartS: number | null;
};

const flags = new Command('bench -- scale')
  .description(
    'Light nodes rest under one orchestrator, which is then killed and started again; twice, with more and more.',
  )
  .option('--nodes <n>', 'nodes of the smallest fleet', whole, 250)
  .option('--per <n>', 'shards per node', whole, 10)
  .option('--times <list>', 'sizes, as multiples', (text) => text.split(',').map(whole), [1, 2, 4])
  .option('--processes <n>', 'processes that the nodes share', whole, 4)
  .option('--rest <s>', 'seconds that are measured', whole, 15)
  .option('--within <s>', 'seconds that a start may take', whole, 90)
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const clock = systemClock();
console.error(machine());
const rows: Row[] = [];
for (const times of flags.times) {
  const row = await measure(times * flags.nodes);
  rows.push(row);
  console.error(`${row.nodes} nodes, ${row.shards} shards: ${JSON.stringify(row)}`);
}
tell({ name: 'scale', rows, targets: rows.flatMap(targetsOf) }, flags);

function targetsOf({ nodes, cpuShare, delayP99Ms, rssMb, restartS }: Row): Target[] {
  const size = `${nodes} nodes`;
  const [smallest] = rows;
  if (smallest === undefined) return [];
  if (nodes < 1_000) return [figure(`${size}: share of a core`, cpuShare), figure(`${size}: memory, MB`, rssMb)];
  const growth = nodes / smallest.nodes;
  return [
    atMost(`${size}: share of a core`, cpuShare, 0.1),
    atMost(`${size}: memory, MB`, rssMb, 250),
    atMost(`${size}: event-loop delay p99, ms`, delayP99Ms, 20),
    atMost(`${size}: seconds until a restarted orchestrator knows all`, restartS ?? Infinity, 5),
    atMost(`${size}: processor time against ${smallest.nodes} nodes`, ratioOf(cpuShare, smallest.cpuShare), growth),
  ];
}

async function measure(nodes: number): Promise<Row> {
  const shards = nodes * flags.per;
  const fleet = await LightFleet.open({ nodes, shards, processes: flags.processes }, clock);
  try {
    await fleet.connect();
    if (!(await fleet.untilUp(nodes, flags.within * 1_000))) throw new Error(`${nodes} nodes did not come up.`);
    await delay(clock, 2_000);
    await fleet.read();
    await delay(clock, flags.rest * 1_000);
    const { orchestrator } = await fleet.read();
    await fleet.killOrchestrator();
    const startedAt = clock.monotonicMs();
    await fleet.startOrchestrator();
    const isBack = await fleet.untilUp(nodes, flags.within * 1_000);
    const restartS = isBack ? Math.round((clock.monotonicMs() - startedAt) / 100) / 10 : null;
    const { cpuMs, ms, delayP99Ms, rssMb } = orchestrator;
    return { nodes, shards, cpuShare: Number((cpuMs / ms).toFixed(3)), delayP99Ms, rssMb, restartS };
  } finally {
    await fleet.close();
  }
}
