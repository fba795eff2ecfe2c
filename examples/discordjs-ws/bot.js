/**
 * A bot on @discordjs/ws whose shards are the orchestrator's. It counts messages per guild, in memory, and the count moves
 * with the shard.
 */
import { createNode, UserEventRegistry } from '@dshard/node';
import { createWsHost } from '@dshard/node/ws';
import { GatewayDispatchEvents, GatewayIntentBits } from 'discord-api-types/v10';

/** Shard → guild → messages seen. */
const counts = new Map();

const countsOf = (shard) => {
  if (!counts.has(shard)) counts.set(shard, new Map());
  return counts.get(shard);
};

const userEvents = new UserEventRegistry().register(100, 'count');

const host = createWsHost({
  token: process.env.DISCORD_TOKEN,
  intents: GatewayIntentBits.Guilds | GatewayIntentBits.GuildMessages,
  // Discord's own unless DISCORD_API says otherwise: the emulator's, say.
  ...(process.env.DISCORD_API && { api: process.env.DISCORD_API }),
  onDispatch(payload, shard) {
    if (payload.t !== GatewayDispatchEvents.MessageCreate) return;
    const guild = payload.d.guild_id;
    const count = (countsOf(shard).get(guild) ?? 0) + 1;
    countsOf(shard).set(guild, count);
    if (count % 10 === 0) console.log(`shard ${shard}: message ${count} of guild ${guild}`);
  },
  // What moves with a shard, and how it is taken in where it arrives.
  state: {
    async transferFrom(shard, transfer) {
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
