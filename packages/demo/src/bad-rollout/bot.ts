/**
 * The bot of scenario `bad-rollout`: an ordinary discord.js bot that counts messages per guild and takes the counters
 * along with its shards. Its first version is fine; each of the others has a fault that is found out only when it runs.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { isRedelivered, nodeOf, orchestrated } from '@dshard/node/discordjs';
import { systemClock } from '@dshard/transport';
import { Client, Events, GatewayIntentBits } from 'discord.js';
import { GuildCounters, type GuildCounts } from '../discordjs/client-state.js';
import { HandledReports } from '../reports.js';
import { DIES_AFTER_MS, FAULTY, UNWELL_AFTER_MS, UNWELL_BECAUSE } from './faults.js';

const clock = systemClock();
const version = readFileSync(setting('DEMO_VERSION_FILE'), 'utf8').trim();
// So that the demo can look whether a process is left over.
appendFileSync(setting('DEMO_PROCESSES_FILE'), `${process.pid} ${version}\n`);
const counters = new GuildCounters();
const reports = new HandledReports(setting('DEMO_HANDLED_FILE'), () => nodeOf(client)?.nodeId ?? 'a bot');
let readySince: number | null = null;

const client = new Client({
  ...orchestrated({
    version,
    health: () => {
      const isUnwell = readySince !== null && clock.monotonicMs() - readySince > UNWELL_AFTER_MS;
      return version === FAULTY.unwell && isUnwell ? UNWELL_BECAUSE : true;
    },
    exportShard: (shard) => counters.take(guildIdsOf(shard)),
    importShard: (_, state) => {
      if (version === FAULTY.import) throw new TypeError("Cannot read properties of undefined (reading 'guilds')");
      counters.put(state as GuildCounts);
    },
  }),
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
  rest: { api: setting('DISCORD_API') },
});

client.once(Events.ClientReady, () => {
  readySince = clock.monotonicMs();
  if (version !== FAULTY.dies) return;
  clock.after(DIES_AFTER_MS, () => {
    throw new Error('The cache of the new version is not what it expected.');
  });
});

client.on(Events.MessageCreate, ({ id, guildId }) => {
  if (guildId !== null) counters.count(guildId);
  const redelivered = isRedelivered(client) && { redelivered: true };
  reports.add({ ...place, id, at: clock.monotonicMs(), ...redelivered });
});

/** Where in its session the event is that is being told. */
let place = { shard: 0, s: 0, t: '' };
client.on(Events.Raw, (packet: { t: string; s: number }, shard: number) => {
  place = { shard, s: packet.s, t: packet.t };
});

function guildIdsOf(shard: number): string[] {
  return client.guilds.cache.filter((guild) => guild.shardId === shard).map(({ id }) => id);
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`The demo's bot needs ${name} in its environment.`);
  return value;
}

const token = setting('DISCORD_TOKEN');
// A token that was turned over, and forgotten in the settings of the new version.
await client.login(version === FAULTY.login ? `${token}-of-before` : token);
