/**
 * `npm run bench -- node`: what the library costs a bot: processor time per event beside the same bot without it, and
 * memory. Both bots take turns under the same traffic; an idle one costs nothing but its heartbeats.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGatewayEmulator, type GatewayEmulator } from '@dshard/gateway-emulator';
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { medianOf } from '../median.js';
import type { BenchOrchestrator } from '../orchestrator.js';
import { atMost, figure, machine, ratioOf, tell, whole } from '../outcome.js';
import { Peer } from '../processes.js';
import type { BotAsked, BotOrder, BotSaying } from './messages.js';

type Flags = { runs: number; seconds: number; rate: number; shards: number; json?: true };
type Bot = Peer<BotAsked, BotSaying>;

const flags = new Command('bench -- node')
  .description('One discord.js bot alone and one under an orchestrator, in turn, with the same events.')
  .option('--runs <n>', 'turns of each', whole, 5)
  .option('--seconds <n>', 'of a turn', whole, 5)
  .option('--rate <n>', 'events a second', whole, 2_000)
  .option('--shards <n>', 'shards of each bot', whole, 8)
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const MAX_RATIO = 1.02;
const READY_WITHIN_MS = 60_000;
const WARM_UP_MS = 2_000;
const clock = systemClock();
const { shards } = flags;
const world = { shards, guilds: 20 * shards, members: 20, maxConcurrency: shards, identifyWindowMs: 500 };

/** `us`: microseconds of CPU per event, turn by turn. */
type Side = { gateway: GatewayEmulator; bot: Bot; us: number[]; rssMb: number };

console.error(machine());
const folder = mkdtempSync(join(tmpdir(), 'dshard-bench-node-'));
const closing: (() => Promise<unknown>)[] = [];
try {
  const sides = { alone: await side(false), underOne: await side(true) };
  for (let run = 0; run <= flags.runs; run += 1) {
    // The first turn warms the compilers up.
    for (const each of Object.values(sides)) await turn(each, run > 0);
  }
  const [bare, ours] = [medianOf(sides.alone.us), medianOf(sides.underOne.us)];
  tell(
    {
      name: 'node',
      runs: flags.runs,
      targets: [
        atMost('processor time per event against discord.js alone', ratioOf(ours, bare), MAX_RATIO),
        figure('discord.js alone: microseconds per event', bare),
        figure('under an orchestrator: microseconds per event', ours),
        figure('discord.js alone: memory, MB', sides.alone.rssMb),
        figure('under an orchestrator: memory, MB', sides.underOne.rssMb),
      ],
    },
    flags,
  );
} finally {
  for (const close of closing.toReversed()) await close();
  rmSync(folder, { recursive: true, force: true });
}

async function side(underOne: boolean): Promise<Side> {
  const gateway = await startGatewayEmulator(world);
  closing.push(() => gateway.close());
  const { apiUrl: api, token } = gateway;
  const order: BotOrder = { api, token, orchestrator: underOne ? await startOrchestrator(gateway) : null };
  const bot: Bot = new Peer(new URL('./bot.js', import.meta.url), order);
  closing.push(() => bot.end('SIGKILL'));
  const until = clock.monotonicMs() + READY_WITHIN_MS;
  while (!(await isReady(bot))) {
    if (clock.monotonicMs() > until) throw new Error('The bot was not ready in time.');
    await delay(clock, 100);
  }
  return { gateway, bot, us: [], rssMb: 0 };
}

async function startOrchestrator({ apiUrl: api, token }: GatewayEmulator): Promise<string> {
  const order: BenchOrchestrator = { listen: '127.0.0.1:0', shards, folder, discord: { api, token } };
  const orchestrator = new Peer<object, { address: string }>(new URL('./orchestrator.js', import.meta.url), order);
  closing.push(() => orchestrator.end('SIGKILL'));
  return (await orchestrator.hear()).address;
}

async function isReady(bot: Bot): Promise<boolean> {
  bot.tell({ do: 'isReady' });
  const saying = await bot.hear();
  return saying.kind === 'ready' && saying.isReady;
}

async function turn(side: Side, counts: boolean): Promise<void> {
  const { gateway, bot } = side;
  gateway.traffic.start(flags.rate);
  await delay(clock, WARM_UP_MS);
  await usageOf(bot);
  await delay(clock, flags.seconds * 1_000);
  const { events, cpuMs, rssMb } = await usageOf(bot);
  gateway.traffic.stop();
  if (events === 0) throw new Error('The bot had no event.');
  if (counts) side.us.push((cpuMs * 1_000) / events);
  side.rssMb = rssMb;
}

async function usageOf(bot: Bot): Promise<Extract<BotSaying, { kind: 'usage' }>> {
  bot.tell({ do: 'usage' });
  const saying = await bot.hear();
  if (saying.kind !== 'usage') throw new Error('The bot did not say what it took.');
  return saying;
}
