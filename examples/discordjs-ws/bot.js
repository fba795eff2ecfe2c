/**
 * A bot on @discordjs/ws whose shards are the orchestrator's. It counts messages per guild, in memory, and the count
 * moves with the shard; to `!count` it answers.
 */
import { REST } from '@discordjs/rest';
import { createNode, UserEventRegistry } from '@dshard/node';
import { createWsHost } from '@dshard/node/ws';
import { GatewayDispatchEvents, GatewayIntentBits, Routes } from 'discord-api-types/v10';

/** Shard → guild → messages seen. */
const counts = new Map();

const countsOf = (shard) => {
  if (!counts.has(shard)) counts.set(shard, new Map());
  return counts.get(shard);
};

const userEvents = new UserEventRegistry().register(100, 'count');

// Discord's own unless DISCORD_API says otherwise: the emulator's, say.
const rest = new REST(process.env.DISCORD_API && { api: process.env.DISCORD_API }).setToken(process.env.DISCORD_TOKEN);

const host = createWsHost({
  token: process.env.DISCORD_TOKEN,
  intents: GatewayIntentBits.Guilds | GatewayIntentBits.GuildMessages | GatewayIntentBits.MessageContent,
  rest,
  async onDispatch(payload, shard) {
    if (payload.t !== GatewayDispatchEvents.MessageCreate) return;
    const { id, guild_id: guild, channel_id: channel, content, author } = payload.d;
    if (guild === undefined || author.bot) return;
    const count = (countsOf(shard).get(guild) ?? 0) + 1;
    countsOf(shard).set(guild, count);
    if (content !== '!count') return;
    const answer = `${count} messages so far, says process ${process.pid}`;
    await rest.post(Routes.channelMessages(channel), {
      body: { content: answer, message_reference: { message_id: id } },
    });
  },
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

const node = createNode({ host, userEvents });
process.once('SIGTERM', () => node.close());
await node.start();
