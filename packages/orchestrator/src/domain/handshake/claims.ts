/**
 * A node says that it runs a shard. Nodes are the truth about what runs, so it is believed, unless another connected node has the shard:
 * then that one keeps it and this one is told to stop it.
 */
import { isShuttingDown } from '../nodes.js';
import { originKept } from '../migration/live-failure.js';
import { isLive, ownerOf } from '../migration/owner.js';
import { migrationOf } from '../migration/steps.js';
import { unqueue } from '../shards/start.js';
import type { Turn } from '../turn.js';

/** @returns whether the shard is the node's now. */
export function claim(turn: Turn, node: string, shard: number): boolean {
  // What was assigned to another node, but not sent to it, is not begun.
  unqueue(turn, shard);
  const state = turn.shard(shard);
  if (state === undefined) return false;
  const claimant = turn.node(node);
  if (claimant === undefined || isShuttingDown(claimant)) return false;
  if (state.kind === 'vacant' || state.kind === 'unreachable') {
    turn.setShard(shard, { kind: 'running', node, since: turn.now });
    return true;
  }
  const migration = migrationOf(turn, shard);
  if (migration?.origin === node && isLive(migration) && migration.step.kind === 'releasing') {
    originKept(turn, migration, `node ${node} did not hear that it was to let go`);
    return true;
  }
  const incumbent = incumbentOf(turn, shard);
  if (incumbent === node) return true;
  turn.send(node, { kind: 'stopShard', shardId: shard, session: null });
  const text = `Nodes ${incumbent} and ${node} both have shard ${shard}; node ${node} is told to stop it.`;
  turn.happened('shardConflict', 'warn', text, { shard, incumbent, node });
  return false;
}

function incumbentOf(turn: Turn, shard: number): string {
  const state = turn.shard(shard);
  if (state === undefined || state.kind === 'vacant') return '';
  if (state.kind !== 'migrating') return state.node;
  const migration = turn.state.migrations.get(state.migration);
  return migration === undefined ? '' : ownerOf(migration);
}
