/** Which shards belong to which node. A shard that moves belongs to its origin until the destination says it runs it. */
import type { OrchestratorState, ShardState } from '../domain/state.js';

export function shardsByNode(state: OrchestratorState): Map<string, number[]> {
  const byNode = new Map<string, number[]>();
  for (const [shard, shardState] of state.shards.entries()) {
    const owner = ownerOf(shardState, state);
    if (owner === null) continue;
    const shards = byNode.get(owner);
    if (shards) shards.push(shard);
    else byNode.set(owner, [shard]);
  }
  return byNode;
}

function ownerOf(shard: ShardState, state: OrchestratorState): string | null {
  if (shard.kind === 'vacant') return null;
  return shard.kind === 'migrating' ? (state.migrations.get(shard.migration)?.origin ?? null) : shard.node;
}
