/** Shards are assigned to nodes, each time under an epoch of its own (`state/epochs.ts`). */
import type { KnownSession } from '../state/commands.js';
import { epochOf, tenureOf } from '../state/epochs.js';
import { can } from '../state/nodes.js';
import type { Turn } from '../state/transaction.js';

/** The next epoch, for an assignment that is not made yet. */
export function newEpoch(turn: Turn): number {
  const epoch = turn.state.nextEpoch;
  turn.patch({ nextEpoch: epoch + 1 });
  return epoch;
}

/** The shard is assigned: anew, or under the epoch that its hand-over has had from its beginning. */
export function assign(turn: Turn, shard: number, epoch: number = newEpoch(turn)): void {
  turn.setTenure(shard, { epoch, checkpoint: null, before: null });
}

/** COMMIT: the shard is the destination's, and its origin is yet to let go. */
export function assignFrom(turn: Turn, shard: number, origin: string, epoch: number): void {
  turn.setTenure(shard, {
    epoch,
    checkpoint: null,
    before: { node: origin, epoch: epochOf(turn.state, shard), mayRun: true },
  });
}

/** The destination is told to run the shard: whatever the origin says, it does not. Its state is still there. */
export function originIsOut(turn: Turn, shard: number): void {
  const tenure = tenureOf(turn.state, shard);
  turn.setTenure(shard, { ...tenure, before: tenure.before === null ? null : { ...tenure.before, mayRun: false } });
}

/** The hand-over is done: there is no state left at the origin. */
export function originIsDone(turn: Turn, shard: number): void {
  turn.setTenure(shard, { ...tenureOf(turn.state, shard), before: null });
}

/** A node has the shard under an epoch that we know nothing of: what gave it was forgotten, and is made up for. */
export function adoptEpoch(turn: Turn, shard: number, epoch: number): void {
  assign(turn, shard, epoch);
  if (epoch >= turn.state.nextEpoch) turn.patch({ nextEpoch: epoch + 1 });
}

/** Where to resume from, should everybody be gone who knows more; null: the session is gone. */
export function noteCheckpoint(turn: Turn, shard: number, checkpoint: KnownSession | null): void {
  turn.setTenure(shard, { ...tenureOf(turn.state, shard), checkpoint });
}

/** An origin that did not let go: COMMIT gave the shard the destination's epoch, so the origin has it anew, under a later one. */
export function keep(turn: Turn, shard: number, origin: string): void {
  const { before } = tenureOf(turn.state, shard);
  turn.setShard(shard, { kind: 'running', node: origin, since: turn.now });
  assign(turn, shard);
  // The message may be lost, and the origin come back once more with the epoch it knows.
  if (before?.node === origin) turn.setTenure(shard, { ...tenureOf(turn.state, shard), before });
  if (can(turn.node(origin), 'epochs')) turn.send(origin, { kind: 'startShards', shardIds: [shard] });
}

/** A node is told that it does not have a shard any more: by epoch if it knows them, so that it does not touch the session. */
export function letGo(turn: Turn, node: string, shard: number): void {
  if (can(turn.node(node), 'epochs')) {
    turn.send(node, { kind: 'shardTakenOver', shardId: shard, epoch: epochOf(turn.state, shard) });
  } else {
    turn.send(node, { kind: 'stopShard', shardId: shard, session: null });
  }
}
