/**
 * The demo's discord.js bot: an ordinary one, with a prefix command and a slash command that tell how many messages a
 * guild has had, one that takes 8 s, and what most bots do when they are ready: a presence, its commands, the members
 * of a guild. It runs under the orchestrator by two lines, and takes its counters along with its shards by two
 * callbacks. Everything else in this file tells the demo what was handled, and how long a frozen shard waited for
 * handlers.
 */
import { once } from 'node:events';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { isRedelivered, nodeOf, orchestrated } from '@dshard/node/discordjs';
import { delay, systemClock } from '@dshard/transport';
import { Client, Events, GatewayIntentBits } from 'discord.js';
import { HandledReports, reportWait } from '../reports.js';
import { dumpOf, GuildCounters, type GuildCounts } from './client-state.js';
import { LONG_COMMAND_MS } from './commands.js';

const clock = systemClock();
const counters = new GuildCounters();
const reports = new HandledReports(setting('DEMO_HANDLED_FILE'), () => nodeOf(client)?.nodeId ?? 'a bot');

const client = new Client({
  ...orchestrated({
    version: readFileSync(setting('DEMO_VERSION_FILE'), 'utf8').trim(),
    exitOnShutdown: false,
    ws: { large_threshold: 250 },
    exportShard: (shard) => counters.take(guildIdsOf(shard)),
    importShard: (_, state) => counters.put(state as GuildCounts),
  }),
  intents: Object.values(GatewayIntentBits).filter((bit) => typeof bit === 'number'),
  rest: { api: setting('DISCORD_API') },
});

client.once(Events.ClientReady, async (ready) => {
  ready.user.setActivity('with shards');
  await ready.application.commands.set([
    { name: 'count', description: 'How many messages this server has had' },
    { name: 'ask', description: 'Thinks for a while' },
  ]);
  await ready.guilds.cache.find(({ id }) => isFirstAsk(id))?.members.fetch();
});

/** Of all processes: Discord answers for a guild once in 30 s. */
function isFirstAsk(guildId: string): boolean {
  try {
    writeFileSync(`${setting('DEMO_ASKED_FILES')}-${guildId}`, '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

client.on(Events.MessageCreate, async (message) => {
  handled(message.id);
  if (message.guildId === null) return;
  const count = counters.count(message.guildId);
  if (message.content === '!count') await message.reply(`${count} messages so far`);
});

client.on(Events.InteractionCreate, async (interaction) => {
  handled(interaction.id);
  if (!interaction.isChatInputCommand() || interaction.guildId === null) return;
  if (interaction.commandName === 'ask') {
    await interaction.deferReply();
    await delay(clock, LONG_COMMAND_MS);
    await interaction.editReply(`That was in ${interaction.guild?.name ?? 'a guild that is lost'}`);
    return;
  }
  await interaction.reply(`${counters.of(interaction.guildId)} messages so far`);
});

client.on(Events.Error, (error) => console.error(error));
client.on(Events.Warn, (message) => console.error(message));

/** Where the event stands that is being emitted, as its packet said. */
let place = { shard: 0, s: 0, t: '' };

client.on(Events.Raw, (packet: { t: string; s: number }, shard: number) => {
  place = { shard, s: packet.s, t: packet.t };
  const own = ['MESSAGE_CREATE', 'INTERACTION_CREATE', 'READY', 'RESUMED', 'GUILD_CREATE', 'GUILD_MEMBERS_CHUNK'];
  if (packet.s > 0 && !own.includes(packet.t)) handled('');
});

function handled(id: string): void {
  const at = clock.monotonicMs();
  // What Discord gives no id of its own is known by its place in the session.
  const session = { sessionId: sessionOf(place.shard) };
  reports.add({ ...place, id, at, ...(id === '' && session), ...(isRedelivered(client) && { redelivered: true }) });
}

function sessionOf(shard: number): string {
  const shown = client.ws.shards.get(shard) as unknown as { sessionInfo: { sessionId: string } | null } | undefined;
  return shown?.sessionInfo?.sessionId ?? '';
}

function guildIdsOf(shard: number): string[] {
  return client.guilds.cache.filter((guild) => guild.shardId === shard).map(({ id }) => id);
}

await client.login(setting('DISCORD_TOKEN'));
const node = nodeOf(client);
if (node === null) throw new Error("The demo's bot was started without an orchestrator.");

/** Since when a shard is frozen and waits for handlers. */
const frozenSince = new Map<number, number>();

node.on('shards', (shards) => {
  for (const [shard, kind] of shards) {
    const since = frozenSince.get(shard);
    if (kind === 'freezing') {
      if (since === undefined) frozenSince.set(shard, clock.monotonicMs());
    } else if (since !== undefined) {
      frozenSince.delete(shard);
      reportWait(setting('DEMO_WAITS_FILE'), { shard, ms: clock.monotonicMs() - since });
    }
  }
});

// Asked over and over while shards move (fleet-calls.ts).
node.fleet.handle('shards', (_, { shards }) => shards);

// What comes before is kept by discord.js, and `place` says nothing of it.
node.fleet.handle('isReady', () => client.isReady());

// What all clients hold, for the comparison.
node.fleet.handle('dump', async ({ folder }: { folder: string }) => {
  const file = `${folder}/${node.nodeId}.jsonl`;
  const out = createWriteStream(file);
  for (const guild of client.guilds.cache.values()) {
    if (!out.write(`${JSON.stringify(dumpOf(client, guild, counters))}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  return file;
});

process.once('SIGTERM', () => void client.destroy());
await node.closed;
await client.destroy();
reports.close();

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`The demo's bot needs ${name} in its environment.`);
  return value;
}
