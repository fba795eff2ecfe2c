/** A bot that counts messages: with discord.js alone, or under an orchestrator. It is the same bot but for one line. */
import { orchestrated } from '@dshard/node/discordjs';
import { silentLogger } from '@dshard/transport';
import { Client, Events, GatewayIntentBits } from 'discord.js';
import { orderVariable } from '../processes.js';
import type { BotAsked, BotOrder, BotSaying } from './messages.js';

const { api, token, orchestrator } = JSON.parse(process.env[orderVariable] ?? '{}') as BotOrder;
const client = new Client({
  ...(orchestrator === null
    ? { shards: 'auto' }
    : orchestrated({ orchestrator, logger: silentLogger, exitOnShutdown: false })),
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
  rest: { api },
});
let events = 0;
client.on(Events.MessageCreate, () => (events += 1));

const say = (saying: BotSaying): void => void process.send?.(saying);
let last = process.cpuUsage();
process.on('message', (asked: BotAsked) => {
  if (asked.do === 'isReady') return say({ kind: 'ready', isReady: client.isReady() });
  const cpu = process.cpuUsage();
  const cpuMs = (cpu.user - last.user + cpu.system - last.system) / 1_000;
  say({ kind: 'usage', events, cpuMs, rssMb: Math.round(process.memoryUsage.rss() / 1_048_576) });
  last = cpu;
  events = 0;
});
await client.login(token);
