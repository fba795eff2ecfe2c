/**
 * How host calls end. Each state with a call has one rule for success and one for failure; a failure rolls back to a
 * state that is written here, is logged, and is told to an orchestrator that knows `commandFailed`:
 *
 * | call | threw | deadline passed |
 * |---|---|---|
 * | startShards | stopped again, not ours | the same |
 * | stopShard | still running | still running |
 * | prepareTransferTo | dropped | dropped |
 * | exportAll | unfrozen | (no deadline; see `migrationTimeoutMs`) |
 * | resumeShard, migration or ACTIVATE | stopped again, not ours | (no deadline: Discord takes what it takes) |
 * | resumeShard, taken back | started anew | (the same) |
 * | leaving | goes on: it is told, no more | the same |
 * | warm, preconnect | dropped, the migration is off | the same |
 * | exportState | running, the migration is off | (no deadline) |
 * | freeze | running (the contract: nothing was frozen) | unfrozen |
 * | exportDelta | unfrozen | (no deadline of its own: the freeze has one) |
 * | unfreeze, release | stopped, then resumed from its session | the same |
 */
import type { HostOutcome } from './events.js';
import { commandFailed, confirmGone, noteSession, resumeShard, startShards, stopShard } from './hosting.js';
import { say } from './outbox.js';
import type { ShardOf } from './state.js';
import type { Transaction } from './transaction.js';

export function onStartingEnded(tx: Transaction, shardId: number, _: ShardOf<'starting'>, outcome: HostOutcome): void {
  if (outcome.ok) {
    tx.enterShard(shardId, { kind: 'running' });
    return;
  }
  commandFailed(tx, 'startShards', shardId, outcome.message);
  stopShard(tx, shardId, 'aborted');
}

export function onStoppingEnded(
  tx: Transaction,
  shardId: number,
  { why }: ShardOf<'stopping'>,
  outcome: HostOutcome,
): void {
  const session = outcome.ok ? outcome.session : null;
  if (why === 'takenOver') {
    if (!outcome.ok) {
      commandFailed(tx, 'stopShard', shardId, outcome.message);
    }
    return confirmGone(tx, shardId, session);
  }
  if (why === 'recover') {
    if (!outcome.ok) {
      commandFailed(tx, 'stopShard', shardId, outcome.message);
      tx.enterShard(shardId, { kind: 'running' });
    } else if (session === null) {
      startShards(tx, [shardId]);
    } else {
      // The stop has forgotten the shard's state.
      const { redelivers = false } = session;
      resumeShard(tx, shardId, session, 'takeBack', { stateLost: true, redelivers });
    }
    return;
  }
  if (!outcome.ok) {
    commandFailed(tx, 'stopShard', shardId, outcome.message);
  }
  if (why === 'command' && !outcome.ok && tx.isServing) {
    tx.enterShard(shardId, { kind: 'running' });
    return;
  }
  noteSession(tx, shardId, session);
  tx.enterShard(shardId, null);
  // A base-level orchestrator does not hear of failures, and may have been told meanwhile that the shard runs here.
  const isBaseLevel = tx.established !== null && !tx.negotiated('sessions');
  if (why === 'command' || (why === 'aborted' && (tx.takeWaiting(shardId, 'stopShard') || isBaseLevel))) {
    say(tx, { kind: 'stopShard', shardId, session });
  }
}

export function onResumingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'resuming'>,
  outcome: HostOutcome,
): void {
  if (outcome.ok) {
    tx.enterShard(shardId, { kind: 'running' });
    return;
  }
  if (shard.why === 'migration') {
    commandFailed(tx, 'prepareMigration', shardId, outcome.message);
    return stopShard(tx, shardId, 'aborted');
  }
  tx.log('error', `Shard ${shardId} could not be resumed here and is started anew: ${outcome.message}`, {
    shard: shardId,
  });
  startShards(tx, [shardId]);
}
