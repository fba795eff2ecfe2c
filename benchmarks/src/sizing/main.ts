/**
 * `npm run bench -- sizing`: what one process of a discord.js bot takes, by guilds and by messages. A bot does more
 * with a message than this bot, which counts: the figures are what is left when a bot does nothing.
 */
import { startGatewayEmulator } from '@dshard/gateway-emulator';
import { delay, systemClock } from '@dshard/transport';
import { Command } from 'commander';
import { figure, machine, tell, whole, type Target } from '../outcome.js';
import { Peer } from '../processes.js';
import type { BotOrder, BotReading } from './messages.js';

type Flags = { guilds: number[]; members: number; rate: number; seconds: number; quick?: true; json?: true };
type Sized = { guilds: number; shards: number; rssMb: number; cpuShare: number; rate: number };

const GUILDS_PER_SHARD = 1_000;
const BOT = new URL('bot.js', import.meta.url);

const flags = new Command('bench -- sizing')
  .description(
    'One process of a discord.js bot, with more and more guilds: its memory, and its processor time under traffic.',
  )
  .option(
    '--guilds <list>',
    'how many guilds, one run each',
    (text) => text.split(',').map(Number),
    [100, 1_000, 4_000],
  )
  .option('--members <n>', 'members of each guild that the bot is told of', whole, 20)
  .option('--rate <n>', 'messages a second', whole, 500)
  .option('--seconds <n>', 'how long', whole, 10)
  .option('--quick', 'two small runs')
  .option('--json', 'the last line is the outcome as JSON')
  .parse()
  .opts<Flags>();

const clock = systemClock();
const { members, rate } = flags;
const seconds = flags.quick === true ? 2 : flags.seconds;
console.error(`Guilds of ${members} members, ${rate} messages a second for ${seconds} s; ${machine()}.`);
const runs: Sized[] = [];
for (const guilds of flags.quick === true ? [100, 500] : flags.guilds) runs.push(await measure(guilds));
tell({ name: 'sizing', ok: true, runs, targets: targets() }, flags);

async function measure(guilds: number): Promise<Sized> {
  const shards = Math.ceil(guilds / GUILDS_PER_SHARD);
  const gateway = await startGatewayEmulator({ shards, guilds, members, maxConcurrency: 16 }, { clock });
  const order: BotOrder = { api: gateway.apiUrl, token: gateway.token, shards };
  const bot = new Peer<'read', BotReading>(BOT, order);
  try {
    const idle = await bot.hear();
    gateway.traffic.start(rate);
    await delay(clock, seconds * 1_000);
    gateway.traffic.stop();
    bot.tell('read');
    const busy = await bot.hear();
    const cpuShare = (busy.cpuMs - idle.cpuMs) / (seconds * 1_000);
    return { guilds, shards, rssMb: Math.round(idle.rssMb), cpuShare, rate: Math.round(busy.messages / seconds) };
  } finally {
    await bot.end();
    await gateway.close();
  }
}

function targets(): Target[] {
  const [least, most] = [runs.at(0), runs.at(-1)];
  if (least === undefined || most === undefined) return [];
  const perThousand = ((most.rssMb - least.rssMb) / (most.guilds - least.guilds)) * 1_000;
  return [
    ...runs.flatMap(({ guilds, shards, rssMb, cpuShare }) => [
      figure(`${guilds} guilds on ${shards} shards: memory, MB`, rssMb),
      figure(`${guilds} guilds: of one core at ${rate} messages a second, %`, Math.round(cpuShare * 100)),
    ]),
    figure('memory for 1,000 guilds more, MB', Math.round(perThousand)),
  ];
}
