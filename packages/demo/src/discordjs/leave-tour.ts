/**
 * Scenario `leave`: discord.js clients whose processes are started and ended by a scheduler, which knows nothing of
 * shards: SIGTERM, thirty seconds, SIGKILL. In three ways: the new process is started first; the old one is ended
 * first, while others run; the old one is ended first, and there is no other. Then every cache and counter is compared
 * with a client that never restarted.
 */
import { delay } from '@dshard/transport';
import { boundOf, type Ending, type LeaveCase } from '../leave-figures.js';
import { GRACE_MS, Scheduler } from '../scheduler.js';
import { waitFor } from '../steps.js';
import { allShardsRunning, lastEventHandled, type Tour, type TourContext } from '../tour.js';
import { spreadOf } from '../verdict.js';
import { compareCaches, LIVELY, startReference } from './tour.js';

/** The orchestrator launches nothing. */
export const LEAVE_SETTINGS = { launcher: undefined, nodes: 0 };

const START_TIMEOUT_MS = 120_000;
const BETWEEN_STEPS_MS = 1_000;

export const leaveTour: Tour = async (context) => {
  const { options, discord, fleet, steps, clock } = context;
  const { emulator } = discord;
  const scheduler = new Scheduler(clock, fleet.bot);
  context.atEnd(() => scheduler.close());
  await steps.run(`a scheduler starts ${options.nodes} processes`, async () => {
    for (let node = 0; node < options.nodes; node += 1) scheduler.start(`web-${node}`);
    await allShardsRunning(context);
    await waitFor(clock, 'all shards to be READY', START_TIMEOUT_MS, () => discord.readyShards() === options.shards);
  });
  const { reference, referenceIdentifies } = await startReference(context);
  emulator.traffic.setMix(LIVELY);
  discord.startTraffic();
  await steps.run(`${options.rate} events a second begin to flow`, () => delay(clock, BETWEEN_STEPS_MS));

  const cases = [
    await surgeFirst(context, scheduler),
    await oneByOne(context, scheduler),
    await stopThenStart(context, scheduler),
  ];
  await lastEventHandled(context);
  const { compared, different, examples } = await compareCaches(context, reference, new Set());
  return {
    migrationsExpected: options.shards * 2,
    leave: { graceMs: GRACE_MS, cases, caches: { compared, different }, referenceIdentifies, findings: examples },
  };
};

/** As a Deployment of Kubernetes does: the new process is there before the old one is ended. */
async function surgeFirst(context: TourContext, scheduler: Scheduler): Promise<LeaveCase> {
  const gaps = gapsFrom(context);
  const endings: Ending[] = [];
  for (const [index, node] of scheduler.running.entries()) {
    const next = `web-new-${index}`;
    await context.steps.run(`surge-first: ${next} is started, then ${node} gets SIGTERM`, async () => {
      scheduler.start(next);
      await connected(context, next);
      endings.push(await scheduler.end(node));
      await allShardsRunning(context);
    });
    await delay(context.clock, BETWEEN_STEPS_MS);
  }
  return leaveCase('surge-first', endings, gaps());
}

/** As a StatefulSet, or a host that is patched: each process ends, and comes back under its own name. */
async function oneByOne(context: TourContext, scheduler: Scheduler): Promise<LeaveCase> {
  const gaps = gapsFrom(context);
  const endings: Ending[] = [];
  for (const node of scheduler.running) {
    await context.steps.run(`one-by-one: ${node} gets SIGTERM, then it is started again`, async () => {
      endings.push(await scheduler.end(node));
      await allShardsRunning(context);
      scheduler.start(node);
      await connected(context, node);
    });
    await delay(context.clock, BETWEEN_STEPS_MS);
  }
  return leaveCase('one-by-one', endings, gaps());
}

/** As `docker compose up -d`, or systemd, with a single process. */
async function stopThenStart(context: TourContext, scheduler: Scheduler): Promise<LeaveCase> {
  const { clock, steps } = context;
  const [last = '', ...others] = scheduler.running;
  const endings: Ending[] = [];
  await steps.run(`scaling down to one single process, ${last}`, async () => {
    for (const node of others) endings.push(await scheduler.end(node));
    await allShardsRunning(context);
  });
  await delay(clock, BETWEEN_STEPS_MS);
  const gaps = gapsFrom(context);
  let restartMs = 0;
  await steps.run(`stop-then-start: ${last}, the only one, gets SIGTERM, then it is started again`, async () => {
    const endedAt = clock.now();
    endings.push(await scheduler.end(last));
    scheduler.start(last);
    await connected(context, last);
    restartMs = (await joinedAt(context, last, endedAt)) - endedAt;
    await allShardsRunning(context);
    await waitFor(
      clock,
      'every shard’s session',
      START_TIMEOUT_MS,
      () => context.discord.readyShards() >= context.options.shards,
    );
  });
  await delay(clock, BETWEEN_STEPS_MS);
  return leaveCase('stop-then-start', endings, gaps(), restartMs);
}

function leaveCase(
  name: LeaveCase['case'],
  endings: readonly Ending[],
  gaps: readonly number[],
  restartMs: number | null = null,
): LeaveCase {
  const gapMs = spreadOf(gaps);
  return { case: name, endings, gapMs, restartMs, bound: boundOf(gapMs, restartMs) };
}

/** When the node of the process that was started after `since` was connected, as the orchestrator's history has it. */
async function joinedAt({ fleet }: TourContext, node: string, since: number): Promise<number> {
  const joined = (await fleet.client.events(0)).find(
    ({ name, at, fields }) => name === 'nodeJoined' && fields['node'] === node && at >= since,
  );
  if (joined === undefined) throw new Error(`The history does not say when node ${node} connected.`);
  return joined.at;
}

/** Returns what tells the gaps since then. */
function gapsFrom({ discord }: TourContext): () => readonly number[] {
  const before = discord.ledgerFigures().gapsMs.length;
  return () => discord.ledgerFigures().gapsMs.slice(before);
}

function connected({ fleet, clock }: TourContext, id: string): Promise<void> {
  return waitFor(clock, `node ${id} to be connected`, START_TIMEOUT_MS, async () => {
    const { nodes } = await fleet.client.status();
    return nodes.some((node) => node.id === id && node.connection === 'connected' && node.intent === 'serving');
  });
}
