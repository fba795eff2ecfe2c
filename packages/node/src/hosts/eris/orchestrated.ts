/**
 * The line that an eris bot changes:
 *
 *     const bot = orchestrated(new Client(token, { … }));
 *     await bot.connect();
 *
 * connect() takes the process to the orchestrator, which says from then on which shards run here; it resolves when the orchestrator has
 * taken it in, and `bot.user` is there. disconnect() hands the shards back with their sessions kept.
 */
import type { REST } from '@discordjs/rest';
import type { Logger } from '@dshard/transport';
import type { Client, ExtendedUser } from 'eris';
import type { GatewaySettings } from '../client/client-host.js';
import { orchestrate } from '../client/orchestrate.js';
import type { Library } from '../client/orchestrate.js';
import type { OrchestratedOptions } from '../client/options.js';
import { ErisPort } from './eris-port.js';

/** The client that it is given. Throws `DSO_NODE_OPTIONS_INVALID`. */
export function orchestrated<C extends Client>(client: C, options: OrchestratedOptions = {}): C {
  const ways = orchestrate(client, eris(client), options);
  if (ways !== null) {
    client.connect = ways.connect;
    client.disconnect = () => void ways.disconnect();
  }
  return client;
}

export function eris(client: Client): Library {
  return {
    name: 'eris',
    makePort: (hooks) => new ErisPort(client, hooks),
    settings: () => settingsOf(client),
    learnIdentity: () => learnIdentity(client),
    logger: loggerOf(client),
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

function loggerOf(client: Client): Logger {
  const debug = (_: unknown, message: string): void => void client.emit('debug', `[Orchestrated] ${message}`);
  const warn = (_: unknown, message: string): void => {
    // What an operator should see must not depend on a listener.
    if (!client.emit('warn', message)) process.emitWarning(message, 'DshardWarning');
  };
  return { debug, info: debug, warn, error: warn };
}
