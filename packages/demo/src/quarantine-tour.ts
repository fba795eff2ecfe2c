/**
 * Scenario `quarantine`: a message comes that the bot dies of. Discord replays it to whoever resumes the shard, so node
 * after node dies, until the shard is quarantined. All other shards run on; a version without the defect is rolled out,
 * and its first node gets the shard back, without anybody's word.
 */
import { DEADLY_MESSAGE } from './bot-state.js';
import { dsoShows } from './orchestrator.js';
import { recorded, timesGivenAgain } from './fleet.js';
import { lastEventHandled, startShardsAndTraffic, type Tour, type TourContext } from './tour.js';
import { waitFor } from './steps.js';

export const QUARANTINE_SETTINGS = { quarantineAfter: 3, 'timeouts.launchRetry': 1_000 } as const;

export type QuarantineFigures = {
  shard: number;
  /** Nodes that died of it, one after the other. */
  nodesLost: number;
  /** From the message to the quarantine. */
  afterMs: number;
  /** Shards that ran on meanwhile. */
  others: number;
};

const TIMEOUT_MS = 60_000;
/** From then on a shard counts as one that runs well. */
const RUNS_WELL_MS = 10_000;

export const quarantineTour: Tour = async (context) => {
  const { options, fleet, steps, clock } = context;
  await startShardsAndTraffic(context);
  const shard = Math.floor(options.shards / 2);
  await steps.run('the shards run for a while: so it is known that the bot can live', () =>
    waitFor(clock, 'all shards to have run for a while', TIMEOUT_MS, async () => {
      const { nodes, now } = await fleet.client.status();
      const shards = nodes.flatMap((node) => node.shards);
      return shards.every(({ state, since }) => state === 'running' && since !== null && now - since > RUNS_WELL_MS);
    }),
  );
  const startedMs = clock.monotonicMs();
  await steps.run(
    `shard ${shard} gets a message that this version of the bot dies of; node after node does`,
    async () => {
      say(context, shard);
      await waitFor(clock, `shard ${shard} to be quarantined`, TIMEOUT_MS, async () => {
        const { quarantined } = await fleet.client.status();
        return quarantined.length > 0;
      });
    },
  );
  const afterMs = Math.round(clock.monotonicMs() - startedMs);
  const nodesLost = await onlyThisOne(context, shard);
  await steps.run('dso status, the history and the log say so, and what to do', () => isTold(context, shard));
  await steps.run('all other shards run and get events, and nothing else dies', async () => {
    await othersAreServed(context, shard);
    await onlyThisOne(context, shard);
  });

  await steps.run('fetching a new version, without that defect', () => fleet.client.post('/pullnewversion'));
  await steps.run('rolling it out: the shard is resumed where it stopped, and survives the message', async () => {
    await fleet.client.post('/fullmigration');
    await waitFor(clock, 'all shards to run', TIMEOUT_MS, async () => {
      const { conditionCounts, quarantined } = await fleet.client.status();
      return conditionCounts.up === options.shards && quarantined.length === 0;
    });
    const lifted = await recorded(fleet, 'shardUnquarantined');
    if (lifted.length !== 1) throw new Error(`The quarantine had to be lifted once: ${JSON.stringify(lifted)}.`);
  });
  await lastEventHandled(context);
  return {
    migrationsExpected: options.shards - 1,
    losses: { shards: await timesGivenAgain(fleet, options.shards) },
    quarantine: { shard, nodesLost, afterMs, others: options.shards - 1 },
  };
};

function say({ discord, options }: TourContext, shard: number): void {
  const { people, world } = discord.emulator;
  const [guildId] = world.guildIdsOf(shard, options.shards);
  if (guildId === undefined) throw new Error(`Shard ${shard} has no guild.`);
  people.say(DEADLY_MESSAGE, { guildId });
}

/** That the shard is quarantined, for as many nodes as were to be, and no other. Resolves with how many died. */
async function onlyThisOne(context: TourContext, shard: number): Promise<number> {
  const { quarantined } = await context.fleet.client.status();
  const [one, ...others] = quarantined;
  if (one?.shard !== shard || others.length > 0) {
    throw new Error(`Shard ${shard} alone had to be quarantined, and these are: ${JSON.stringify(quarantined)}.`);
  }
  const blamed = new Set(one.nodes).size;
  const died = await crashes(context);
  const { quarantineAfter } = QUARANTINE_SETTINGS;
  // The first had run it for a while: its death is nobody's fault yet.
  if (blamed !== quarantineAfter || died !== quarantineAfter + 1) {
    throw new Error(`${quarantineAfter + 1} nodes had to die; ${died} died, ${blamed} of them are said to be its.`);
  }
  return died;
}

/** Nodes that nobody asked to go. */
async function crashes({ fleet }: TourContext): Promise<number> {
  const exits = (await recorded(fleet, 'nodeGone')).filter(({ text }) => text.includes('exited'));
  return exits.length;
}

async function othersAreServed({ fleet, discord, options, clock }: TourContext, shard: number): Promise<void> {
  await waitFor(clock, 'all other shards to run, on as many nodes as before', TIMEOUT_MS, async () => {
    const { conditionCounts, nodes } = await fleet.client.status();
    const connected = nodes.filter(({ connection }) => connection === 'connected').length;
    const running = Math.min(conditionCounts.up, discord.readyShards());
    return running === options.shards - 1 && connected === options.nodes;
  });
  const before = Array.from({ length: options.shards }, (_, each) => discord.handledBy(each));
  await waitFor(clock, 'all other shards to handle events', TIMEOUT_MS, () =>
    before.every((count, each) => each === shard || discord.handledBy(each) > count),
  );
}

async function isTold({ fleet }: TourContext, shard: number): Promise<void> {
  const status = dsoShows(fleet.httpUrl, ['status'], [`quarantined: shard ${shard}`, `dso unquarantine ${shard}`]);
  const events = dsoShows(fleet.httpUrl, ['events'], [`Shard ${shard} is not started any more`]);
  await Promise.all([status, events]);
  if (!fleet.hasLogged(`Shard ${shard} is not started any more`)) throw new Error('The log does not say so.');
}
