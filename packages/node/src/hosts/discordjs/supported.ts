/**
 * Which versions of discord.js the host can run with. Each place where the host goes beyond the documented surface (see
 * internals.ts) is looked for, by its name, when a client logs in and before anything connects: what a version lacks is
 * said in the refusal. The range of versions that were seen to work is the peer range of this package; `npm run
 * discordjs:versions` finds it out.
 *
 * The exports that only some versions have are taken from the namespace: an import of their names would keep the whole
 * program from starting, with a SyntaxError that names neither us nor a way out.
 */
import { createRequire } from 'node:module';
import * as discordJs from 'discord.js';
import type { Client } from 'discord.js';
import { NodeError } from '../../errors.js';

export const SimpleIdentifyThrottler: typeof discordJs.SimpleIdentifyThrottler = discordJs.SimpleIdentifyThrottler;
export const Status: typeof discordJs.Status = discordJs.Status;
export const WebSocketShard: typeof discordJs.WebSocketShard = discordJs.WebSocketShard;

/** As the peer range of this package has it. */
export const SUPPORTED_RANGE = '^14.10.2';

const IN_MANAGER: readonly (readonly [string, string])[] = [
  ['status', 'number'],
  ['destroyed', 'boolean'],
  ['checkShardsReady', 'function'],
  ['triggerClientReady', 'function'],
  ['handlePacket', 'function'],
];

const CLASSES = [
  'Client',
  'ClientApplication',
  'ClientUser',
  'Guild',
  'Message',
  'SimpleIdentifyThrottler',
  'WebSocketShard',
] as const;

/** By the class that has them. */
const METHODS: readonly (readonly [string, readonly string[]])[] = [
  ['Guild', ['_patch']],
  ['GuildManager', ['_add']],
  ['GuildMemberManager', ['_add', '_fetchMany']],
  ['PresenceManager', ['_add']],
  ['ThreadMemberManager', ['_add']],
  ['UserManager', ['_add']],
  ['WebSocketShard', ['checkReady', 'onReadyPacket']],
];

/** `client`: null when there is none yet. Throws `DSO_DISCORDJS_UNSUPPORTED`. */
export function checkSupported(client: Client | null): void {
  const missing = [...(client === null ? [] : missingInManager(client)), ...missingExports(), ...missingInside()];
  if (missing.length > 0) {
    throw unsupported(`has no ${missing.join(', ')}`);
  }
}

export function unsupported(what: string, cause?: unknown): NodeError {
  return new NodeError(
    'DSO_DISCORDJS_UNSUPPORTED',
    `discord.js ${discordJs.version} ${what}, which @dshard/node/discordjs needs. Install discord.js@${SUPPORTED_RANGE}, or a ` +
      'newer @dshard/node.',
    { cause },
  );
}

function missingInManager({ ws }: Client): readonly string[] {
  const manager = ws as unknown as Record<string, unknown>;
  return [
    ...(manager['shards'] instanceof Map ? [] : ['client.ws.shards']),
    ...('_ws' in manager ? [] : ['client.ws._ws']),
    ...(Array.isArray(manager['packetQueue']) ? [] : ['client.ws.packetQueue']),
    ...IN_MANAGER.filter(([name, type]) => typeof manager[name] !== type).map(([name]) => `client.ws.${name}`),
  ];
}

function missingExports(): readonly string[] {
  const exported = discordJs as unknown as Readonly<Record<string, unknown>>;
  const prototypeOf = (name: string): Readonly<Record<string, unknown>> => {
    const found = exported[name];
    return typeof found === 'function' ? (found.prototype as Readonly<Record<string, unknown>>) : {};
  };
  return [
    ...CLASSES.filter((name) => typeof exported[name] !== 'function'),
    ...METHODS.flatMap(([name, methods]) =>
      methods
        .filter((method) => typeof prototypeOf(name)[method] !== 'function')
        .map((method) => `${name}#${method}()`),
    ),
  ];
}

/** The connections are those of the @discordjs/ws inside, found from where discord.js finds it. */
function missingInside(): readonly string[] {
  try {
    createRequire(createRequire(import.meta.url).resolve('discord.js')).resolve('@discordjs/ws');
    return [];
  } catch {
    return ['@discordjs/ws inside'];
  }
}
