/** The options that hosts have in common: what they default to, what is refused. */
import { silentLogger, systemClock, systemRandom, type Clock, type Logger, type Random } from '@dshard/transport';
import { checkPair, checkStateHooks, picked, refuseUnknownKeys } from '../check-options.js';
import { resolveTimeouts, type GatewayOptions, type GatewayTimeouts } from '../gateway-shard/options.js';
import { NODE_OPTION_KEYS, type NodeOptions } from '../options.js';
import type { LeaveHooks, StateHooks } from './user-code.js';

/** Of the hosts that know the bot's own code as handlers. */
export type HandlerOptions = LeaveHooks & {
  /** The bot's own state per shard, to be moved with it. */
  state?: StateHooks;
  timeouts?: GatewayTimeouts;
  logger?: Logger;
  /** For tests. Default: the system's. */
  clock?: Clock;
  random?: Random;
};

export type ResolvedHandlerOptions = Omit<GatewayOptions, 'deliver'> & {
  readonly hooks: LeaveHooks;
  readonly state: StateHooks;
};

const HANDLER_KEYS = [
  'onLeaving',
  'onStays',
  'onMoved',
  'onMissed',
  'state',
  'timeouts',
  'logger',
  'clock',
  'random',
] as const;

/** `own`: the other options of this host. Throws `DSO_NODE_OPTIONS_INVALID`. */
export function resolveHandlerOptions(
  where: string,
  options: HandlerOptions,
  own: readonly string[],
): ResolvedHandlerOptions {
  refuseUnknownKeys(where, options, [...own, ...HANDLER_KEYS]);
  const { onLeaving, onStays, onMoved, onMissed, state = {}, timeouts = {} } = options;
  checkStateHooks(where, state);
  return {
    hooks: {
      ...(onLeaving && { onLeaving }),
      ...(onStays && { onStays }),
      ...(onMoved && { onMoved }),
      ...(onMissed && { onMissed }),
    },
    state,
    timeouts: resolveTimeouts(where, timeouts),
    ...surroundings(options),
  };
}

type Surroundings = Pick<GatewayOptions, 'logger' | 'clock' | 'random'>;

/** What a bot gives the host, or the system's. */
export function surroundings({
  logger,
  clock,
  random,
}: { [Name in keyof Surroundings]?: Surroundings[Name] | undefined }): Surroundings {
  return { logger: logger ?? silentLogger, clock: clock ?? systemClock(), random: random ?? systemRandom() };
}

/** Of `orchestrated`: those of the node, and the bot's own state. The guilds of a shard move by themselves. */
export type ClientOptions = Omit<NodeOptions, 'host'> & {
  /** The bot's own state of a shard, a value that MessagePack can carry; taken when no event is handed out any more. */
  exportShard?: (shardId: number) => unknown;
  /** Gets that value where the shard goes on: its guilds are in the caches, and no event has come yet. */
  importShard?: (shardId: number, state: unknown) => void | Promise<void>;
  /** For much state: by user events (`userEvents`), copied while the shard serves. Instead of the above, or besides. */
  state?: StateHooks;
};

const ORCHESTRATED = 'orchestrated';

/** `own`: the other options of this library. Throws `DSO_NODE_OPTIONS_INVALID`. */
export function checkClientOptions(options: ClientOptions, own: readonly string[]): void {
  refuseUnknownKeys(ORCHESTRATED, options, [...NODE_OPTION_KEYS, 'exportShard', 'importShard', 'state', ...own]);
  checkPair(ORCHESTRATED, options, ['exportShard', 'importShard']);
  checkStateHooks(ORCHESTRATED, options.state);
}

/** The options of the node alone. */
export function nodeOptions(options: ClientOptions): Omit<NodeOptions, 'host'> {
  return picked(options, NODE_OPTION_KEYS);
}
