/**
 * The client process: one library, started as its README says but for the addresses, tells the suite what reaches user
 * code. `node client.js <package>`; each library is imported only in the process that runs it.
 */
import { Agent } from 'node:http';
import https from 'node:https';
import { createConnection, type Socket } from 'node:net';
import { readOrder, say, sayDispatch, sayFailed, Sequences, type ClientOrder } from './client-channel.js';

type Packet = { t: string | null; s: number | null; d: unknown };

/** What is told of a raw packet where messages reach user code as objects: sessions, and the sequence of a message. */
function noting(sequences: Sequences): (packet: Packet, shard: number) => void {
  return (packet, shard) => {
    sequences.seen(shard, packet);
    if (packet.t === 'READY' || packet.t === 'RESUMED') sayDispatch(shard, packet);
  };
}

async function runDiscordJs({ apiUrl, token, intents, shards }: ClientOrder): Promise<void> {
  const { Client, Events } = await import('discord.js');
  const client = new Client({ intents, shardCount: shards, rest: { api: apiUrl } });
  const sequences = new Sequences();
  client.on(Events.Raw, noting(sequences));
  client.on(Events.GuildAvailable, (guild) => say({ kind: 'guild', id: guild.id }));
  client.on(Events.GuildCreate, (guild) => say({ kind: 'guild', id: guild.id }));
  client.once(Events.ClientReady, () => {
    for (const id of client.guilds.cache.keys()) say({ kind: 'guild', id });
  });
  client.on(Events.MessageCreate, (message) => sequences.sayMessage(message.id));
  client.on(Events.Error, sayFailed);
  client.on(Events.ShardError, sayFailed);
  await client.login(token);
}

async function runDiscordJsWs({ apiUrl, token, intents, shards }: ClientOrder): Promise<void> {
  const { REST } = await import('@discordjs/rest');
  const { WebSocketManager, WebSocketShardEvents } = await import('@discordjs/ws');
  const rest = new REST({ api: apiUrl }).setToken(token);
  const manager = new WebSocketManager({ token, intents, rest, shardCount: shards });
  manager.on(WebSocketShardEvents.Dispatch, (payload, shard) => sayDispatch(shard, payload));
  manager.on(WebSocketShardEvents.Error, sayFailed);
  await manager.connect();
}

/** Its REST speaks through `node:https` without a port: an agent takes it to the emulator, unencrypted. */
async function runEris({ apiUrl, token, intents, shards }: ClientOrder): Promise<void> {
  const { Client } = await import('eris');
  const { hostname, port } = new URL(apiUrl);
  const agent = Object.assign(new Agent({ host: hostname, port: Number(port) }), { protocol: 'https:' });
  const bot = new Client(`Bot ${token}`, {
    intents,
    maxShards: shards,
    shardConcurrency: 'auto',
    rest: { agent: agent as never },
  });
  const sequences = new Sequences();
  const note = noting(sequences);
  bot.on('rawWS', (packet, shard) => note(packet as Packet, shard));
  bot.on('shardReady', () => {
    for (const id of bot.guilds.keys()) say({ kind: 'guild', id: String(id) });
  });
  bot.on('guildAvailable', ({ id }) => say({ kind: 'guild', id }));
  bot.on('guildCreate', ({ id }) => say({ kind: 'guild', id }));
  bot.on('messageCreate', ({ id }) => sequences.sayMessage(id));
  bot.on('error', sayFailed);
  await bot.connect();
}

async function runOceanic({ apiUrl, token, intents, shards }: ClientOrder): Promise<void> {
  const { Client } = await import('oceanic.js');
  const client = new Client({
    auth: `Bot ${token}`,
    rest: { baseURL: `${apiUrl}/v10` },
    gateway: { intents, maxShards: shards, concurrency: 'auto' },
  });
  const sequences = new Sequences();
  const note = noting(sequences);
  client.on('packet', (packet, shard) => note(packet as Packet, shard));
  client.on('shardReady', () => {
    for (const id of client.guilds.keys()) say({ kind: 'guild', id });
  });
  client.on('guildAvailable', ({ id }) => say({ kind: 'guild', id }));
  client.on('guildCreate', ({ id }) => say({ kind: 'guild', id }));
  client.on('messageCreate', ({ id }) => sequences.sayMessage(id));
  client.on('error', sayFailed);
  await client.connect();
}

async function runDiscordeno({ apiUrl, token, intents }: ClientOrder): Promise<void> {
  const { createGatewayManager } = await import('@discordeno/gateway');
  const answer = await fetch(`${apiUrl}/v10/gateway/bot`, { headers: { authorization: `Bot ${token}` } });
  const bot = (await answer.json()) as {
    url: string;
    shards: number;
    session_start_limit: { total: number; remaining: number; reset_after: number; max_concurrency: number };
  };
  const { total, remaining, reset_after: resetAfter, max_concurrency: maxConcurrency } = bot.session_start_limit;
  const gateway = createGatewayManager({
    token,
    intents,
    preferSnakeCase: true,
    connection: {
      url: bot.url,
      shards: bot.shards,
      sessionStartLimit: { total, remaining, resetAfter, maxConcurrency },
    },
    events: { message: (shard, payload) => sayDispatch(shard.id, payload) },
  });
  await gateway.spawnShards();
}

/**
 * Its websocket speaks through `node:https` to port 443 of the host, whatever the URL says: the process's agent for
 * https takes it to the emulator, unencrypted. The gateway goes by a name of its own, so that the agent can tell it
 * from the resume host.
 */
async function runSeyfert({ apiUrl, gatewayUrl, resumePort, token, intents }: ClientOrder): Promise<void> {
  const { ApiHandler, ShardManager } = await import('seyfert');
  const gatewayPort = Number(new URL(gatewayUrl).port);
  const gatewayName = 'gateway.emulated';
  class ToEmulator extends Agent {
    readonly protocol = 'https:';
    createConnection(options: { host?: string | null }): Socket {
      return createConnection(options.host === gatewayName ? gatewayPort : resumePort, '127.0.0.1');
    }
  }
  https.globalAgent = new ToEmulator() as unknown as https.Agent;
  const rest = new ApiHandler({ token, domain: new URL(apiUrl).origin, baseUrl: 'api/v10' });
  const info = await rest.proxy.gateway.bot.get();
  const manager = new ShardManager({
    token,
    intents,
    info: { ...info, url: `wss://${gatewayName}` },
    handlePayload: (shard, packet) => sayDispatch(shard, packet),
  });
  await manager.spawnShards();
}

const runs: Readonly<Record<string, (order: ClientOrder) => Promise<void>>> = {
  'discord.js': runDiscordJs,
  '@discordjs/ws': runDiscordJsWs,
  eris: runEris,
  'oceanic.js': runOceanic,
  '@discordeno/gateway': runDiscordeno,
  seyfert: runSeyfert,
};

const [, , library = ''] = process.argv;
const run = runs[library];
if (run === undefined)
  throw new RangeError(`There is no client for "${library}"; there is ${Object.keys(runs).join(', ')}.`);
await run(readOrder());
