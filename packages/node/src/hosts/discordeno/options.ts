/** The options of `createDiscordenoHost`: what may be given, what it defaults to, what is refused. */
import type { GatewayManager } from '@discordeno/gateway';
import { delay, silentLogger, systemClock, systemRandom } from '@dshard/transport';
import type { Clock, Logger, Random } from '@dshard/transport';
import { checkStateHooks, invalidOption, refuseUnknownKeys } from '../../check-options.js';
import { resolveTimeouts } from '../../gateway-shard/options.js';
import type { GatewayTimeouts } from '../../gateway-shard/options.js';
import { leaveHooks } from '../user-code.js';
import type { LeaveHooks, StateHooks } from '../user-code.js';

/** What of the library's REST is used, to learn who the bot is. */
type Rest = { makeRequest(method: 'GET', route: string): Promise<unknown> };

export type DiscordenoHostOptions = LeaveHooks & {
  /**
   * What `createBot` returned; or `{ gateway }` with what `createGatewayManager` returned (then nobody can say who the
   * bot is in a process that is given running shards, and no ready comes there). Its `start()` is not called.
   */
  bot: { readonly gateway: GatewayManager; readonly rest?: Rest };
  /** The bot's own state per shard, to be moved with it. */
  state?: StateHooks;
  timeouts?: GatewayTimeouts;
  logger?: Logger;
  /** For tests. Default: the system's. */
  clock?: Clock;
  random?: Random;
};

export type ResolvedDiscordenoOptions = {
  readonly bot: DiscordenoHostOptions['bot'];
  readonly hooks: LeaveHooks;
  readonly state: StateHooks;
  readonly timeouts: Readonly<Required<GatewayTimeouts>>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
};

const WHERE = 'createDiscordenoHost';

const OPTION_KEYS: readonly (keyof DiscordenoHostOptions)[] = [
  'bot',
  'onLeaving',
  'onStays',
  'onMoved',
  'state',
  'timeouts',
  'logger',
  'clock',
  'random',
];

/** Throws `DSO_NODE_OPTIONS_INVALID`. */
export function resolveDiscordenoOptions(options: DiscordenoHostOptions): ResolvedDiscordenoOptions {
  refuseUnknownKeys(WHERE, options, OPTION_KEYS);
  const { bot, state, timeouts, logger, clock, random } = options;
  if (typeof bot?.gateway?.shards?.set !== 'function') {
    throw invalidOption(WHERE, 'bot', 'must be what createBot() of discordeno returned, or { gateway }.');
  }
  checkStateHooks(WHERE, state);
  return Object.freeze({
    bot,
    hooks: leaveHooks(options),
    state: state ?? {},
    timeouts: resolveTimeouts(WHERE, timeouts ?? {}),
    logger: logger ?? silentLogger,
    clock: clock ?? systemClock(),
    random: random ?? systemRandom(),
  });
}

/** For orchestrators that do not pace IDENTIFYs: one per key and 5 s, in this process. */
const WINDOW_MS = 5_000;

export type LocalThrottler = { waitForIdentify(shardId: number, signal: AbortSignal): Promise<void> };

const throttlers = new WeakMap<Clock, Map<number, Promise<void>>>();

export function localThrottler(clock: Clock, maxConcurrency: number): LocalThrottler {
  const turns = throttlers.get(clock) ?? new Map<number, Promise<void>>();
  throttlers.set(clock, turns);
  return {
    async waitForIdentify(shardId, signal) {
      const key = shardId % Math.max(1, maxConcurrency);
      const before = turns.get(key) ?? Promise.resolve();
      turns.set(
        key,
        before.then(() => delay(clock, WINDOW_MS)),
      );
      await before;
      signal.throwIfAborted();
    },
  };
}
