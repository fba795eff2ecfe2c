/**
 * Scenario `alarm`: most nodes stand still at once, for longer than any node may. That is probably the orchestrator's
 * own fault, so it touches nothing and raises an alarm; when they go on, nothing has happened. Then they stand still
 * again, and an operator says that one is dead.
 */
import { counted } from '@dshard/protocol';
import { delay } from '@dshard/transport';
import { dsoShows, runDso } from './orchestrator.js';
import { timesResumed } from './fleet.js';
import {
  lastEventHandled,
  nobodyNoticed,
  standing,
  startShardsAndTraffic,
  type Standing,
  type Tour,
  type TourContext,
} from './tour.js';
import { waitFor } from './steps.js';
import type { TourEnd } from './verdict.js';

const HEARTBEAT_MS = 1_000;
/** Long enough for a node that goes on to be heard again in time, on a busy machine as well. */
const MAX_NODE_DOWNTIME_MS = 5_000;
export const ALARM_SETTINGS: Readonly<Record<string, number>> = {
  heartbeat: HEARTBEAT_MS,
  maxNodeDowntime: MAX_NODE_DOWNTIME_MS,
};
/** A node alone, silent for so long, has lost its shards for certain: three heartbeats, its downtime, a second. */
const BEYOND_DOWNTIME_MS = 3 * HEARTBEAT_MS + MAX_NODE_DOWNTIME_MS + 1_000;
/**
 * A node relies on its shards for 80 % of its downtime. Who wakes up before that hands over what waits for it, also
 * when an operator has said that it is dead. It is cut off after three heartbeats, so this much later it is over for
 * certain.
 */
const REST_OF_LEASE_MS = MAX_NODE_DOWNTIME_MS - 3 * HEARTBEAT_MS + 500;
const TIMEOUT_MS = 60_000;
/** In the history and in the log. */
const SAID = 'nodes are silent, and none of them is known to be dead';

export type AlarmFigures = {
  silent: number;
  of: number;
  /** How long they stood still, and nothing was taken from them. */
  lastedMs: number;
  /** Shards that were taken over because an operator said so. */
  takenOver: number;
};

type Stopped = { id: string; pid: number; shards: number };

export const alarmTour: Tour = async (context) => {
  await startShardsAndTraffic(context);
  const stopped = await mostNodes(context);
  try {
    return await silences(context, stopped);
  } finally {
    // A process that stands still can only be killed.
    signalAll(stopped, 'SIGCONT');
  }
};

