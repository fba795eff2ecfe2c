/**
 * The sharding strategy that the WebSocketManager of a hosted bot has: the manager's `send` and `fetchStatus` work as
 * usual; which shards there are is the orchestrator's to say, so its ways of making and destroying them are refused.
 */
import { SimpleShardingStrategy } from '@discordjs/ws';
import type { GatewaySendPayload } from 'discord-api-types/v10';
import { NodeError } from '../../errors.js';
import type { GatewayShard } from '../../gateway-shard/driver.js';
import { statusOf } from './library.js';

export type StrategyHooks = {
  shards: () => ReadonlyMap<number, GatewayShard>;
  /** Never rejects, but for a request whose answer cannot come. */
  send: (shardId: number, payload: GatewaySendPayload) => Promise<void>;
};

export class OrchestratedStrategy extends SimpleShardingStrategy {
  readonly #hooks: StrategyHooks;

  constructor(manager: ConstructorParameters<typeof SimpleShardingStrategy>[0], hooks: StrategyHooks) {
    super(manager);
    this.#hooks = hooks;
  }

  override spawn(): Promise<void> {
    return Promise.reject(notInCharge('spawn shards'));
  }

  override connect(): Promise<void> {
    return Promise.reject(notInCharge('connect'));
  }

  override destroy(): Promise<void> {
    return Promise.reject(notInCharge('destroy shards'));
  }

  override send(shardId: number, payload: GatewaySendPayload): Promise<void> {
    return this.#hooks.send(shardId, payload);
  }

  override async fetchStatus(): ReturnType<SimpleShardingStrategy['fetchStatus']> {
    const statuses = await super.fetchStatus();
    for (const [shardId, shard] of this.#hooks.shards()) {
      statuses.set(shardId, statusOf(shard.link));
    }
    return statuses;
  }
}

function notInCharge(what: string): NodeError {
  return new NodeError(
    'DSO_MANAGER_NOT_IN_CHARGE',
    `The manager was asked to ${what}, but the orchestrator decides which shards run here. Use node.start() and node.close().`,
  );
}
