/** Eris. Its REST speaks through `node:https` without a port: an agent takes it to the emulator, unencrypted. */
import { Agent } from 'node:http';
import { Client } from 'eris';
import { readOrder, say, sayDispatch, sayFailed, Sequences } from './client-channel.js';

const { apiUrl, token, intents, shards } = readOrder();
const { hostname, port } = new URL(apiUrl);
const agent = Object.assign(new Agent({ host: hostname, port: Number(port) }), { protocol: 'https:' });
const bot = new Client(`Bot ${token}`, {
  intents,
  maxShards: shards,
  shardConcurrency: 'auto',
  rest: { agent: agent as never },
});
const sequences = new Sequences();

bot.on('rawWS', (packet, shard) => {
  sequences.seen(shard, packet);
  if (packet.t === 'READY' || packet.t === 'RESUMED') sayDispatch(shard, packet);
});
bot.on('shardReady', () => {
  for (const id of bot.guilds.keys()) say({ kind: 'guild', id: String(id) });
});
bot.on('guildAvailable', ({ id }) => say({ kind: 'guild', id }));
bot.on('guildCreate', ({ id }) => say({ kind: 'guild', id }));
bot.on('messageCreate', ({ id }) => sequences.sayMessage(id));
bot.on('error', sayFailed);
await bot.connect();
