/**
 * User code is told that a shard is to leave, and may finish what it is at: running → announcing → announced. The shard serves all the while,
 * and takes no room in anybody's budget. It is waited for no longer than the node's own patience, and the orchestrator's.
 */
import type { Draft } from './draft.js';
import type { HostOutcome } from './events.js';
import { isInTransfer, newTransfer } from './live-origin.js';
import type { ShardState, TransferCommand } from './state.js';

/** shardLeaving: the shard is to move, and user code is told. Told again, the orchestrator waits no longer. */
export function announce(
  draft: Draft,
  shardId: number,
  command: Extract<TransferCommand, { kind: 'shardLeaving' }>,
  connection: number,
): void {
  const shard = draft.shard(shardId);
  const { migrationId, patienceMs } = command;
  if (isInTransfer(shard, migrationId)) {
    if (shard.kind !== 'announcing') answerMayLeave(draft, shardId, migrationId);
    else if (patienceMs === 0) draft.effect({ kind: 'endPatience', call: shard.call, why: 'patienceOver' });
    return;
  }
  const transfer = newTransfer(draft, shardId, command, connection);
  if (transfer === null) {
    return;
  }
  const call = draft.call({
    method: 'leaving',
    shardId,
    patienceMs: Math.min(patienceMs, draft.identity.bounds.patienceMs),
  });
  draft.enterShard(shardId, { kind: 'announcing', call, transfer: { ...transfer, announced: true } });
}

/** However it ended: it was told, and the shard is not kept by a host that failed. */
export function announcingEnded(
  draft: Draft,
  shardId: number,
  shard: Extract<ShardState, { kind: 'announcing' }>,
  outcome: HostOutcome,
): void {
  if (!outcome.ok) {
    draft.log('error', `leaving of shard ${shardId} failed, and it leaves all the same: ${outcome.message}`, {
      shard: shardId,
    });
  }
  draft.enterShard(shardId, { kind: 'announced', transfer: shard.transfer });
  answerMayLeave(draft, shardId, shard.transfer.migrationId);
}

function answerMayLeave(draft: Draft, shardId: number, migrationId: string): void {
  draft.sendNow({ kind: 'shardMayLeave', migrationId, shardId });
}
