/**
 * Scenario `rebalance`: a node joins under traffic, and gets its share, live; it dies, and comes back empty, and gets
 * its share again. At last it is shut down, and gives its shards back, live.
 */
import { counted } from '@dshard/protocol';
import { delay } from '@dshard/transport';
import { durationsOf } from '@dshard/api/trace';
import { dsoShows } from './orchestrator.js';
import { recorded } from './fleet.js';
import {
  BETWEEN_STEPS_MS,
  lastEventHandled,
  startNode,
  startShardsAndTraffic,
  type Tour,
  type TourContext,
} from './tour.js';
import { waitFor } from './steps.js';

export const REBALANCE_SETTINGS = { rebalance: 'join' } as const;

const TIMEOUT_MS = 60_000;
/** So long nothing may move once the spread is even. */
const QUIET_MS = 5_000;
/** How long a shard may be without a session while it moves; on a machine that does nothing else it is a tenth. */
const MAX_GAP_MS = 1_000;

type Filled = {
  /** From the moment the node is connected until the spread is even. */
  seconds: number;
  /** The most shards of a node less the fewest. */
  spread: number;
  moves: number;
  /** The fewest moves that there can be. */
  least: number;
};

export type RebalanceFigures = {
  joined: Filled;
  cameBack: Filled;
  /** Without a session, of planned moves; those of the node that died are not among them. */
  gapMs: { p50: number; p99: number; max: number };
};

export const rebalanceTour: Tour = async (context) => {
  const { options, fleet, steps, clock, discord } = context;
  await startShardsAndTraffic(context);
  await evenly(context, options.nodes);
  const first = await movesOf(context);
  const { node, filled: joined } = await fill(context);
  const afterJoin = discord.ledgerFigures().gapsMs.length;

  const victim = (await fleet.client.status()).nodes.find(({ id }) => id === node);
  if (victim === undefined || victim.pid === null)
    throw new Error(`Node ${node} is gone, or did not say its process id.`);
  const { pid, shards } = victim;
  await steps.run(
    `kill -9 of ${node}, which runs ${counted(shards.length, 'shard')}; the others resume them`,
    async () => {
      process.kill(pid, 'SIGKILL');
      await waitFor(clock, 'every shard to run elsewhere', TIMEOUT_MS, async () => {
        const { nodes, conditionCounts } = await fleet.client.status();
        const isUp = conditionCounts.up === options.shards && discord.readyShards() === options.shards;
        return isUp && nodes.every((each) => each.id !== node || each.shards.length === 0);
      });
    },
  );
  await delay(clock, BETWEEN_STEPS_MS);
  const afterLoss = discord.ledgerFigures().gapsMs.length;
  const { node: back, filled: cameBack } = await fill(context);
  await steps.run('dso rebalance finds nothing to do', () =>
    dsoShows(fleet.httpUrl, ['rebalance'], ['No move would spread the shards better']),
  );
  const shown = counted(cameBack.moves, 'shard');
  await steps.run(`dso shutdownnode ${back}: its ${shown} are moved live before it goes`, () =>
    dsoShows(fleet.httpUrl, ['shutdownnode', back], [`Moved ${shown} from node ${back} to the other nodes`]),
  );
  await lastEventHandled(context);
  const gaps = discord.ledgerFigures().gapsMs;
  const planned = [...gaps.slice(0, afterJoin), ...gaps.slice(afterLoss)];
  return {
    migrationsExpected: first + joined.moves + 2 * cameBack.moves,
    losses: { shards: shards.length },
    rebalance: { joined, cameBack, gapMs: durationsOf(planned) },
  };
};

/** One more node is launched. Resolves when the spread is even, and stayed so for a while. */
async function fill(context: TourContext): Promise<{ node: string; filled: Filled }> {
  const { options, steps, clock } = context;
  const loads = await loadsOf(context);
  const moved = await movesOf(context);
  const node = await startNode(context);
  const ms = await steps.run(`${node} gets its share of ${counted(options.shards, 'shard')}`, () =>
    evenly(context, loads.length + 1),
  );
  const seconds = Math.round(ms / 100) / 10;
  await steps.run('and nothing moves after that', () => delay(clock, QUIET_MS));
  const after = await loadsOf(context);
  const least = leastMoves([...loads, 0]);
  const moves = (await movesOf(context)) - moved;
  return { node, filled: { seconds, spread: Math.max(...after) - Math.min(...after), moves, least } };
}

/** To a spread of one: what is above the average goes, and what is below it comes. */
function leastMoves(loads: readonly number[]): number {
  const average = loads.reduce((sum, load) => sum + load, 0) / loads.length;
  const over = loads.reduce((sum, load) => sum + Math.max(0, load - Math.ceil(average)), 0);
  const under = loads.reduce((sum, load) => sum + Math.max(0, Math.floor(average) - load), 0);
  return Math.max(over, under);
}

export function rebalanceProblems({ joined, cameBack, gapMs }: RebalanceFigures): string[] {
  const each = [
    ['joined', joined],
    ['came back', cameBack],
  ] as const;
  return [
    ...each.flatMap(([what, { spread, moves, least }]) => [
      spread > 1 && `after a node ${what}, one had ${spread} shards more than another`,
      moves !== least && `after a node ${what}, ${moves} shards moved where ${least} were enough`,
    ]),
    gapMs.p99 >= MAX_GAP_MS && `a shard that moved was without a session for ${gapMs.p99} ms (p99)`,
  ].filter((problem) => problem !== false);
}

async function evenly(context: TourContext, nodes: number): Promise<void> {
  const { options, fleet, clock } = context;
  await waitFor(clock, `${nodes} nodes to have as many shards each, but for one`, TIMEOUT_MS, async () => {
    const { conditionCounts, migrations } = await fleet.client.status();
    const loads = await loadsOf(context);
    const isEven = loads.length === nodes && Math.max(...loads) - Math.min(...loads) <= 1;
    return isEven && conditionCounts.up === options.shards && migrations.length === 0;
  });
}

async function loadsOf({ fleet }: TourContext): Promise<number[]> {
  const { nodes } = await fleet.client.status();
  return nodes.filter(({ connection }) => connection === 'connected').map(({ shards }) => shards.length);
}

async function movesOf({ fleet }: TourContext): Promise<number> {
  return (await recorded(fleet, 'migrationCompleted')).length;
}
