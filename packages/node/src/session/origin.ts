/**
 * A shard that leaves this node by the base level's migration: running → baseFreezing → baseFrozen → baseSending →
 * baseReleasing → gone.
 *
 * The base level closes the shard first; a frozen one is as good, because user code is handed nothing more. So until
 * everything is sent the shard is still ours. On a lost connection, a stop of the migration, a failing host or no
 * progress for `migrationTimeoutMs` it is unfrozen as if nothing had happened. When the host has released the shard,
 * `allUserDataSent` goes out: another node may be resuming it, and nothing is kept here, as at the ancestor's nodes.
 */
import { isStaged } from './destination.js';
import type { HostOutcome } from './events.js';
import { commandFailed, resumeShard, stopShard } from './hosting.js';
import { onStateProduced, unfreeze } from './live-origin.js';
import type { Transaction } from './transaction.js';
import { BASE_FROZEN, isOneOf } from './state.js';
import type { BaseFrozen, Cursor, NodeState, ShardOf, ShardState } from './state.js';

/** prepareMigration{origin: true}. Asked again, it answers with what was recorded. */
export function freezeForBase(tx: Transaction, shardId: number, connection: number): void {
  const shard = tx.shard(shardId);
  if (isOneOf(shard, BASE_FROZEN)) return answerClosed(tx, shardId, shard.session);
  if (shard?.kind !== 'running') {
    return commandFailed(tx, 'prepareMigration', shardId, `This node does not run shard ${shardId}.`, 'warn');
  }
  const [other] = [...tx.shards].find(([, each]) => isInBaseMigration(each)) ?? [];
  if (other !== undefined) {
    const reason = `Shard ${other} is being moved, and by the base level one shard moves at a time.`;
    return commandFailed(tx, 'prepareMigration', shardId, reason, 'warn');
  }
  const call = tx.call({ method: 'freeze', shardId, withinMs: tx.limits.migrationTimeoutMs });
  tx.enterShard(shardId, { kind: 'baseFreezing', call, connection });
}

function isInBaseMigration(shard: ShardState): boolean {
  return isOneOf(shard, BASE_FROZEN) || shard.kind === 'baseFreezing' || isStaged(shard);
}

export function onBaseFreezingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'baseFreezing'>,
  outcome: HostOutcome,
): void {
  const { connection } = shard;
  if (!outcome.ok || outcome.session === null) {
    const reason = outcome.ok ? 'The host returned no gateway session from freeze.' : outcome.message;
    commandFailed(tx, 'prepareMigration', shardId, reason);
    // By the contract a shard whose freeze failed goes on as if nothing had happened.
    if (!outcome.ok && !outcome.timedOut) tx.enterShard(shardId, { kind: 'running' });
    else unfreeze(tx, shardId, shard, reason);
  } else if (tx.established?.connection !== connection) {
    const { session } = outcome;
    unfreeze(tx, shardId, { ...shard, session }, 'the connection to the orchestrator is lost.');
  } else {
    const { session } = outcome;
    tx.enterShard(shardId, { kind: 'baseFrozen', connection, session, since: tx.now });
    answerClosed(tx, shardId, session);
  }
}

function answerClosed(tx: Transaction, shardId: number, session: Cursor): void {
  tx.sendNow({ kind: 'prepareMigration', origin: true, shardId, session });
}

/** startMigration. */
export function sendState(tx: Transaction, shardId: number): void {
  const shard = tx.shard(shardId);
  if (shard?.kind === 'baseFrozen') {
    const { connection, session } = shard;
    const call = tx.call({ method: 'exportAll', shardId });
    tx.enterShard(shardId, { kind: 'baseSending', call, connection, session, sent: 0, progressAt: tx.now });
  } else if (shard?.kind !== 'baseSending' && shard?.kind !== 'baseReleasing') {
    commandFailed(tx, 'startMigration', shardId, `Shard ${shardId} was not prepared to leave this node.`, 'warn');
  }
}

/** A user event of the host. One of a transfer that is off is dropped: its `send` was told. */
export function onUserEventProduced(
  tx: Transaction,
  shardId: number,
  call: number,
  eventId: number,
  body: Uint8Array,
): void {
  const shard = tx.shard(shardId);
  if (shard === null || !('call' in shard) || shard.call !== call) {
    return;
  }
  if (shard.kind === 'copying' || shard.kind === 'sendingDelta') {
    return onStateProduced(tx, shardId, shard, eventId, body);
  }
  if (shard.kind !== 'baseSending') {
    return;
  }
  tx.sendNow({ kind: 'userEvent', eventId, body });
  tx.updateShard(shardId, { ...shard, sent: shard.sent + 1, progressAt: tx.now });
}

export function onBaseSendingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'baseSending'>,
  outcome: HostOutcome,
): void {
  if (!outcome.ok) {
    commandFailed(tx, 'startMigration', shardId, outcome.message);
    return unfreeze(tx, shardId, shard, 'its state could not be sent.');
  }
  const { connection, session, sent } = shard;
  const call = tx.call({ method: 'release', shardId });
  tx.enterShard(shardId, { kind: 'baseReleasing', call, connection, session, sent });
}

export function onBaseReleasingEnded(
  tx: Transaction,
  shardId: number,
  { connection, session, sent }: ShardOf<'baseReleasing'>,
  outcome: HostOutcome,
): void {
  if (!outcome.ok) {
    commandFailed(tx, 'startMigration', shardId, outcome.message);
    return stopShard(tx, shardId, 'recover');
  }
  if (tx.established?.connection !== connection) return resumeShard(tx, shardId, session, 'takeBack');
  tx.sendNow({ kind: 'allUserDataSent', numEvents: sent });
  letGo(tx, shardId);
}

/** Somebody else runs the shard: nothing of it is kept. */
export function letGo(tx: Transaction, shardId: number, takenOver = false): void {
  tx.enterShard(shardId, null);
  tx.effect({ kind: 'released', shardId, takenOver });
}

/** When an origin stops waiting for the next word. */
export function stallDeadline(limits: NodeState['limits'], shard: BaseFrozen): number {
  return (shard.kind === 'baseFrozen' ? shard.since : shard.progressAt) + limits.migrationTimeoutMs;
}

export function abortStalled(tx: Transaction, shardId: number, shard: BaseFrozen): void {
  const reason = `nothing happened for ${tx.limits.migrationTimeoutMs / 1000} s.`;
  commandFailed(tx, 'startMigration', shardId, `The migration of shard ${shardId} stood still: ${reason}`, 'warn');
  unfreeze(tx, shardId, shard, reason);
}
