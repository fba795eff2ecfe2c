/**
 * The sharding strategy of an orchestrated client: the gateway's manager inside discord.js sends and asks through it as usual. Which
 * shards there are is the orchestrator's to say; `connect` and `destroy` are the client's login() and destroy().
 */
import { Collection } from 'discord.js';
import { NodeError } from '../../errors.js';
import type { ShardPool } from '../../gateway-shard/shard-pool.js';
import { statusOf } from '../ws/library.js';
import type { Strategy } from './gateway-manager.js';

export type StrategyHooks = {
  shards: () => ShardPool;
  login: () => Promise<void>;
  destroy: () => Promise<void>;
};

export function orchestratedStrategy({ shards, login, destroy }: StrategyHooks): Strategy {
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
    send: async (shardId, payload) => {
      const shard = shards().all.get(shardId);
      if (shard === undefined) {
        throw new NodeError(
          'DSO_SHARD_NOT_HOSTED',
          `Shard ${shardId} does not run in this process, so nothing was sent.`,
        );
      }
      await shard.send(payload);
    },
    fetchStatus: async () => {
      return new Collection(
        [...shards().all].map(([shardId, { link }]) => [shardId, statusOf(link)]),
      ) as unknown as Awaited<ReturnType<Strategy['fetchStatus']>>;
    },
  };
}
