/**
 * A bot on @discordjs/core whose shards are the orchestrator's. It counts messages per guild, in memory; the count
 * moves with the shard.
 */
import { Client, GatewayDispatchEvents, GatewayIntentBits } from '@discordjs/core';
import { REST } from '@discordjs/rest';
import { WebSocketManager } from '@discordjs/ws';
import { orchestrated } from '@dshard/node/core'; // ← one

const token = process.env.DISCORD_TOKEN;
// Discord's own unless DISCORD_API says otherwise: the emulator's, say.
const api = process.env.DISCORD_API;

/** Shard → guild → messages seen. */
const counts = new Map();

const countsOf = (shard) => {
  if (!counts.has(shard)) counts.set(shard, new Map());
  return counts.get(shard);
};

const rest = new REST({ version: '10', ...(api && { api }) }).setToken(token);
const gateway = new WebSocketManager({
  token,
  intents: GatewayIntentBits.Guilds | GatewayIntentBits.GuildMessages | GatewayIntentBits.MessageContent,
  rest,
});

// ← two. What moves with a shard, and how it is taken in where it arrives.
const client = orchestrated(new Client({ rest, gateway }), {
  exportShard: (shard) => [...countsOf(shard)],
  importShard: (shard, entries) => void counts.set(shard, new Map(entries)),
});

client.on(GatewayDispatchEvents.MessageCreate, async ({ data, api: discord, shardId }) => {
  if (data.guild_id === undefined || data.author.bot) return;
  const count = (countsOf(shardId).get(data.guild_id) ?? 0) + 1;
  countsOf(shardId).set(data.guild_id, count);
  if (data.content !== '!count') return;
  await discord.channels.createMessage(data.channel_id, {
    content: `${count} messages so far, says process ${process.pid}`,
    message_reference: { message_id: data.id, fail_if_not_exists: false },
  });
});

process.once('SIGTERM', () => gateway.destroy());
await gateway.connect();
