/** oceanic.js, as the host for clients needs to know it. */
import type { REST } from '@discordjs/rest';
import type { Client, ExtendedUser } from 'oceanic.js';
import { clientLogger } from '../client/client-logger.js';
import type { GatewaySettings } from '../client/client-host.js';
import type { Library } from '../client/orchestrate.js';
import { OceanicPort } from './oceanic-port.js';

type Identity = { _user?: ExtendedUser; _application?: unknown };

export function oceanic(client: Client): Library {
  return {
    name: 'oceanic.js',
    client,
    words: { login: 'connect()', destroy: 'disconnect()' },
    userName: () => (client as unknown as Identity)._user?.tag,
    makePort: (hooks) => new OceanicPort(client, hooks),
    settings: () => settingsOf(client),
    learnIdentity: () => learnIdentity(client),
    logger: clientLogger(client),
  };
}

function settingsOf(client: Client): GatewaySettings {
  const { intents, largeThreshold, presence, connectionProperties } = client.shards.options;
  return {
    token: (client.options.auth ?? '').replace(/^Bot /u, ''),
    intents,
    largeThreshold,
    initialPresence: { ...presence, since: null } as unknown as NonNullable<GatewaySettings['initialPresence']>,
    identifyProperties: connectionProperties as NonNullable<GatewaySettings['identifyProperties']>,
    rest: { get: () => gatewayInfo(client) } as unknown as REST,
  };
}

/** As oceanic.js asks for it, with its proxies and limits. */
async function gatewayInfo(client: Client): Promise<unknown> {
  const { url, shards, sessionStartLimit: limit } = await client.rest.getBotGateway();
  const { total, remaining, resetAfter, maxConcurrency } = limit;
  const session_start_limit = { total, remaining, reset_after: resetAfter, max_concurrency: maxConcurrency };
  return { url, shards, session_start_limit };
}

/** As its `restMode()` does. */
async function learnIdentity(client: Client): Promise<void> {
  const identity = client as unknown as Identity;
  const [application, user] = await Promise.all([
    client.rest.applications.getCurrent(),
    client.rest.oauth.getCurrentUser(),
  ]);
  identity._application ??= application;
  identity._user ??= client.users.add(user);
}
