/**
 * A discord.js bot with a prefix command and a slash command. Two lines make it one whose shards move between
 * processes: the import, and `...orchestrated()`. The guilds, channels, members, … move by themselves; the bot's own
 * counter moves by two callbacks.
 *
 * `node bot.js` without an orchestrator runs it as any discord.js bot.
 */
import { orchestrated } from '@dshard/node/discordjs';
import { Client, Events, GatewayIntentBits } from 'discord.js';

/** Guild → messages seen. */
const counts = new Map();

const client = new Client({
  ...orchestrated({
    exportShard: (shard) => [...counts].filter(([guild]) => client.guilds.cache.get(guild)?.shardId === shard),
    importShard: (_shard, entries) => entries.forEach(([guild, count]) => counts.set(guild, count)),
  }),
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent],
  // Discord's own unless DISCORD_API says otherwise: the emulator's, say.
  ...(process.env.DISCORD_API && { rest: { api: process.env.DISCORD_API } }),
});

client.once(Events.ClientReady, async (ready) => {
  console.log(`Ready as ${ready.user.tag}, process ${process.pid}`);
  await ready.application.commands.set([{ name: 'count', description: 'How many messages this server has had' }]);
});

const answer = (guild) => `${counts.get(guild) ?? 0} messages so far, says process ${process.pid}`;

client.on(Events.MessageCreate, async (message) => {
  if (!message.guildId || message.author.bot) return;
  counts.set(message.guildId, (counts.get(message.guildId) ?? 0) + 1);
  if (message.content === '!count') await message.reply(answer(message.guildId));
});

client.on(Events.InteractionCreate, async (interaction) => {
  if (interaction.isChatInputCommand()) await interaction.reply(answer(interaction.guildId));
});

client.on(Events.Error, console.error);
process.once('SIGTERM', () => client.destroy());

await client.login(process.env.DISCORD_TOKEN);
