/**
 * A shard that leaves this node: running → closing → closed → sending → sent → gone.
 *
 * Until everything is sent the shard is still ours: on a lost connection, an abort, a failing host or no progress for
 * `migrationTimeoutMs` it is resumed here from its own cursor. Once `allUserDataSent` is out another node may be
 * resuming it, so it is `sent`: only the orchestrator can say that it moved (migrationFinished), is off
 * (migrationAborted) or what else becomes of it, if need be on a later connection. A base-level orchestrator says
 * nothing of the kind; toward it the shard is let go as soon as everything is sent, as the ancestor's nodes do.
 */
import type { HostOutcome } from './events.js';
import { commandFailed, resumeShard, stopShard } from './hosting.js';
import { onStateProduced } from './live-origin.js';
import { say } from './outbox.js';
import type { Transaction } from './transaction.js';
import { isOneOf, LEAVING } from './state.js';
import type { Cursor, Leaving, NodeState, ShardOf } from './state.js';

/** prepareMigration{origin: true}. Asked again, it answers with what was recorded. */
export function close(tx: Transaction, shardId: number, connection: number): void {
  const shard = tx.shard(shardId);
  if (isOneOf(shard, LEAVING)) {
    if (shard.kind === 'released' || shard.connection !== connection) {
      // Only a shard that was given away outlives its connection. A new migration sends everything again.
      tx.enterShard(shardId, { kind: 'closed', connection, session: shard.session, since: tx.now });
    }
    answerClosed(tx, shardId, shard.session);
    return;
  }
  if (shard?.kind !== 'running') {
    commandFailed(tx, 'prepareMigration', shardId, `This node does not run shard ${shardId}.`, 'warn');
    return;
  }
  const other = tx.negotiated('parallel-migrations') ? undefined : migrating(tx);
  if (other !== undefined) {
    commandFailed(
      tx,
      'prepareMigration',
      shardId,
      `Shard ${other} is being moved, and a base-level orchestrator can move one shard at a time.`,
      'warn',
    );
    return;
  }
  const call = tx.call({ method: 'prepareTransferFrom', shardId });
  tx.enterShard(shardId, { kind: 'closing', call, connection });
}

/** The shard that is in a migration, if any. */
function migrating(tx: Transaction): number | undefined {
  for (const [shardId, shard] of tx.shards) {
    if (isOneOf(shard, LEAVING) || ['closing', 'preparing', 'staging'].includes(shard.kind)) {
      return shardId;
    }
  }
  return undefined;
}

/** prepareTransferFrom has ended. */
export function onClosingEnded(
  tx: Transaction,
  shardId: number,
  { connection }: ShardOf<'closing'>,
  outcome: HostOutcome,
): void {
  if (outcome.ok && outcome.session !== null) {
    return onClosed(tx, shardId, connection, outcome.session);
  }
  if (outcome.ok) {
    commandFailed(tx, 'prepareMigration', shardId, 'The host returned no gateway session from prepareTransferFrom.');
    return stopShard(tx, shardId, 'recover');
  }
  commandFailed(tx, 'prepareMigration', shardId, outcome.message);
  if (outcome.timedOut) {
    return stopShard(tx, shardId, 'recover');
  }
  tx.enterShard(shardId, { kind: 'running' });
}

function onClosed(tx: Transaction, shardId: number, connection: number, session: Cursor): void {
  if (tx.established?.connection !== connection) {
    resumeShard(tx, shardId, session, 'takeBack');
    return;
  }
  tx.enterShard(shardId, { kind: 'closed', connection, session, since: tx.now });
  answerClosed(tx, shardId, session);
}

function answerClosed(tx: Transaction, shardId: number, session: Cursor): void {
  tx.sendNow({ kind: 'prepareMigration', origin: true, shardId, session });
}

/** startMigration. */
export function beginTransfer(tx: Transaction, shardId: number, connection: number): void {
  const shard = tx.shard(shardId);
  if (shard?.kind === 'closed') {
    const call = tx.call({ method: 'transferFrom', shardId });
    const { session } = shard;
    tx.enterShard(shardId, { kind: 'sending', call, connection, session, sent: 0, progressAt: tx.now });
    return;
  }
  if (shard?.kind === 'sending') {
    return;
  }
  if (shard?.kind === 'sent' && shard.connection === connection) {
    say(tx, { kind: 'allUserDataSent', numEvents: shard.sent, shardId });
    return;
  }
  commandFailed(tx, 'startMigration', shardId, `Shard ${shardId} was not prepared to leave this node.`, 'warn');
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
  if (shard.kind !== 'sending') {
    return;
  }
  tx.sendNow(
    tx.negotiated('parallel-migrations')
      ? { kind: 'shardUserEvent', shardId, eventId, body }
      : { kind: 'userEvent', eventId, body },
  );
  tx.updateShard(shardId, { ...shard, sent: shard.sent + 1, progressAt: tx.now });
}

/** transferFrom has ended. */
export function onSendingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'sending'>,
  outcome: HostOutcome,
): void {
  if (!outcome.ok) {
    commandFailed(tx, 'startMigration', shardId, outcome.message);
    return takeBack(tx, shardId, shard, 'its state could not be sent.');
  }
  say(tx, { kind: 'allUserDataSent', numEvents: shard.sent, shardId });
  if (tx.negotiated('parallel-migrations')) {
    const { connection, session, sent } = shard;
    tx.enterShard(shardId, { kind: 'sent', connection, session, sent });
    return;
  }
  letGo(tx, shardId, shard);
}

/** The shard goes on here, from the cursor at which it stopped. */
export function takeBack(tx: Transaction, shardId: number, shard: Leaving, reason: string): void {
  tx.log('warn', `Shard ${shardId} is taken back: ${reason}`, { shard: shardId });
  abortSending(tx, shard, reason);
  // Past the point of no return another node may have gone on from this session.
  const wasGivenAway = shard.kind === 'sent' || shard.kind === 'released';
  const how = wasGivenAway ? { stateLost: false, redelivers: true } : null;
  resumeShard(tx, shardId, shard.session, 'takeBack', how);
}

/** Somebody else runs the shard, or it is stopped: nothing of it is kept. */
export function letGo(tx: Transaction, shardId: number, shard: Leaving, takenOver = false): void {
  abortSending(tx, shard, `Shard ${shardId} is not moved from here any more.`);
  tx.enterShard(shardId, null);
  tx.effect({ kind: 'released', shardId, takenOver });
}

function abortSending(tx: Transaction, shard: Leaving, reason: string): void {
  if (shard.kind === 'sending') {
    tx.effect({ kind: 'abortTransfer', call: shard.call, reason });
  }
}

/** When an origin stops waiting for the next word. */
export function stallDeadline(limits: NodeState['limits'], shard: ShardOf<'closed' | 'sending'>): number {
  return (shard.kind === 'closed' ? shard.since : shard.progressAt) + limits.migrationTimeoutMs;
}

export function abortStalled(tx: Transaction, shardId: number, shard: ShardOf<'closed' | 'sending'>): void {
  const reason = `nothing happened for ${tx.limits.migrationTimeoutMs / 1000} s.`;
  commandFailed(tx, 'startMigration', shardId, `The migration of shard ${shardId} stood still: ${reason}`, 'warn');
  takeBack(tx, shardId, shard, reason);
}
