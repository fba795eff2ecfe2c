/** eris, as the host for clients needs to know it. */
import type { REST } from '@discordjs/rest';
import type { Client, ExtendedUser } from 'eris';
import { clientLogger } from '../client/client-logger.js';
import type { GatewaySettings } from '../client/client-host.js';
import type { Library } from '../client/orchestrate.js';
import { ErisPort } from './eris-port.js';

export function eris(client: Client): Library {
  return {
    name: 'eris',
    client,
    words: { login: 'connect()', destroy: 'disconnect()' },
    userName: () => client.user?.username,
    makePort: (hooks) => new ErisPort(client, hooks),
    settings: () => settingsOf(client),
    learnIdentity: () => learnIdentity(client),
    logger: clientLogger(client),
  };
}

function settingsOf(client: Client): GatewaySettings {
  const { options } = client;
  const { _token: token } = client as unknown as { _token: string };
  return {
    token: token.replace(/^Bot /u, ''),
    intents: options.intents as number,
    largeThreshold: options.largeThreshold ?? 250,
    // The gateway's address is asked for as eris does, with its proxies and limits.
    rest: { get: () => client.getBotGateway() } as unknown as REST,
  };
}

async function learnIdentity(client: Client): Promise<void> {
  const [self, application] = await Promise.all([
    client.getSelf(),
    client.requestHandler.request('GET', '/applications/@me', true) as Promise<{ id: string; flags?: number }>,
  ]);
  client.user = client.users.update(self, client) as ExtendedUser;
  client.application ??= { id: application.id, flags: application.flags ?? 0 };
}
