/** oceanic.js. */
import { Client } from 'oceanic.js';
import { readOrder, say, sayDispatch, sayFailed, Sequences } from './client-channel.js';

const { apiUrl, token, intents, shards } = readOrder();
const client = new Client({
  auth: `Bot ${token}`,
  rest: { baseURL: `${apiUrl}/v10` },
  gateway: { intents, maxShards: shards, concurrency: 'auto' },
});
const sequences = new Sequences();

client.on('packet', (packet, shard) => {
  sequences.seen(shard, packet);
  if (packet.t === 'READY' || packet.t === 'RESUMED') sayDispatch(shard, packet);
});
client.on('shardReady', () => {
  for (const id of client.guilds.keys()) say({ kind: 'guild', id });
});
client.on('guildAvailable', ({ id }) => say({ kind: 'guild', id }));
client.on('guildCreate', ({ id }) => say({ kind: 'guild', id }));
client.on('messageCreate', ({ id }) => sequences.sayMessage(id));
client.on('error', sayFailed);
await client.connect();
