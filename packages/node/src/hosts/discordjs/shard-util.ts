/**
 * `client.shard`, for code that was written for a bot under ShardingManager: the same words, answered by the fleet. A
 * process has whichever shards the orchestrator gave it, so `ids` changes as shards come and go.
 */
import type { Client, ShardClientUtil } from 'discord.js';
import { NodeError } from '../../errors.js';
import type { BroadcastEvalOptions } from '../../fleet/fleet-api.js';
import type { DshardNode } from '../../node-api.js';

export type ShardUtilHooks = {
  node: () => DshardNode;
  /** The shards that run here. */
  ids: () => readonly number[];
};

class OrchestratedShardUtil {
  readonly client: Client;
  /** There are no worker threads, and nothing is said over this process' own channel. */
  readonly mode = 'process';
  readonly parentPort = null;
  readonly #hooks: ShardUtilHooks;

  constructor(client: Client, hooks: ShardUtilHooks) {
    this.client = client;
    this.#hooks = hooks;
  }

  get ids(): number[] {
    return [...this.#hooks.ids()];
  }

  /** Shards of the whole bot. */
  get count(): number {
    return this.client.options.shardCount ?? 1;
  }

  fetchClientValues(property: string, shard?: number): Promise<unknown> {
    const { fleet } = this.#hooks.node();
    return shard === undefined ? fleet.fetchClientValues(property) : fleet.fetchClientValues(property, shard);
  }

  broadcastEval<C>(
    script: (client: never, context: C) => unknown,
    { shard, ...options }: BroadcastEvalOptions<C> = {},
  ): Promise<unknown> {
    const { fleet } = this.#hooks.node();
    return shard === undefined
      ? fleet.broadcastEval(script, options)
      : fleet.broadcastEval(script, { ...options, shard });
  }

  send(): Promise<never> {
    return Promise.reject(
      new NodeError(
        'DSO_NO_PARENT',
        'client.shard.send() found no ShardingManager to send to: under an orchestrator the processes of a bot have no parent of ' +
          'theirs. Ask all of them with nodeOf(client).fleet.call(), which each answers by fleet.handle().',
      ),
    );
  }

  /** A rollout, if the orchestrator lets bots begin one; as there, nobody waits for its end. */
  async respawnAll(): Promise<Map<number, never>> {
    await this.#hooks.node().fleet.rollout();
    return new Map<number, never>();
  }
}

export function shardUtil(client: Client, hooks: ShardUtilHooks): ShardClientUtil {
  return new OrchestratedShardUtil(client, hooks) as unknown as ShardClientUtil;
}
