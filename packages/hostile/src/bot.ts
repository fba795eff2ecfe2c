/**
 * A bot as people write it, on discord.js, @discordjs/ws or discordeno: the processes of one fleet take turns. Each
 * reaches the orchestrator by a way of its own, so that who stands in between knows whom it speaks to.
 */
import { writeFileSync } from 'node:fs';
import { createBot, Intents } from '@discordeno/bot';
import { createNode } from '@dshard/node';
import { createDiscordenoHost } from '@dshard/node/discordeno';
import { orchestrated } from '@dshard/node/discordjs';
import { createWsHost } from '@dshard/node/ws';
import { Client, GatewayIntentBits } from 'discord.js';

const warnings = { debug: () => undefined, info: () => undefined, warn: say, error: say };
const token = setting('DISCORD_TOKEN');
const api = setting('DISCORD_API');
const ways = setting('DEMO_WAYS').split(' ');
const slot = ways.findIndex((_, each) => isMine(each));
const orchestrator = ways[slot];
if (orchestrator === undefined) throw new Error('All places are taken.');

switch (slot % 3) {
  case 0: {
    const client = new Client({
      ...orchestrated({ orchestrator, exitOnShutdown: true }),
      intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
      rest: { api },
    });
    await client.login(token);
    break;
  }
  case 1: {
    const intents = GatewayIntentBits.Guilds | GatewayIntentBits.GuildMessages;
    const node = createNode({ host: createWsHost({ token, api, intents, onDispatch: () => undefined }), orchestrator });
    node.fleet.handle('shards', (_, { shards }) => shards);
    await node.start();
    break;
  }
  default: {
    const { url } = (await (
      await fetch(`${api}/gateway/bot`, { headers: { authorization: `Bot ${token}` } })
    ).json()) as {
      url: string;
    };
    const bot = createBot({
      // The library reads the bot's id from the token.
      token: `${Buffer.from('123456789012345678').toString('base64')}.x.y`,
      gateway: { token, url },
      intents: Intents.Guilds | Intents.GuildMessages,
      desiredProperties: {},
      rest: { token, proxy: { baseUrl: api, authorization: `Bot ${token}` } },
      events: {},
    });
    await createNode({ host: createDiscordenoHost({ bot, logger: warnings }), orchestrator }).start();
  }
}

/** Into the log of the process. */
function say(_fields: Record<string, unknown>, message: string): void {
  process.stderr.write(`${message}\n`);
}

function isMine(place: number): boolean {
  try {
    writeFileSync(`${setting('DEMO_ASKED_FILES')}-place-${place}`, '', { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`The bot needs ${name} in its environment.`);
  return value;
}
