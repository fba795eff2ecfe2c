/** The options of `createWsHost`: what they default to, what is refused. */
import { REST } from '@discordjs/rest';
import type { CreateWebSocketManagerOptions } from '@discordjs/ws';
import { invalidOption, picked } from '../../check-options.js';
import { resolveHandlerOptions, type ResolvedHandlerOptions } from '../options.js';
import type { WsHostOptions, WsPassthrough } from './options.js';

export type ResolvedWsOptions = ResolvedHandlerOptions & {
  readonly onDispatch: NonNullable<WsHostOptions['onDispatch']>;
  readonly token: string;
  readonly intents: CreateWebSocketManagerOptions['intents'];
  readonly rest: REST;
  readonly passthrough: WsPassthrough;
};

const WHERE = 'createWsHost';

const PASSTHROUGH = ['compression', 'identifyProperties', 'initialPresence', 'largeThreshold', 'version'] as const;
const OWN_KEYS = ['token', 'intents', 'rest', 'api', 'onDispatch', ...PASSTHROUGH] as const;

/** Throws `DSO_NODE_OPTIONS_INVALID`. */
export function resolveWsOptions(options: WsHostOptions): ResolvedWsOptions {
  const resolved = resolveHandlerOptions(WHERE, options, OWN_KEYS);
  const { token, intents, rest, api, onDispatch } = options;
  if (typeof token !== 'string' || token === '') {
    throw invalidOption(WHERE, 'token', "is missing; it is the bot's token from Discord's developer portal.");
  }
  if (intents === undefined) {
    throw invalidOption(WHERE, 'intents', 'is missing; give the sum of the GatewayIntentBits the bot needs, or 0.');
  }
  if (rest !== undefined && api !== undefined) {
    throw invalidOption(WHERE, 'api', 'has no effect together with "rest"; give the address to that client.');
  }
  return {
    ...resolved,
    token,
    intents,
    rest: rest ?? new REST(api === undefined ? {} : { api }).setToken(token),
    passthrough: picked(options, PASSTHROUGH),
    onDispatch: onDispatch ?? ((): void => undefined),
  };
}
