/**
 * Scenario `start`: every shard at once, on nodes that were all launched at once, and nothing else. Discord's pace is
 * the limit: each key (`shard % max_concurrency`) admits one IDENTIFY per window.
 */
import { delay } from '@dshard/transport';
import type { DemoOptions } from './options.js';
import type { Tour } from './tour.js';
import { waitFor } from './steps.js';

/** The start may take this many times what Discord's pace allows. */
export const MAX_START_RATIO = 1.1;
/** For processes to come up, beside the pace. */
const LAUNCH_MS = 60_000;
const TRAFFIC_MS = 1_000;

type Pace = Pick<DemoOptions, 'shards' | 'maxConcurrency' | 'identifyWindow'>;

export type StartFigures = {
  maxConcurrency: number;
  windowMs: number;
  /** From the first IDENTIFY that Discord took to the last READY it sent. */
  tookMs: number;
  /** The same if every window were used the moment it opens. */
  leastMs: number;
  ratio: number;
  inWrongWindow: number;
};

function leastStartMs({ shards, maxConcurrency, identifyWindow }: Pace): number {
  return (Math.ceil(shards / maxConcurrency) - 1) * identifyWindow;
}

export function startFigures(
  pace: Pace,
  { begunAt, inWrongWindow }: { begunAt: readonly number[]; inWrongWindow: number },
): StartFigures {
  const tookMs = Math.round((begunAt.at(-1) ?? 0) - (begunAt[0] ?? 0));
  const leastMs = leastStartMs(pace);
  return {
    maxConcurrency: pace.maxConcurrency,
    windowMs: pace.identifyWindow,
    tookMs,
    leastMs,
    // With as many keys as shards nothing has to wait, and there is nothing to compare with.
    ratio: leastMs === 0 ? 1 : Math.round((tookMs / leastMs) * 1000) / 1000,
    inWrongWindow,
  };
}

export const startTour: Tour = async ({ options, fleet, steps, discord, clock }) => {
  const { shards, nodes, rate } = options;
  const timeoutMs = leastStartMs(options) * 2 + LAUNCH_MS;
  await steps.run(`starting ${shards} shards on ${nodes} nodes at once`, () =>
    waitFor(clock, 'all shards to be READY', timeoutMs, async () => {
      const { conditionCounts } = await fleet.client.status();
      return conditionCounts.up === shards && discord.readyShards() === shards;
    }),
  );
  await steps.run('every node has shards', async () => {
    const { nodes: running } = await fleet.client.status();
    const busy = running.filter((node) => node.shards.length > 0).length;
    if (busy !== nodes) throw new Error(`${busy} of ${nodes} nodes have shards.`);
  });
  discord.startTraffic();
  await steps.run(`${rate} events a second reach them`, () => delay(clock, TRAFFIC_MS));
  discord.stopTraffic();
  await waitFor(clock, 'the last event', 10_000, () => discord.nothingOnItsWay()).catch(() => undefined);
  return { migrationsExpected: 0 };
};
