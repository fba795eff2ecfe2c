/** Which shards belong to which node, also while they move. */
import { ownerOf } from '../domain/state/migrations.js';
import type { OrchestratorState, ShardState } from '../domain/state/state.js';

export function shardsByNode(state: OrchestratorState): Map<string, number[]> {
  const byNode = new Map<string, number[]>();
  for (const [shard, shardState] of state.shards.entries()) {
    const owner = nodeOf(shardState, state);
    if (owner === null) continue;
    const shards = byNode.get(owner);
    if (shards) shards.push(shard);
    else byNode.set(owner, [shard]);
  }
  return byNode;
}

function nodeOf(shard: ShardState, state: OrchestratorState): string | null {
  if (shard.kind !== 'migrating') return 'node' in shard ? shard.node : null;
  const migration = state.migrations.get(shard.migration);
  return migration === undefined ? null : ownerOf(migration);
}
