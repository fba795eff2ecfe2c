/** A node is told that it does not have a shard any more: by epoch if it knows them, so that it does not touch the session. */
import { can } from '../state/nodes.js';
import type { Turn } from '../state/transaction.js';
import { epochOf } from './epochs.js';

export function letGo(turn: Turn, node: string, shard: number): void {
  if (can(turn.node(node), 'epochs')) {
    turn.send(node, { kind: 'shardTakenOver', shardId: shard, epoch: epochOf(turn.state, shard) });
  } else {
    turn.send(node, { kind: 'stopShard', shardId: shard, session: null });
  }
}
