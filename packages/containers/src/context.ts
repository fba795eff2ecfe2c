/** What both tours are made of: Discord, containers, an orchestrator's REST interface, a client to compare with. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type OrchestratorClient, ReferenceClient, type Steps, waitFor } from '@dshard/demo';
import { delay, type Clock } from '@dshard/transport';
import { REPORTS_FOLDER, WORLD, type ContainersDiscord } from './discord.js';
import type { Engine } from './engine.js';
import type { CacheFigures } from './verdict.js';

const START_TIMEOUT_MS = 180_000;
const DUMP_TIMEOUT = '120s';
const LIVELY = { messages: 10, reactions: 1, presences: 3, voice: 3, members: 2, typing: 1 };
export const BETWEEN_STEPS_MS = 1_500;

export type Context = {
  readonly clock: Clock;
  readonly steps: Steps;
  readonly engine: Engine;
  readonly world: ContainersDiscord;
  readonly client: OrchestratorClient;
};

export async function allShardsUp({ clock, client, world }: Context): Promise<void> {
  await waitFor(clock, 'all shards to be up', START_TIMEOUT_MS, async () => {
    const status = await client.status().catch(() => null);
    const { shards } = WORLD;
    return status?.conditionCounts.up === shards && world.discord.readyShards() >= shards;
  });
}

/** Who runs what, on which connection: nobody noticed anything if it is the same afterwards. */
export async function standing({ client, world }: Context): Promise<string> {
  const { nodes } = await client.status();
  const runs = nodes.flatMap(({ id, shards }) => shards.map((shard) => `${shard.id} on ${id}`)).toSorted();
  return `${runs.join(', ')}; ${world.discord.figures().attaches} connections to Discord so far`;
}

/** Traffic flows from then on. `identifies`: of that client. */
export async function startComparison(
  context: Context,
): Promise<{ reference: ReferenceClient; identifies: number } & AsyncDisposable> {
  const { clock, world, steps } = context;
  const { discord } = world;
  const before = discord.figures().identifies;
  const reference = new ReferenceClient(discord.emulator.apiUrl, WORLD.shards);
  await steps.run('starting a client that is never restarted, to compare with', async () => {
    // Its IDENTIFYs have the same keys as the bot's.
    await delay(clock, WORLD.identifyWindow);
    await reference.login(discord.token, discord.figures().emitted);
  });
  discord.emulator.traffic.setMix(LIVELY);
  discord.startTraffic();
  await steps.run(`${WORLD.rate} events a second begin to flow`, () => delay(clock, BETWEEN_STEPS_MS));
  return {
    reference,
    identifies: discord.figures().identifies - before,
    [Symbol.asyncDispose]: () => reference.close(),
  };
}

/** Ends the traffic, waits for the last event, and compares what all bots hold with what the client holds. */
export async function compareCaches(
  { clock, steps, world, client }: Context,
  reference: ReferenceClient,
): Promise<CacheFigures> {
  const { discord, reports } = world;
  await steps.run('waiting for the last event to be handled', async () => {
    discord.stopTraffic();
    // In vain is fine here: the verdict says what is missing.
    await waitFor(clock, 'the last event', 10_000, () => discord.nothingOnItsWay()).catch(() => undefined);
  });
  const folder = 'caches';
  mkdirSync(join(reports, folder), { recursive: true });
  chmodSync(join(reports, folder), 0o777);
  let figures: CacheFigures = { compared: 0, different: 0, examples: [] };
  await steps.run('comparing all caches, field by field', async () => {
    await waitFor(
      clock,
      'the client to have caught up',
      10_000,
      () => reference.events === discord.figures().emitted - reference.emittedBefore,
    );
    const args = JSON.stringify({ folder: `${REPORTS_FOLDER}/${folder}` });
    const { answers, failures } = await client.call({ name: 'dump', args, timeout: DUMP_TIMEOUT });
    if (failures.length > 0) throw new Error(`Some bots did not answer: ${JSON.stringify(failures)}`);
    const files = answers.map(({ value }) => String(value).replace(REPORTS_FOLDER, reports));
    figures = await reference.compareWith(files, new Set());
  });
  return figures;
}
