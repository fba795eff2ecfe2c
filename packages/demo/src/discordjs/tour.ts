/**
 * The tour of `--bot discordjs`: a fleet of discord.js clients serves commands in a lively world while it is rolled out
 * twice; then every cache and counter is compared, field by field, with a client that never restarted. Then a node is
 * killed, and what was taken over is compared as well.
 */
import { counted } from '@dshard/protocol';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { delay } from '@dshard/transport';
import type { Discord } from '../discord.js';
import { allShardsRunning, everybodyRuns, lastEventHandled, type Tour, type TourContext } from '../tour.js';
import { waitFor } from '../steps.js';
import { Commands, LONG_COMMAND_MS } from './commands.js';
import { ReferenceClient, type Comparison } from './reference-client.js';

const START_TIMEOUT_MS = 120_000;
const BETWEEN_STEPS_MS = 1_500;
/** All clients write out all they hold. */
const DUMP_TIMEOUT = '300s';
export const LIVELY = { messages: 10, reactions: 1, presences: 3, voice: 3, members: 2, typing: 1 };

export const discordjsTour: Tour = async (context) => {
  const { options, discord, fleet, steps, clock } = context;
  const { emulator } = discord;
  await steps.run(`starting ${counted(options.shards, 'shard')} on ${options.nodes} nodes`, async () => {
    await allShardsRunning(context);
    await waitFor(clock, 'all shards to be READY', START_TIMEOUT_MS, () => discord.readyShards() === options.shards);
  });
  const { reference, fleetIdentifies, referenceIdentifies } = await startReference(context);

  emulator.traffic.setMix(LIVELY);
  const commands = new Commands(emulator, clock);
  // Also when the tour breaks off.
  context.atEnd(async () => commands.stop());
  discord.startTraffic();
  commands.start();
  await steps.run(`${options.rate} events a second begin to flow, and 20 commands, one of 8 s always open`, () =>
    delay(clock, BETWEEN_STEPS_MS),
  );
  for (const version of ['v2', 'v3']) {
    await fleet.offerVersion(version);
    await steps.run('fetching a new version', () => fleet.client.post('/pullnewversion'));
    await steps.run(`rolling out ${version}: every one of ${options.nodes} nodes is replaced`, () =>
      fleet.client.post('/fullmigration'),
    );
    await everybodyRuns(context, version);
    await delay(clock, BETWEEN_STEPS_MS);
  }
  commands.stop();
  await lastEventHandled(context);
  await steps.run('waiting for the last command that takes long', () =>
    delay(clock, LONG_COMMAND_MS + BETWEEN_STEPS_MS),
  );
  const rolloutIdentifies = discord.figures().identifies - fleetIdentifies - referenceIdentifies;
  const planned = await compareCaches(context, reference, new Set());

  const lost = await killOneNode(context);
  await lastEventHandled(context);
  const afterCrash = await compareCaches(context, reference, lost);
  return {
    migrationsExpected: options.shards * 2,
    discordjs: {
      caches: {
        compared: planned.compared + afterCrash.compared,
        different: planned.different + afterCrash.different,
      },
      commands: commands.figures(),
      rolloutIdentifies,
      referenceIdentifies,
      crash: { shards: lost.size },
      findings: [
        ...planned.examples.map((example) => `after the rollouts, ${example}`),
        ...afterCrash.examples.map((example) => `after the crash, ${example}`),
      ],
    },
  };
};

/** Resolves with the shards it had, when they run elsewhere. */
async function killOneNode(context: TourContext): Promise<ReadonlySet<number>> {
  const { fleet, discord, steps, clock } = context;
  // Joins and departures are counted anew when they are replayed upon a fresh copy, see decision 007.
  discord.emulator.traffic.setMix({ messages: 1 });
  discord.startTraffic();
  await delay(clock, BETWEEN_STEPS_MS);
  const { nodes } = await fleet.client.status();
  const victim = nodes.find(
    ({ shards, pid, connection }) => connection === 'connected' && shards.length > 0 && pid !== null,
  );
  const { pid } = victim ?? {};
  if (victim === undefined || typeof pid !== 'number') throw new Error('There is no node to kill.');
  await steps.run(
    `kill -9 of ${victim.id} with its ${counted(victim.shards.length, 'shard')}; they are taken over`,
    async () => {
      process.kill(pid, 'SIGKILL');
      await waitFor(clock, 'the node to be missed', START_TIMEOUT_MS, async () => {
        const status = await fleet.client.status();
        return status.nodes.find(({ id }) => id === victim.id)?.connection !== 'connected';
      });
      await allShardsRunning(context);
    },
  );
  await delay(clock, BETWEEN_STEPS_MS);
  return new Set(victim.shards.map(({ id }) => id));
}

/** The client to compare with, and how many IDENTIFYs were used: by the fleet before, and by this client. */
export async function startReference(context: TourContext): Promise<{
  reference: ReferenceClient;
  fleetIdentifies: number;
  referenceIdentifies: number;
}> {
  const { options, discord, steps, clock } = context;
  const { emulator } = discord;
  const fleetIdentifies = discord.figures().identifies;
  const reference = new ReferenceClient(emulator.apiUrl, options.shards);
  context.atEnd(() => reference.close());
  await steps.run('starting a client that will never be restarted, to compare with', async () => {
    // Its IDENTIFYs have the same keys as the fleet's.
    await delay(clock, options.identifyWindow);
    await reference.login(emulator.token, emitted(discord));
  });
  return { reference, fleetIdentifies, referenceIdentifies: discord.figures().identifies - fleetIdentifies };
}

/** Events that sessions were given. */
function emitted(discord: Discord): number {
  return discord.figures().emitted;
}

/** What all nodes hold against what the one client holds. `lost`: shards whose caches died with their node. */
export async function compareCaches(
  { fleet, discord, steps, clock }: TourContext,
  reference: ReferenceClient,
  lost: ReadonlySet<number>,
): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), 'dso-demo-caches-'));
  let comparison: Comparison = { compared: 0, different: 0, examples: [] };
  try {
    await steps.run('comparing all caches, field by field', async () => {
      await waitFor(
        clock,
        'the client to have caught up',
        10_000,
        () => reference.events === emitted(discord) - reference.emittedBefore,
      );
      const { answers, failures } = await fleet.client.call({
        name: 'dump',
        args: JSON.stringify({ folder }),
        timeout: DUMP_TIMEOUT,
      });
      if (failures.length > 0) throw new Error(`Some nodes did not answer: ${JSON.stringify(failures)}`);
      comparison = await reference.compareWith(
        answers.map(({ value }) => String(value)),
        lost,
      );
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return comparison;
}
