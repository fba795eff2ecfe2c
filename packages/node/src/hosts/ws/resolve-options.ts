/** The options of `createWsHost`: what they default to, what is refused. */
import { REST } from '@discordjs/rest';
import type { CreateWebSocketManagerOptions } from '@discordjs/ws';
import { silentLogger, systemClock, systemRandom } from '@dshard/transport';
import { checkStateHooks, invalidOption, refuseUnknownKeys } from '../../check-options.js';
import type { GatewayOptions } from '../../gateway-shard/options.js';
import { leaveHooks } from '../user-code.js';
import type { LeaveHooks, StateHooks } from '../user-code.js';
import { resolveTimeouts } from '../../gateway-shard/options.js';
import type { WsHostOptions, WsPassthrough } from './options.js';

export type ResolvedWsOptions = Omit<GatewayOptions, 'deliver'> & {
  readonly onDispatch: NonNullable<WsHostOptions['onDispatch']>;
  readonly token: string;
  readonly intents: CreateWebSocketManagerOptions['intents'];
  readonly rest: REST;
  readonly passthrough: WsPassthrough;
  readonly hooks: LeaveHooks;
  readonly state: StateHooks;
};

const WHERE = 'createWsHost';

const OPTION_KEYS: readonly (keyof WsHostOptions)[] = [
  'token',
  'intents',
  'rest',
  'api',
  'onDispatch',
  'onLeaving',
  'onStays',
  'onMoved',
  'state',
  'timeouts',
  'logger',
  'clock',
  'random',
  'compression',
  'identifyProperties',
  'initialPresence',
  'largeThreshold',
  'version',
];

/** Throws `DSO_NODE_OPTIONS_INVALID`. */
export function resolveWsOptions(options: WsHostOptions): ResolvedWsOptions {
  refuseUnknownKeys(WHERE, options, OPTION_KEYS);
  if (typeof options.token !== 'string' || options.token === '') {
    throw invalidOption(WHERE, 'token', "is missing; it is the bot's token from Discord's developer portal.");
  }
  if (options.intents === undefined) {
    throw invalidOption(WHERE, 'intents', 'is missing; give the sum of the GatewayIntentBits the bot needs, or 0.');
  }
  checkStateHooks(WHERE, options.state);
  if (options.rest !== undefined && options.api !== undefined) {
    throw invalidOption(WHERE, 'api', 'has no effect together with "rest"; give the address to that client.');
  }
  const { token, intents, rest, api, onDispatch, onLeaving, onStays, onMoved, ...others } = options;
  const { state, timeouts, logger, clock, random, ...passthrough } = others;
  return Object.freeze({
    token,
    intents,
    rest: rest ?? new REST(api === undefined ? {} : { api }).setToken(token),
    passthrough,
    onDispatch: onDispatch ?? ((): void => undefined),
    hooks: leaveHooks({ onLeaving, onStays, onMoved }),
    state: state ?? {},
    timeouts: resolveTimeouts(WHERE, timeouts ?? {}),
    logger: logger ?? silentLogger,
    clock: clock ?? systemClock(),
    random: random ?? systemRandom(),
  });
}
