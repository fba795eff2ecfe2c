/**
 * A seyfert bot whose shards are the orchestrator's. It counts messages per guild, in memory, and the count moves with
 * the shard.
 */
import { orchestrated } from '@dshard/node/seyfert'; // ← one
import { ApiHandler, Client, createEvent } from 'seyfert';

const token = process.env.DISCORD_TOKEN;
// Discord's own unless DISCORD_API says otherwise: the emulator's, say.
const api = process.env.DISCORD_API;

/** Shard → guild → messages seen. */
const counts = new Map();

const countsOf = (shard) => {
  if (!counts.has(shard)) counts.set(shard, new Map());
  return counts.get(shard);
};

// ← two. What moves with a shard beside its guilds, and how it is taken in where it arrives.
const client = orchestrated(
  new Client({
    // Instead of a seyfert.config file. 1: guilds, 512: guild messages, 32768: message content.
    getRC: () => ({ token, intents: 1 | 512 | 32768, debug: false, locations: { base: '' } }),
  }),
  {
    exportShard: (shard) => [...countsOf(shard)],
    importShard: (shard, entries) => void counts.set(shard, new Map(entries)),
  },
);

if (api) client.setServices({ rest: new ApiHandler({ token, domain: new URL(api).origin, baseUrl: 'api/v10' }) });

client.events.set([
  createEvent({
    data: { name: 'messageCreate' },
    async run({ id, content, channelId, guildId, author }, _client, shard) {
      if (guildId === undefined || author.bot) return;
      const count = (countsOf(shard).get(guildId) ?? 0) + 1;
      countsOf(shard).set(guildId, count);
      if (content !== '!count') return;
      await client.messages.write(channelId, {
        content: `${count} messages so far, says process ${process.pid}`,
        message_reference: { message_id: id, fail_if_not_exists: false },
      });
    },
  }),
]);

process.once('SIGTERM', () => client.gateway.disconnectAll());
await client.start();
