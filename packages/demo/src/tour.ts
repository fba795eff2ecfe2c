/**
 * What the demo does, step by step. It uses the doors a user has: the orchestrator's REST interface for every
 * operation, Discord's gateway for every event.
 */
import { counted } from '@dshard/protocol';
import { delay, type Clock } from '@dshard/transport';
import type { Discord } from './discord.js';
import { FleetCalls } from './fleet-calls.js';
import type { Fleet } from './fleet.js';
import type { DemoOptions } from './options.js';
import { waitFor, type Steps } from './steps.js';
import type { TourEnd } from './verdict.js';

export const START_TIMEOUT_MS = 60_000;
/** How long traffic flows between two steps, so that each is seen under load. */
export const BETWEEN_STEPS_MS = 700;

export type TourContext = {
  options: DemoOptions;
  clock: Clock;
  discord: Discord;
  fleet: Fleet;
  steps: Steps;
  /** When everything is judged. */
  atEnd: (work: () => Promise<void>) => void;
};

export type Tour = (context: TourContext) => Promise<TourEnd>;

/** Start, move a shard, move a node, roll out. */
export const grandTour: Tour = async (context) => {
  const { options, fleet, clock } = context;
  await startShardsAndTraffic(context);
  const calls = new FleetCalls(clock, options.shards, (each) => fleet.client.call({ name: 'shards', each }));
  try {
    const migrationsExpected = await moveAndRollOut(context);
    return { migrationsExpected, calls: await calls.stop() };
  } finally {
    await calls.stop();
  }
};

async function moveAndRollOut(context: TourContext): Promise<number> {
  const { options, fleet, steps, clock } = context;
  const moved = await moveAShardAndANode(context);
  await steps.run('fetching a new version', () => fleet.client.post('/pullnewversion'));
  await steps.run(`rolling it out: every one of ${options.nodes} nodes is replaced`, () =>
    fleet.client.post('/fullmigration'),
  );
  await everybodyRuns(context, 'v2');
  await delay(clock, BETWEEN_STEPS_MS);
  await lastEventHandled(context);
  return moved + options.shards;
}

/** Start, move a shard, move a node with all its shards: with `--state-mb`, each carries that much along. */
export const stateTour: Tour = async (context) => {
  await startShardsAndTraffic(context);
  const migrationsExpected = await moveAShardAndANode(context, `, carrying ${context.options.stateMb} MB,`);
  await lastEventHandled(context);
  return { migrationsExpected };
};

/** `carrying`: what each shard takes along. Resolves with how many migrations that takes. */
async function moveAShardAndANode(context: TourContext, carrying: string = ''): Promise<number> {
  const { fleet, steps, clock } = context;
  const to = await moveAShard(context, carrying);
  await delay(clock, BETWEEN_STEPS_MS);
  const moved = (await shardsOf(context, to)).length;
  const fresh = await startNode(context);
  const shards = `all ${counted(moved, 'shard')} of ${to}${carrying.replace(',', ', each')}`;
  await steps.run(`moving ${shards} to ${fresh}, then shutting ${to} down`, () =>
    fleet.client.post('/migratenode', { origin_node: to, destination_node: fresh, shutdown: 'true' }),
  );
  await delay(clock, BETWEEN_STEPS_MS);
  return 1 + moved;
}

/** Resolves with the node it runs on then. */
export async function moveAShard(context: TourContext, carrying: string = ''): Promise<string> {
  const { shard, from, to } = await aShardAndTwoNodes(context);
  await context.steps.run(`moving shard ${shard}${carrying} from ${from} to ${to}`, () =>
    context.fleet.client.post('/migrateshard', { shard: `${shard}`, destination_node: to }),
  );
  return to;
}

/** One of the nodes is killed under traffic: the others resume its shards, and another node is started in its place. */
export const crashTour: Tour = async (context) => {
  const { options, fleet, steps, clock, discord } = context;
  await startShardsAndTraffic(context);
  const victim = (await fleet.client.status()).nodes.find(({ shards }) => shards.length > 0);
  if (victim === undefined || victim.pid === null) throw new Error('No node runs shards, or none said its process id.');
  const { id, pid, shards } = victim;
  await steps.run(`kill -9 of ${id}, which runs ${counted(shards.length, 'shard')}`, async () => {
    process.kill(pid, 'SIGKILL');
  });
  await steps.run('the others resume its shards', () =>
    waitFor(clock, `the shards of ${id} to run elsewhere`, START_TIMEOUT_MS, async () => {
      const { nodes, conditionCounts } = await fleet.client.status();
      const isOwned = conditionCounts.up === options.shards && discord.readyShards() === options.shards;
      return isOwned && nodes.every((node) => node.id !== id || node.shards.length === 0);
    }),
  );
  await steps.run('a node is started in its place', () =>
    waitFor(clock, `${options.nodes} nodes to be connected`, START_TIMEOUT_MS, async () => {
      const { nodes } = await fleet.client.status();
      return nodes.filter(({ connection }) => connection === 'connected').length === options.nodes;
    }),
  );
  await delay(clock, BETWEEN_STEPS_MS);
  await lastEventHandled(context);
  return { migrationsExpected: 0, takeovers: { expected: shards.length } };
};

