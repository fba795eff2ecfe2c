/**
 * The sharding strategy of an orchestrated client: the gateway's manager inside discord.js sends and asks through it as
 * usual. Which shards there are is the orchestrator's to say; `connect` and `destroy` are the client's login() and
 * destroy().
 */
import type { Logger } from '@dshard/transport';
import { Collection, Events, type Client } from 'discord.js';
import type { ShardPool } from '../../gateway-shard/shard-pool.js';
import { statusOf } from '../ws/library.js';
import type { Strategy } from './gateway-manager.js';

export type StrategyHooks = {
  shards: () => ShardPool;
  send: (shardId: number, payload: Parameters<Strategy['send']>[1]) => void;
  login: () => Promise<void>;
  destroy: () => Promise<void>;
};

export function orchestratedStrategy({ shards, send, login, destroy }: StrategyHooks): Strategy {
  let loggedIn = false;
  return {
    // Only ever asked for the shards that login() was given, and those are none.
    spawn: () => Promise.resolve(),
    connect: async () => {
      loggedIn = true;
      await login();
    },
    // The manager also calls it before it connects, to be sure that nothing is left.
    destroy: async () => {
      if (loggedIn) await destroy();
    },
    // discord.js does not wait for it, and has no answer to a rejection.
    send: async (shardId, payload) => send(shardId, payload),
    fetchStatus: async () => {
      return new Collection(
        [...shards().all].map(([shardId, { link }]) => [shardId, statusOf(link)]),
      ) as unknown as Awaited<ReturnType<Strategy['fetchStatus']>>;
    },
  };
}

/** Where the node of a client writes without a logger of the bot's: to the client's own "debug" and "warn". */
export function clientLogger(client: Client): Logger {
  const debug = (_: unknown, message: string): void => void client.emit(Events.Debug, `[Orchestrated] ${message}`);
  const warn = (_: unknown, message: string): void => {
    // What an operator should see must not depend on a listener.
    if (!client.emit(Events.Warn, message)) {
      process.emitWarning(message, 'DshardWarning');
    }
  };
  return { debug, info: debug, warn, error: warn };
}
