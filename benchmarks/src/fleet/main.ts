/**
 * `npm run bench -- fleet`: every shard of a fleet moves to new nodes, as in a rollout that does not wait between its
 * steps. The time is that of the moves: the new nodes are there before, and nothing is launched.
 */
import { systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { LightFleet, lightNode } from '../light-fleet/fleet.js';
import { percentileOf } from '../median.js';
import { atMost, figure, machine, ratioOf, tell, whole, type Target } from '../outcome.js';

type Flags = { shards: number[]; per: number; state: number; processes: number; within: number; json?: true };
type Row = { shards: number; nodes: number; seconds: number; frozenP99: number; identifies: number; mostDown: number };

const flags = new Command('bench -- fleet')
  .description('All shards of a fleet of light nodes move to as many new nodes; larger and larger fleets.')
  .option('--shards <list>', 'sizes', (text) => text.split(',').map(whole), [128, 512, 1_024])
  .option('--per <n>', 'shards per node', whole, 16)
  .option('--state <kB>', 'what each shard takes along', whole, 1_024)
  .option('--processes <n>', 'processes that the nodes of each version share', whole, 2)
  .option('--within <s>', 'seconds that a start may take', whole, 60)
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const MAX_SECONDS = 10;
const MAX_FROZEN_MS = 150;
const clock = systemClock();
console.error(machine());
const rows: Row[] = [];
for (const shards of flags.shards) {
  const row = await measure(shards);
  rows.push(row);
  console.error(`${shards} shards: ${JSON.stringify(row)}`);
}
tell({ name: 'fleet', rows, targets: rows.flatMap(targetsOf) }, flags);

function targetsOf({ shards, seconds, frozenP99, identifies, mostDown }: Row): Target[] {
  const [smallest] = rows;
  const largest = rows.at(-1);
  if (smallest === undefined || largest === undefined) return [];
  const each = [
    figure(`${shards} shards: seconds`, seconds),
    atMost(`${shards} shards: frozen p99, ms`, frozenP99, MAX_FROZEN_MS),
    atMost(`${shards} shards: IDENTIFYs of the moves`, identifies, 0),
    atMost(`${shards} shards: shards down or moving at once`, mostDown, Math.floor(shards / 4)),
  ];
  if (shards !== largest.shards || rows.length === 1) return each;
  const growth = shards / smallest.shards;
  return [
    ...each,
    atMost(`${shards} shards: seconds of the whole`, seconds, MAX_SECONDS),
    atMost(`time against ${smallest.shards} shards`, ratioOf(seconds, smallest.seconds), growth),
  ];
}

async function measure(shards: number): Promise<Row> {
  const nodes = Math.ceil(shards / flags.per);
  const { processes, state } = flags;
  const settings = { rebalance: 'off', migrationsTotal: '64' };
  const fleet = await LightFleet.open({ nodes, shards, processes, stateKb: state, settings }, clock);
  try {
    await fleet.connect();
    if (!(await fleet.untilUp(nodes, flags.within * 1_000))) throw new Error(`${nodes} nodes did not come up.`);
    await fleet.join(nodes);
    if (!(await fleet.untilUp(2 * nodes, flags.within * 1_000))) throw new Error('The new nodes did not come.');
    const before = (await fleet.read()).orchestrator.identifies;
    const { ok, text, ms, frozenMs, mostDown } = await fleet.drain(
      Array.from({ length: nodes }, (_, index) => lightNode(index)),
    );
    if (!ok || frozenMs.length < shards) throw new Error(`${frozenMs.length} of ${shards} shards moved. ${text}`);
    const identifies = (await fleet.read()).orchestrator.identifies - before;
    return {
      shards,
      nodes,
      seconds: Math.round(ms / 100) / 10,
      frozenP99: percentileOf(frozenMs, 0.99),
      identifies,
      mostDown,
    };
  } finally {
    await fleet.close();
  }
}