async function silences(context: TourContext, stopped: readonly Stopped[]): Promise<TourEnd> {
  const { options, fleet, steps, clock, discord } = context;
  const [first, ...others] = stopped;
  if (first === undefined) throw new Error('There is no node to stop.');
  const names = stopped.map(({ id }) => id).join(' and ');
  const before = await standing(context);

  const startedMs = clock.monotonicMs();
  await steps.run(`SIGSTOP of ${names}, ${stopped.length} of ${options.nodes} nodes: the alarm is raised`, async () => {
    signalAll(stopped, 'SIGSTOP');
    await alarmIs(context, 'on');
  });
  await steps.run('for longer than a node may be silent nothing is taken over or launched', async () => {
    await delay(clock, BEYOND_DOWNTIME_MS);
    await nothingIsDone(context, before);
  });
  await steps.run('dso status, the history and the log say so, and what to do', async () => {
    const ids = stopped.map(({ id }) => id);
    const status = dsoShows(fleet.httpUrl, ['status'], ['ALARM: ', ...ids, 'dso takeover <node>']);
    const events = dsoShows(fleet.httpUrl, ['events'], [SAID]);
    await Promise.all([status, events]);
    if (!fleet.hasLogged(SAID)) throw new Error('The log does not say so.');
  });
  const lastedMs = Math.round(clock.monotonicMs() - startedMs);
  await steps.run('they go on: the alarm is over, and no shard has moved or reconnected', async () => {
    signalAll(stopped, 'SIGCONT');
    await alarmIs(context, 'off');
    await everythingRuns(context, options.nodes);
    await nothingIsDone(context, before);
  });

  await steps.run(`SIGSTOP of ${names} once more`, async () => {
    // In the middle of no event: that one would be handled to its end by a process that woke up too late.
    discord.stopTraffic();
    await waitFor(clock, 'the last event to be handled', TIMEOUT_MS, () => discord.nothingOnItsWay());
    signalAll(stopped, 'SIGSTOP');
    discord.startTraffic();
    await alarmIs(context, 'on');
    await isCutOff(context, first.id);
    await delay(clock, REST_OF_LEASE_MS);
  });
  await steps.run(
    `dso takeover ${first.id}: its ${first.shards} shards are resumed elsewhere, the others go on`,
    async () => {
      await runDso(fleet.httpUrl, ['takeover', first.id, '--yes']);
      signalAll(others, 'SIGCONT');
      await alarmIs(context, 'off');
      await everythingRuns(context, options.nodes - 1);
      await hasNoShards(context, first.id);
    },
  );
  await steps.run(`${first.id} goes on as well, is told so, and lets go`, async () => {
    signalAll([first], 'SIGCONT');
    await everythingRuns(context, options.nodes);
    await hasNoShards(context, first.id);
  });
  await lastEventHandled(context);
  const takenOver = await timesResumed(fleet);
  const alarm = { silent: stopped.length, of: options.nodes, lastedMs, takenOver };
  return { migrationsExpected: 0, losses: { shards: takenOver, asleep: takenOver }, alarm };
}

/** All but one that have shards: more than half of three nodes or more. */
async function mostNodes({ fleet }: TourContext): Promise<readonly Stopped[]> {
  const { nodes } = await fleet.client.status();
  const busy = nodes.flatMap(({ id, pid, shards }) =>
    pid !== null && shards.length > 0 ? [{ id, pid, shards: shards.length }] : [],
  );
  return busy.slice(1);
}

function signalAll(nodes: readonly Stopped[], signal: 'SIGSTOP' | 'SIGCONT'): void {
  for (const { pid } of nodes) {
    try {
      process.kill(pid, signal);
    } catch (cause) {
      // When all is over they are gone.
      if (signal === 'SIGSTOP') throw cause;
    }
  }
}

function alarmIs({ fleet, clock }: TourContext, wanted: 'on' | 'off'): Promise<void> {
  return waitFor(clock, `the alarm to be ${wanted}`, TIMEOUT_MS, async () => {
    const { alarm } = await fleet.client.status();
    return (alarm !== null) === (wanted === 'on');
  });
}

function isCutOff({ fleet, clock }: TourContext, node: string): Promise<void> {
  return waitFor(clock, `${node} to be cut off`, TIMEOUT_MS, async () => {
    const { nodes } = await fleet.client.status();
    return nodes.find(({ id }) => id === node)?.connection === 'disconnected';
  });
}

function everythingRuns({ fleet, options, clock, discord }: TourContext, nodes: number): Promise<void> {
  return waitFor(clock, `all shards to run, on ${nodes} nodes`, TIMEOUT_MS, async () => {
    const status = await fleet.client.status();
    const connected = status.nodes.filter(({ connection }) => connection === 'connected').length;
    const { up } = status.conditionCounts;
    return up === options.shards && connected >= nodes && discord.readyShards() === options.shards;
  });
}

async function nothingIsDone(context: TourContext, before: Standing): Promise<void> {
  const { launches } = await context.fleet.client.status();
  if (launches.length > 0) throw new Error('Nodes are being launched.');
  await nobodyNoticed(context, before);
}

async function hasNoShards({ fleet }: TourContext, node: string): Promise<void> {
  const { nodes } = await fleet.client.status();
  const shards = nodes.find(({ id }) => id === node)?.shards ?? [];
  if (shards.length > 0) throw new Error(`Node ${node} still has ${counted(shards.length, 'shard')}.`);
}
