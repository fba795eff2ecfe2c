/**
 * Epochs at the node: it obeys only the newest orchestrator it knows, and of a shard only the latest assignment it has
 * seen. What comes with a lower epoch is not acted on. A shard that another node has under a higher one is let go: its
 * connection is closed without ending the session, it is not resumed, and user code is told.
 */
import { highestFromOrchestrator, type Identified, type MessageOf, type Rejected } from '@dshard/protocol';
import type { NodeErrorCode } from '../errors.js';
import type { Transaction } from './transaction.js';

/** Why an orchestrator is not obeyed, or null. One that knows no epochs is. */
export function whyNotObeyed(tx: Transaction, { orchestratorEpoch = 0 }: Identified): Rejected | null {
  const refuse = (code: NodeErrorCode, message: string): Rejected => ({
    kind: 'rejected',
    code,
    message,
    retryable: true,
  });
  if (!isPossible(tx, orchestratorEpoch)) {
    return refuse(
      'DSO_ORCHESTRATOR_EPOCH_IMPOSSIBLE',
      `It is of epoch ${orchestratorEpoch}, far ahead of the clock here. If it is yours, its clock or this one is wrong.`,
    );
  }
  if (orchestratorEpoch === 0 || orchestratorEpoch >= tx.orchestratorEpoch) {
    return null;
  }
  return refuse(
    'DSO_ORCHESTRATOR_SUPERSEDED',
    `It is of epoch ${orchestratorEpoch}, and this node has obeyed one of epoch ${tx.orchestratorEpoch}. ` +
      'End the older orchestrator; if no other one runs, its clock was set back and its store was lost: restart the node.',
  );
}

/** One that is not would be the last that this node ever obeys, or has a shard under. */
function isPossible(tx: Transaction, epoch: number): boolean {
  return epoch <= highestFromOrchestrator(tx.now, tx.orchestratorEpoch);
}

/** Whether what is said of the shard is meant for now. Notes the epoch. */
export function isCurrent(tx: Transaction, shardId: number, epoch: number | undefined, what: string): boolean {
  if (epoch === undefined) {
    return true;
  }
  const seen = tx.epochOf(shardId);
  if (epoch < seen || !isPossible(tx, epoch)) {
    const why = epoch < seen ? `which is over: this node has seen ${seen}` : 'far ahead of the clock here';
    tx.log('warn', `${what} of shard ${shardId} is of epoch ${epoch}, ${why}.`, { shard: shardId, epoch });
    return false;
  }
  tx.setEpoch(shardId, epoch);
  return true;
}

/** Of startShards, the shards it is meant for. */
export function currentOf(tx: Transaction, { shardIds, epochs }: MessageOf<'startShards'>): readonly number[] {
  return shardIds.filter((shardId, index) => isCurrent(tx, shardId, epochs?.[index], 'startShards'));
}

/** Whether another node has the shard under an epoch that is news. */
export function isTakenOver(tx: Transaction, { shardId, epoch }: MessageOf<'shardTakenOver'>): boolean {
  if (epoch <= tx.epochOf(shardId) || !isPossible(tx, epoch)) {
    tx.log(
      'debug',
      `shardTakenOver of shard ${shardId} is of epoch ${epoch}: seen already, or far ahead of the clock.`,
    );
    return false;
  }
  tx.setEpoch(shardId, epoch);
  return true;
}
