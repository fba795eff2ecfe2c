/**
 * What is said to a node about a shard carries the epoch it is meant for. Put on here, the one way out, so that no sender can forget it. Nodes
 * without the capability get the message as it is.
 */
import type { Message } from '@dshard/protocol';
import { can } from './nodes.js';
import type { OrchestratorState } from './state.js';
import { epochOf } from '../shards/epochs.js';

export function stamped(state: OrchestratorState, node: string, message: Message): Message {
  if (!can(state.nodes.get(node), 'epochs')) return message;
  if (message.kind === 'startShards') {
    return { ...message, epochs: message.shardIds.map((shard) => epochOf(state, shard)) };
  }
  if (message.kind === 'stopShard') return { ...message, epoch: epochOf(state, message.shardId) };
  if (message.kind === 'prepareMigration' || message.kind === 'transferOpen') {
    return { ...message, epoch: epochFor(state, node, message.shardId) };
  }
  return message;
}

/** A destination has the epoch of its hand-over, which is not the shard's yet. */
function epochFor(state: OrchestratorState, node: string, shard: number): number {
  const known = state.shards[shard];
  const migration = known?.kind === 'migrating' ? state.migrations.get(known.migration) : undefined;
  return migration?.destination === node ? migration.epoch : epochOf(state, shard);
}
