/** discord.js 14. */
import { Client, Events } from 'discord.js';
import { readOrder, say, sayDispatch, sayFailed, Sequences } from './client-channel.js';

const { apiUrl, token, intents, shards } = readOrder();
const client = new Client({ intents, shardCount: shards, rest: { api: apiUrl } });
const sequences = new Sequences();

client.on(Events.Raw, (packet: { t: string | null; s: number | null; d: unknown }, shard: number) => {
  sequences.seen(shard, packet);
  if (packet.t === 'READY' || packet.t === 'RESUMED') sayDispatch(shard, packet);
});
client.on(Events.GuildAvailable, (guild) => say({ kind: 'guild', id: guild.id }));
client.on(Events.GuildCreate, (guild) => say({ kind: 'guild', id: guild.id }));
client.once(Events.ClientReady, () => {
  for (const id of client.guilds.cache.keys()) say({ kind: 'guild', id });
});
client.on(Events.MessageCreate, (message) => sequences.sayMessage(message.id));
client.on(Events.Error, sayFailed);
client.on(Events.ShardError, sayFailed);
await client.login(token);
