/** What a bot's code sees are discord.js' own types, unchanged. `tsc` is what judges here, in `npm run check`. */
import { Client, GatewayIntentBits } from 'discord.js';
import type { ChatInputCommandInteraction, ClientEvents, ClientOptions, Guild, Message, Snowflake } from 'discord.js';
import type { Collection } from 'discord.js';
import { expectTypeOf, test } from 'vitest';
import type { DshardNode } from '../../../src/index.js';
import { nodeOf, orchestrated } from '../../../src/hosts/discordjs/index.js';
import type { OrchestratedOptions } from '../../../src/hosts/discordjs/index.js';

test('the options are what a client takes, and a client made with them is a client', async () => {
  expectTypeOf(orchestrated).parameter(0).toEqualTypeOf<OrchestratedOptions | undefined>();
  expectTypeOf(orchestrated()).toExtend<Partial<ClientOptions>>();
  expectTypeOf(orchestrated()).toEqualTypeOf<Pick<ClientOptions, 'ws' | 'rest'>>();
  const client = new Client({ ...orchestrated(), intents: [GatewayIntentBits.Guilds] });
  expectTypeOf(client).toEqualTypeOf<Client>();
  expectTypeOf<Client['login']>().returns.toEqualTypeOf<Promise<string>>();
  expectTypeOf(client.guilds.cache).toEqualTypeOf<Collection<Snowflake, Guild>>();
  client.on('messageCreate', (message) => expectTypeOf(message).toEqualTypeOf<ClientEvents['messageCreate'][0]>());
  client.on('clientReady', (ready) => expectTypeOf(ready).toEqualTypeOf<Client<true>>());
  client.on('interactionCreate', (interaction) => {
    if (interaction.isChatInputCommand()) {
      expectTypeOf(interaction).toExtend<ChatInputCommandInteraction>();
    }
  });
  expectTypeOf<ClientEvents['messageCreate'][0]>().toExtend<Message>();
  expectTypeOf(nodeOf(client)).toEqualTypeOf<DshardNode | null>();
  await client.destroy();
});

test('what would take the shards out of the orchestrator’s hands is refused by the types already', () => {
  expectTypeOf<OrchestratedOptions>().not.toHaveProperty('host');
  expectTypeOf<NonNullable<OrchestratedOptions['ws']>>().not.toHaveProperty('buildStrategy');
});
