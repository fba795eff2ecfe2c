/** A discord.js bot that says how much memory it takes, and how much processor time it has spent. */
import { orchestrated } from '@dshard/node/discordjs';
import { Client, Events, GatewayIntentBits } from 'discord.js';
import { orderVariable } from '../processes.js';
import type { BotOrder, BotReading } from './messages.js';

const { api, token, shards } = JSON.parse(process.env[orderVariable] ?? '{}') as BotOrder;
const client = new Client({
  ...orchestrated(),
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
  rest: { api },
  shards: Array.from({ length: shards }, (_, shard) => shard),
  shardCount: shards,
});
let messages = 0;
client.on(Events.MessageCreate, () => (messages += 1));
client.once(Events.ClientReady, () => process.send?.(read()));
process.on('message', () => process.send?.(read()));
process.once('disconnect', () => process.exit(0));
await client.login(token);

/** Memory after a collection: what the caches hold, and not what waits to be freed. */
function read(): BotReading {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  return { rssMb: process.memoryUsage.rss() / 1e6, cpuMs: (user + system) / 1_000, messages };
}
