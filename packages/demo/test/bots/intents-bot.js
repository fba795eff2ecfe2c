/** A discord.js bot as most begin: two lines for the orchestrator, and an intent that Discord has to grant. */
import { orchestrated } from '@dshard/node/discordjs';
import { Client, GatewayIntentBits } from 'discord.js';

const { Guilds, GuildMessages, MessageContent } = GatewayIntentBits;

const client = new Client({
  ...orchestrated({ version: 'v1' }),
  intents: [Guilds, GuildMessages, MessageContent],
  rest: { api: process.env.DISCORD_API },
});

client.on('error', () => undefined);
await client.login(process.env.DISCORD_TOKEN);
