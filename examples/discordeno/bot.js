/**
 * A discordeno bot whose shards are the orchestrator's. It counts messages per guild, in memory, and the count moves
 * with the shard.
 */
import { createBot, Intents } from '@discordeno/bot';
import { createNode, UserEventRegistry } from '@dshard/node';
import { createDiscordenoHost } from '@dshard/node/discordeno';

const token = process.env.DISCORD_TOKEN;
// Discord's own unless DISCORD_API says otherwise: the emulator's, say.
const api = process.env.DISCORD_API;

/** Shard → guild → messages seen. */
const counts = new Map();

const countsOf = (shard) => {
  if (!counts.has(shard)) counts.set(shard, new Map());
  return counts.get(shard);
};

const bot = createBot({
  token,
  intents: Intents.Guilds | Intents.GuildMessages | Intents.MessageContent,
  ...(api && { rest: { token, proxy: { baseUrl: api, authorization: `Bot ${token}` } } }),
  desiredProperties: {
    message: { id: true, content: true, channelId: true, guildId: true, author: true },
    user: { id: true, toggles: true },
  },
  events: {
    async messageCreate({ id, content, channelId, guildId, author }) {
      if (guildId === undefined || author.toggles?.bot === true) return;
      const shard = Number((guildId >> 22n) % BigInt(bot.gateway.totalShards));
      const count = (countsOf(shard).get(String(guildId)) ?? 0) + 1;
      countsOf(shard).set(String(guildId), count);
      if (content !== '!count') return;
      await bot.helpers.sendMessage(channelId, {
        content: `${count} messages so far, says process ${process.pid}`,
        messageReference: { messageId: id, failIfNotExists: false },
      });
    },
  },
});

// As bot.start() does; the rest of it is the orchestrator's.
bot.gateway.connection = await bot.rest.getSessionInfo();
bot.gateway.url = bot.gateway.connection.url;

const host = createDiscordenoHost({
  bot,
  // What moves with a shard, and how it is taken in where it arrives.
  state: {
    async exportDelta(shard, transfer) {
      for (const [guild, count] of countsOf(shard)) await transfer.send('count', { guild, count });
    },
    handleUserEvent: (shard, _name, { guild, count }) => countsOf(shard).set(guild, count),
    abortTransferTo: (shard) => counts.delete(shard),
    released: (shard) => counts.delete(shard),
  },
});

const node = createNode({ host, userEvents: new UserEventRegistry().register(100, 'count') });
process.once('SIGTERM', () => node.close());
await node.start();
