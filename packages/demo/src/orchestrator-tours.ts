/** Scenarios in which the orchestrator is killed, and what runs on does not notice. */
import { delay } from '@dshard/transport';
import {
  allShardsRunning,
  BETWEEN_STEPS_MS,
  everybodyRuns,
  lastEventHandled,
  moveAShard,
  nobodyNoticed,
  standing,
  START_TIMEOUT_MS,
  startShardsAndTraffic,
  type Tour,
  type TourContext,
} from './tour.js';
import { waitFor } from './steps.js';
import type { TourEnd } from './verdict.js';

/** The orchestrator is killed in the middle of a rollout and started again: the rollout goes on to its end. */
export const orchestratorCrash: Tour = async (context) => {
  const { options, fleet, steps, clock } = context;
  await startShardsAndTraffic(context);
  await steps.run('fetching a new version', () => fleet.client.post('/pullnewversion'));
  await steps.run('rolling it out, until the first shards have moved and others are on their way', async () => {
    // Its answer is lost with the orchestrator.
    void fleet.client.post('/fullmigration').catch(() => undefined);
    await waitFor(clock, 'the rollout to be in its middle', START_TIMEOUT_MS, async () => {
      const { nodes, migrations, rollout } = await fleet.client.status();
      const moved = nodes.filter(({ version }) => version === 'v2').flatMap(({ shards }) => shards);
      return rollout !== null && migrations.length > 0 && moved.length > 0 && moved.length < options.shards;
    });
  });
  await steps.run('kill -9 of the orchestrator', () => fleet.killOrchestrator());
  await steps.run('the bot runs on without it', () => delay(clock, BETWEEN_STEPS_MS));
  await steps.run('starting the orchestrator again', () => fleet.restartOrchestrator());
  await steps.run('the rollout goes on: every node is replaced', async () => {
    await everybodyRuns(context, 'v2');
    await waitFor(clock, 'the rollout to be finished', START_TIMEOUT_MS, async () => {
      const { nodes, rollout } = await fleet.client.status();
      return (
        rollout === null && nodes.every(({ version, connection }) => version === 'v2' || connection !== 'connected')
      );
    });
  });
  await delay(clock, BETWEEN_STEPS_MS);
  await lastEventHandled(context);
  // Those that were under way when it died may have ended in another way; that all are where they belong was waited
  // for.
  return { migrationsExpected: 1 };
};

/** The orchestrator is killed under traffic and started again; nobody notices, and it can go on moving shards. */
export const orchestratorRestart: Tour = async (context) => {
  const { fleet, steps, clock } = context;
  await startShardsAndTraffic(context);
  const before = await standing(context);

  await steps.run('kill -9 of the orchestrator', () => fleet.killOrchestrator());
  await steps.run('the bot runs on without it', () => delay(clock, 2000));
  await steps.run('starting the orchestrator again', async () => {
    await fleet.restartOrchestrator();
    await allShardsRunning(context);
  });
  await steps.run('the same shards are where they were, and none reconnected', () => nobodyNoticed(context, before));
  return moveOne(context);
};

/** Two orchestrators on one store: a second refuses to run, a standby takes over when the first is killed. */
export const standbyTour: Tour = async (context) => {
  const { fleet, steps, clock } = context;
  await startShardsAndTraffic(context);
  const before = await standing(context);
  const first = await fleet.client.status();

  await steps.run('a second orchestrator on the same store refuses to run, and names the first', async () => {
    const exitCode = await fleet.startRival();
    if (exitCode !== 1) throw new Error(`Its exit code is ${exitCode}.`);
    if (!fleet.hasLogged(`process id ${fleet.orchestratorPid} `)) throw new Error('It does not say who leads.');
  });
  await steps.run('another one with --standby waits', async () => {
    fleet.startStandby();
    await waitFor(clock, 'the standby to wait', START_TIMEOUT_MS, () => fleet.hasLogged('This one is its standby'));
  });
  await steps.run('kill -9 of the first: the standby leads', async () => {
    await fleet.killOrchestrator();
    await fleet.standbyLeads();
    await allShardsRunning(context);
    const { store } = await fleet.client.status();
    if (store.epoch <= first.store.epoch) throw new Error(`Its epoch is ${store.epoch}, after ${first.store.epoch}.`);
  });
  await steps.run('the same shards are where they were, and none reconnected', () => nobodyNoticed(context, before));
  return moveOne(context);
};

/** It can act as well. */
async function moveOne(context: TourContext): Promise<TourEnd> {
  await moveAShard(context);
  await lastEventHandled(context);
  return { migrationsExpected: 1 };
}
