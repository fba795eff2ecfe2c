/**
 * Scenario `full-restart`: `dso up --keep-sessions` is ended under traffic, orchestrator and every node, and started
 * again. The orchestrator has parked what the discord.js clients hold; then every cache and counter is compared with a
 * client that never restarted.
 */
import { delay } from '@dshard/transport';
import { waitFor } from '../steps.js';
import { allShardsRunning, lastEventHandled, type Tour } from '../tour.js';
import { compareCaches, LIVELY, startReference } from './tour.js';

export const KEEP_SESSIONS: readonly string[] = ['--keep-sessions'];

const START_TIMEOUT_MS = 120_000;
const BETWEEN_STEPS_MS = 1_500;

export const fullRestartTour: Tour = async (context) => {
  const { options, discord, fleet, steps, clock } = context;
  const { emulator } = discord;
  await steps.run(`starting ${options.shards} shards on ${options.nodes} nodes`, async () => {
    await allShardsRunning(context);
    await waitFor(clock, 'all shards to be READY', START_TIMEOUT_MS, () => discord.readyShards() === options.shards);
  });
  const { reference, fleetIdentifies, referenceIdentifies } = await startReference(context);
  emulator.traffic.setMix(LIVELY);
  discord.startTraffic();
  await steps.run(`${options.rate} events a second begin to flow`, () => delay(clock, BETWEEN_STEPS_MS));

  const askedAt = clock.monotonicMs();
  let endedAt = askedAt;
  await steps.run('ending dso up --keep-sessions, orchestrator and all nodes', async () => {
    await fleet.endKeepingFolder();
    endedAt = clock.monotonicMs();
  });
  await steps.run('starting it again: every shard comes back with its state', async () => {
    await fleet.restartOrchestrator();
    await allShardsRunning(context);
    await waitFor(clock, 'all shards to be RESUMED', START_TIMEOUT_MS, () => discord.readyShards() >= options.shards);
  });
  const upAt = clock.monotonicMs();
  await delay(clock, BETWEEN_STEPS_MS);
  await lastEventHandled(context);
  const events = await fleet.client.events(0);
  const { compared, different, examples } = await compareCaches(context, reference, new Set());
  return {
    // Each shard is parked, and given out again.
    migrationsExpected: options.shards * 2,
    restart: {
      endedAfterMs: Math.round(endedAt - askedAt),
      upAfterMs: Math.round(upAt - endedAt),
      identifies: discord.figures().identifies - fleetIdentifies - referenceIdentifies,
      statesLost: events.filter(({ name }) => name === 'parkedStateLost').length,
      caches: { compared, different },
      referenceIdentifies,
      findings: examples,
    },
  };
};
