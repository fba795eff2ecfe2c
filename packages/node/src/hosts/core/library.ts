/** @discordjs/core, as the host for clients needs to know it. */
import type { Client } from '@discordjs/core';
import type { WebSocketManager } from '@discordjs/ws';
import { clientLogger } from '../client/client-logger.js';
import type { GatewaySettings } from '../client/client-host.js';
import type { Library } from '../client/orchestrate.js';
import { CorePort } from './core-port.js';

export function core(client: Client): Library {
  return {
    name: '@discordjs/core',
    client,
    words: { login: 'gateway.connect()', destroy: 'gateway.destroy()' },
    userName: () => undefined,
    makePort: (hooks) => new CorePort(client, hooks),
    settings: () => settingsOf(client.gateway as WebSocketManager),
    // Its client does not know who it is.
    learnIdentity: () => Promise.resolve(),
    logger: clientLogger(client),
  };
}

function settingsOf({ options, token }: WebSocketManager): GatewaySettings {
  const { intents, rest, compression, identifyProperties, initialPresence, largeThreshold } = options;
  return { token, intents, rest, compression, identifyProperties, initialPresence, largeThreshold };
}
