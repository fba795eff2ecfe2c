/** The options of `createDiscordenoHost`: what may be given, what it defaults to, what is refused. */
import type { GatewayManager } from '@discordeno/gateway';
import { delay, type Clock } from '@dshard/transport';
import { invalidOption } from '../../check-options.js';
import { resolveHandlerOptions, type HandlerOptions, type ResolvedHandlerOptions } from '../options.js';

/** What of the library's REST is used, to learn who the bot is. */
type Rest = { makeRequest(method: 'GET', route: string): Promise<unknown> };

export type DiscordenoHostOptions = HandlerOptions & {
  /**
   * What `createBot` returned; or `{ gateway }` with what `createGatewayManager` returned (then nobody can say who the
   * bot is in a process that is given running shards, and no ready comes there). Its `start()` is not called.
   */
  bot: { readonly gateway: GatewayManager; readonly rest?: Rest };
};

export type ResolvedDiscordenoOptions = ResolvedHandlerOptions & Pick<DiscordenoHostOptions, 'bot'>;

const WHERE = 'createDiscordenoHost';

/** Throws `DSO_NODE_OPTIONS_INVALID`. */
export function resolveDiscordenoOptions(options: DiscordenoHostOptions): ResolvedDiscordenoOptions {
  const resolved = resolveHandlerOptions(WHERE, options, ['bot']);
  const { bot } = options;
  if (typeof bot?.gateway?.shards?.set !== 'function') {
    throw invalidOption(WHERE, 'bot', 'must be what createBot() of discordeno returned, or { gateway }.');
  }
  return { ...resolved, bot };
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
