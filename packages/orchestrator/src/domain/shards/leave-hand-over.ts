/** The end of a hand-over at a node that was to receive the shard. */
import { can, hasConnection } from '../state/nodes.js';
import type { Turn } from '../state/transaction.js';

/** Tells a node that a shard is not coming to it (any more). */
export function leaveHandOver(turn: Turn, id: string, shard: number, reason: string): void {
  const node = turn.node(id);
  if (node === undefined || !hasConnection(node)) return;
  if (can(node, 'parallel-migrations')) {
    turn.send(node.id, { kind: 'migrationAborted', shardId: shard, reason });
  } else {
    turn.send(node.id, { kind: 'stopShard', shardId: shard, session: null });
  }
}
