/** The options of `createWsHost`: what may be given, what it defaults to, what is refused. */
import { REST } from '@discordjs/rest';
import type { CreateWebSocketManagerOptions } from '@discordjs/ws';
import { silentLogger, systemClock, systemRandom } from '@dshard/transport';
import type { Clock, Logger, Random } from '@dshard/transport';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';
import { invalidOption, refuseUnknownKeys } from '../../check-options.js';
import { resolveTimeouts } from '../gateway/gateway-options.js';
import type { Delivery, GatewayOptions, GatewayTimeouts } from '../gateway/gateway-options.js';
import type { StateHooks } from '../gateway/state-hooks.js';

/** What of @discordjs/ws is passed on as it is. */
type Passthrough = Pick<
  CreateWebSocketManagerOptions,
  'compression' | 'identifyProperties' | 'initialPresence' | 'largeThreshold' | 'version'
>;

export type WsHostOptions = Passthrough & {
  /** The bot's token. */
  token: string;
  intents: CreateWebSocketManagerOptions['intents'];
  /** The REST client to ask for the gateway's address. Default: one made from `token` and `api`. */
  rest?: REST;
  /** The API's address for that default client, e.g. http://127.0.0.1:8080/api. Default: Discord's. */
  api?: string;
  /**
   * Called with every dispatch, in order, before `manager` emits it. When it returns a promise, a shard that leaves waits for it,
   * so that nothing is half done when the other node goes on. `redelivered`: a node that was lost may have handled it before.
   */
  onDispatch?: (payload: GatewayDispatchPayload, shardId: number, delivery: Delivery) => void | Promise<void>;
  /** The bot's own state per shard, to be moved with it. */
  state?: StateHooks;
  timeouts?: GatewayTimeouts;
  logger?: Logger;
  /** For tests. Default: the system's. */
  clock?: Clock;
  random?: Random;
};

export type ResolvedWsOptions = GatewayOptions & {
  readonly token: string;
  readonly intents: CreateWebSocketManagerOptions['intents'];
  readonly rest: REST;
  readonly passthrough: Passthrough;
  readonly state: StateHooks;
};

const WHERE = 'createWsHost';

const OPTION_KEYS: readonly (keyof WsHostOptions)[] = [
  'token',
  'intents',
  'rest',
  'api',
  'onDispatch',
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
  if (options.state?.exportState !== undefined && options.state.exportDelta === undefined) {
    throw invalidOption(WHERE, 'state', 'has exportState and no exportDelta, so what changes meanwhile would be lost.');
  }
  if (options.rest !== undefined && options.api !== undefined) {
    throw invalidOption(WHERE, 'api', 'has no effect together with "rest"; give the address to that client.');
  }
  const { token, intents, rest, api, onDispatch, state, timeouts, logger, clock, random, ...passthrough } = options;
  return Object.freeze({
    token,
    intents,
    rest: rest ?? new REST(api === undefined ? {} : { api }).setToken(token),
    passthrough,
    onDispatch: onDispatch ?? ((): void => undefined),
    state: state ?? {},
    timeouts: resolveTimeouts(WHERE, timeouts ?? {}),
    logger: logger ?? silentLogger,
    clock: clock ?? systemClock(),
    random: random ?? systemRandom(),
  });
}
