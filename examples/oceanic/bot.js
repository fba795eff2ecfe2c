/**
 * An oceanic.js bot whose shards are the orchestrator's. It counts messages per guild, in memory, and the count moves
 * with the shard.
 */
import { orchestrated } from '@dshard/node/oceanic'; // ← one
import { Client } from 'oceanic.js';

// Discord's own unless DISCORD_API says otherwise: the emulator's, say.
const api = process.env.DISCORD_API;

/** Guild → messages seen. */
const counts = new Map();

// ← two. What moves with a shard beside its guilds, and how it is taken in where it arrives.
const client = orchestrated(
  new Client({
    auth: `Bot ${process.env.DISCORD_TOKEN}`,
    gateway: { intents: ['GUILDS', 'GUILD_MESSAGES', 'MESSAGE_CONTENT'] },
    ...(api && { rest: { baseURL: `${api}/v10` } }),
  }),
  {
    exportShard: (shard) => [...counts].filter(([guild]) => client.guilds.get(guild)?.shard.id === shard),
    importShard: (_shard, entries) => entries.forEach(([guild, count]) => counts.set(guild, count)),
  },
);

client.on('messageCreate', async ({ id, content, channelID, guildID, author }) => {
  if (guildID === null || author.bot) return;
  const count = (counts.get(guildID) ?? 0) + 1;
  counts.set(guildID, count);
  if (content !== '!count') return;
  await client.rest.channels.createMessage(channelID, {
    content: `${count} messages so far, says process ${process.pid}`,
    messageReference: { messageID: id, failIfNotExists: false },
  });
});

client.on('error', (error) => console.error(error));
process.once('SIGTERM', () => client.disconnect());
await client.connect();
