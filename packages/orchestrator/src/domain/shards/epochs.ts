/** Shards are assigned to nodes, each time under an epoch of its own (`state/epochs.ts`). */
import type { KnownSession } from '../state/commands.js';
import { epochOf, assignmentOf } from '../state/epochs.js';
import { can } from '../state/nodes.js';
import type { Transaction } from '../state/transaction.js';

/** The next epoch, for an assignment that is not made yet. */
export function newEpoch(tx: Transaction): number {
  const epoch = tx.state.nextEpoch;
  tx.patch({ nextEpoch: epoch + 1 });
  return epoch;
}

/** The shard is assigned: anew, or under the epoch that its migration has had from its beginning. */
export function assign(tx: Transaction, shard: number, epoch: number = newEpoch(tx)): void {
  tx.setAssignment(shard, { epoch, checkpoint: null, before: null });
}

/** COMMIT: the shard is the destination's, and its origin is yet to let go. */
export function assignFrom(tx: Transaction, shard: number, origin: string, epoch: number): void {
  tx.setAssignment(shard, {
    epoch,
    checkpoint: null,
    before: { node: origin, epoch: epochOf(tx.state, shard), mayRun: true },
  });
}

/** The destination is told to run the shard: whatever the origin says, it does not. Its state is still there. */
export function markOriginOut(tx: Transaction, shard: number): void {
  const assignment = assignmentOf(tx.state, shard);
  tx.setAssignment(shard, {
    ...assignment,
    before: assignment.before === null ? null : { ...assignment.before, mayRun: false },
  });
}

/** The migration is done: there is no state left at the origin. */
export function markOriginDone(tx: Transaction, shard: number): void {
  tx.setAssignment(shard, { ...assignmentOf(tx.state, shard), before: null });
}

/** A node has the shard under an epoch that we know nothing of: what gave it was forgotten, and is made up for. */
export function adoptEpoch(tx: Transaction, shard: number, epoch: number): void {
  assign(tx, shard, epoch);
  if (epoch >= tx.state.nextEpoch) tx.patch({ nextEpoch: epoch + 1 });
}

/** Where to resume from, should everybody be gone who knows more; null: the session is gone. */
export function noteCheckpoint(tx: Transaction, shard: number, checkpoint: KnownSession | null): void {
  tx.setAssignment(shard, { ...assignmentOf(tx.state, shard), checkpoint });
}

/** An origin that did not let go: COMMIT gave the shard the destination's epoch, so the origin gets a later one. */
export function keep(tx: Transaction, shard: number, origin: string): void {
  const { before } = assignmentOf(tx.state, shard);
  tx.setShard(shard, { kind: 'running', node: origin, since: tx.now });
  assign(tx, shard);
  // The message may be lost, and the origin come back once more with the epoch it knows.
  if (before?.node === origin) tx.setAssignment(shard, { ...assignmentOf(tx.state, shard), before });
  if (can(tx.node(origin), 'epochs')) tx.send(origin, { kind: 'startShards', shardIds: [shard] });
}

/** A node is told that it has a shard no more: by epoch if it knows them, so that it leaves the session alone. */
export function letGo(tx: Transaction, node: string, shard: number): void {
  if (can(tx.node(node), 'epochs')) {
    tx.send(node, { kind: 'shardTakenOver', shardId: shard, epoch: epochOf(tx.state, shard) });
  } else {
    tx.send(node, { kind: 'stopShard', shardId: shard, session: null });
  }
}