export async function startShardsAndTraffic(context: TourContext): Promise<void> {
  const { options, steps, discord, clock } = context;
  await steps.run(`starting ${counted(options.shards, 'shard')} on ${options.nodes} nodes`, async () => {
    await allShardsRunning(context);
    await waitFor(clock, 'all shards to be READY', START_TIMEOUT_MS, () => discord.readyShards() === options.shards);
  });
  discord.startTraffic();
  await steps.run(`${options.rate} events a second begin to flow`, () => delay(clock, BETWEEN_STEPS_MS));
}

export async function startNode({ fleet, steps }: TourContext): Promise<string> {
  const before = new Set((await fleet.client.status()).nodes.map(({ id }) => id));
  await steps.run('starting another node', () => fleet.client.post('/startnode'));
  const fresh = (await fleet.client.status()).nodes.find(({ id }) => !before.has(id));
  if (fresh === undefined) throw new Error('The orchestrator says it started a node, and does not know it.');
  return fresh.id;
}

/** Traffic ends; what is on its way is waited for, not excused. */
export async function lastEventHandled({ steps, discord, clock }: TourContext): Promise<void> {
  await steps.run('waiting for the last event to be handled', async () => {
    discord.stopTraffic();
    // In vain is fine here: the verdict says what is missing.
    await waitFor(clock, 'the last event', 10_000, () => discord.nothingOnItsWay()).catch(() => undefined);
  });
}

export async function allShardsRunning({ fleet, options, clock }: TourContext): Promise<void> {
  await waitFor(clock, 'all shards to run', START_TIMEOUT_MS, async () => {
    const status = await fleet.client.status();
    return status.totalShards === options.shards && status.conditionCounts.up === options.shards;
  });
}

export async function everybodyRuns({ fleet, options, clock }: TourContext, version: string): Promise<void> {
  await waitFor(clock, `all shards to run on version ${version}`, START_TIMEOUT_MS, async () => {
    const { nodes } = await fleet.client.status();
    const shards = nodes.filter((node) => node.version === version).flatMap((node) => node.shards);
    return shards.length === options.shards && shards.every(({ condition }) => condition.kind === 'up');
  });
}

async function shardsOf({ fleet }: TourContext, node: string): Promise<readonly number[]> {
  const { nodes } = await fleet.client.status();
  return nodes.find(({ id }) => id === node)?.shards.map(({ id }) => id) ?? [];
}

/** Who runs what, as text that can be compared, and how often a connection took up a session. */
export type Standing = { placement: string; attaches: number };

export async function standing({ fleet, discord }: TourContext): Promise<Standing> {
  const { nodes } = await fleet.client.status();
  const placement = nodes
    .filter(({ shards }) => shards.length > 0)
    .map(({ id, shards }) => `${id} runs ${shards.map((shard) => shard.id).join(', ')}`)
    .join('; ');
  return { placement, attaches: discord.figures().attaches };
}

/** Throws unless every shard is where it was, on the connection it had. */
export async function nobodyNoticed(context: TourContext, before: Standing): Promise<void> {
  const after = await standing(context);
  if (after.placement !== before.placement) throw new Error(`Before: ${before.placement}; after: ${after.placement}.`);
  const reconnects = after.attaches - before.attaches;
  if (reconnects > 0) throw new Error(`${reconnects} shards connected to Discord anew.`);
}

export async function aShardAndTwoNodes({ fleet }: TourContext): Promise<{ shard: number; from: string; to: string }> {
  const { nodes } = await fleet.client.status();
  const [origin, destination] = nodes.filter(
    ({ connection, shards }) => connection === 'connected' && shards.length > 0,
  );
  const shard = origin?.shards[0];
  if (origin === undefined || destination === undefined || shard === undefined) {
    throw new Error(`Two nodes with shards were expected, and there are: ${nodes.map(({ id }) => id).join(', ')}.`);
  }
  return { shard: shard.id, from: origin.id, to: destination.id };
}
