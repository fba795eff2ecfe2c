/**
 * The same discord.js bot under each manager: an ordinary one, that does nothing with a message but to say that its own
 * code got the message. BENCH_MANAGER says which lines the manager asks for.
 */
import { orchestrated } from '@dshard/node/discordjs';
import { systemClock } from '@dshard/transport';
import { ClusterClient, getInfo } from 'discord-hybrid-sharding';
import { Client, Events, GatewayIntentBits, type ClientOptions } from 'discord.js';
import { appendFileSync } from 'node:fs';
import type { ManagerName } from './managers.js';

const clock = systemClock();
const handledFile = setting('BENCH_HANDLED_FILE');
const manager = setting('BENCH_MANAGER') as ManagerName;

const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
  rest: { api: setting('DISCORD_API') },
  ...linesFor(manager),
});

function linesFor(name: ManagerName): Partial<ClientOptions> {
  switch (name) {
    case 'ShardingManager':
      return {};
    case 'discord-hybrid-sharding': {
      const { SHARD_LIST, TOTAL_SHARDS } = getInfo();
      return { shards: SHARD_LIST, shardCount: TOTAL_SHARDS };
    }
    case 'dshardorchestrator':
      return orchestrated();
  }
}

/** Where the message stands that is being emitted. */
let place = { shard: 0, s: 0, t: '' };
client.on(Events.Raw, (packet: { t: string; s: number }, shard: number) => {
  place = { shard, s: packet.s, t: packet.t };
});
const listen = (): void => {
  client.on(Events.MessageCreate, ({ id }) => {
    const event = { ...place, id, at: clock.monotonicMs() };
    // In the turn in which it is handled: what a process handled before it is killed is known.
    appendFileSync(handledFile, `${JSON.stringify({ node: `process ${process.pid}`, event })}\n`);
  });
};

if (manager === 'discord-hybrid-sharding') {
  // As its README says: it is told when the client is ready, and says from when on this process is to listen.
  const cluster = new ClusterClient(client);
  client.once(Events.ClientReady, () => cluster.triggerReady());
  cluster.once('ready', listen);
} else {
  listen();
}

await client.login(setting('DISCORD_TOKEN'));

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`The bot of the benchmark needs ${name}.`);
  return value;
}
