/** seyfert, as the host for clients needs to know it. */
import type { REST } from '@discordjs/rest';
import type { Logger } from '@dshard/transport';
import { Transformers } from 'seyfert';
import type { Client } from 'seyfert';
import type { GatewaySettings } from '../client/client-host.js';
import type { Library } from '../client/orchestrate.js';
import { SeyfertPort } from './seyfert-port.js';

export function seyfert(client: Client): Library {
  return {
    name: 'seyfert',
    client,
    words: { login: 'start()', destroy: 'gateway.disconnectAll()' },
    userName: () => (client.me as { username?: string } | undefined)?.username,
    makePort: (hooks) => new SeyfertPort(client, hooks),
    settings: () => settingsOf(client),
    learnIdentity: () => learnIdentity(client),
    logger: loggerOf(client),
  };
}

function settingsOf(client: Client): GatewaySettings {
  const { token, intents, presence, properties } = client.gateway.options;
  const initialPresence = presence?.(0);
  return {
    token,
    intents,
    ...(initialPresence && { initialPresence }),
    identifyProperties: properties,
    // As seyfert asks for it, with its proxies and limits.
    rest: { get: () => client.proxy.gateway.bot.get() } as unknown as REST,
  };
}

async function learnIdentity(client: Client): Promise<void> {
  const [user, application] = await Promise.all([
    client.proxy.users('@me').get(),
    client.proxy.applications('@me').get(),
  ]);
  client.botId = user.id;
  client.applicationId = application.id;
  client.me ??= Transformers.ClientUser(client, user, application);
}

function loggerOf({ logger }: Client): Logger {
  return {
    debug: (_, message) => logger.debug(message),
    info: (_, message) => logger.info(message),
    warn: (_, message) => logger.warn(message),
    error: (_, message) => logger.error(message),
  };
}
