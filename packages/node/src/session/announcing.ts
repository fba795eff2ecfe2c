/**
 * User code is told that a shard is to leave, and may finish what it is at: running → announcing → announced. The shard
 * serves all the while, and takes no room in anybody's budget. It is waited for no longer than the node's own patience,
 * and the orchestrator's.
 */
import type { Transaction } from './transaction.js';
import type { HostOutcome } from './events.js';
import { isInTransfer, newTransfer } from './live-origin.js';
import type { ShardOf, TransferCommand } from './state.js';

/** shardLeaving: the shard is to move, and user code is told. Told again, the orchestrator waits no longer. */
export function announce(
  tx: Transaction,
  shardId: number,
  command: Extract<TransferCommand, { kind: 'shardLeaving' }>,
  connection: number,
): void {
  const shard = tx.shard(shardId);
  const { migrationId, patienceMs } = command;
  if (isInTransfer(shard, migrationId)) {
    if (shard.kind !== 'announcing') answerMayLeave(tx, shardId, migrationId);
    else if (patienceMs === 0) tx.effect({ kind: 'endPatience', call: shard.call, why: 'patienceOver' });
    return;
  }
  const transfer = newTransfer(tx, shardId, command, connection);
  if (transfer === null) {
    return;
  }
  const call = tx.call({
    method: 'leaving',
    shardId,
    patienceMs: Math.min(patienceMs, tx.identity.bounds.patienceMs),
  });
  tx.enterShard(shardId, { kind: 'announcing', call, transfer: { ...transfer, announced: true } });
}

/** However it ended: it was told, and the shard is not kept by a host that failed. */
export function onAnnouncingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'announcing'>,
  outcome: HostOutcome,
): void {
  if (!outcome.ok) {
    tx.log('error', `leaving of shard ${shardId} failed, and it leaves all the same: ${outcome.message}`, {
      shard: shardId,
    });
  }
  tx.enterShard(shardId, { kind: 'announced', transfer: shard.transfer });
  answerMayLeave(tx, shardId, shard.transfer.migrationId);
}

function answerMayLeave(tx: Transaction, shardId: number, migrationId: string): void {
  tx.sendNow({ kind: 'shardMayLeave', migrationId, shardId });
}
