/**
 * An eris bot whose shards are the orchestrator's. It counts messages per guild, in memory, and the count moves with
 * the shard.
 */
import http from 'node:http';
import { orchestrated } from '@dshard/node/eris'; // ← one
import { Client } from 'eris';

// Discord's own unless DISCORD_API says otherwise: the emulator's, say. eris speaks HTTPS whatever it is told; this
// agent does not.
const api = process.env.DISCORD_API && new URL(process.env.DISCORD_API);
const agent = api && Object.assign(new http.Agent({ host: api.hostname, port: api.port }), { protocol: 'https:' });

/** Guild → messages seen. */
const counts = new Map();

const client = new Client(`Bot ${process.env.DISCORD_TOKEN}`, {
  intents: ['guilds', 'guildMessages', 'messageContent'],
  ...(agent && { rest: { agent } }),
});

// ← two. What moves with a shard beside its guilds, and how it is taken in where it arrives.
const bot = orchestrated(client, {
  exportShard: (shard) => [...counts].filter(([guild]) => client.guilds.get(guild)?.shard.id === shard),
  importShard: (_shard, entries) => entries.forEach(([guild, count]) => counts.set(guild, count)),
});

bot.on('messageCreate', async ({ id, content, channel, guildID, author }) => {
  if (guildID === undefined || author.bot) return;
  const count = (counts.get(guildID) ?? 0) + 1;
  counts.set(guildID, count);
  if (content !== '!count') return;
  await bot.createMessage(channel.id, {
    content: `${count} messages so far, says process ${process.pid}`,
    messageReference: { messageID: id, failIfNotExists: false },
  });
});

bot.on('error', (error) => console.error(error));
process.once('SIGTERM', () => bot.disconnect());
await bot.connect();
