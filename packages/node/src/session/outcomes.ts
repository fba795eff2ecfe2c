/**
 * How host calls end. Each state with a call has one rule for success and one for failure; a failure rolls back to a
 * state that is written here, is logged, and is told to an orchestrator that knows `commandFailed`:
 *
 * | call | threw | deadline passed |
 * |---|---|---|
 * | startShards | stopped again, not ours | the same |
 * | stopShard | still running | still running |
 * | prepareTransferFrom | running (the contract: nothing was closed) | stopped, then resumed from its session |
 * | transferFrom | taken back | (no deadline; see `handoverTimeoutMs`) |
 * | prepareTransferTo | dropped | dropped |
 * | resumeShard, hand-over or ACTIVATE | stopped again, not ours | (no deadline: Discord takes what it takes) |
 * | resumeShard, taken back | started anew | (the same) |
 * | leaving | goes on: it is told, no more | the same |
 * | warm, preconnect | dropped, the migration is off | the same |
 * | exportState | running, the migration is off | (no deadline) |
 * | freeze | running (the contract: nothing was frozen) | unfrozen |
 * | exportDelta | unfrozen | (no deadline of its own: the freeze has one) |
 * | unfreeze, release | stopped, then resumed from its session | the same |
 */
import type { MessageKind } from '@dshard/protocol';
import { onAnnouncingEnded } from './announcing.js';
import { continueCommands, takeWaitingStop } from './commands.js';
import { abortPreparing, onPrepared } from './destination.js';
import type { Transaction } from './transaction.js';
import { confirmGone } from './epochs.js';
import type { HostOutcome } from './events.js';
import { announceRunning, commandFailed, resumeShard, startShards, stopShard } from './hosting.js';
import { leaveShard, leaveWhenEmpty, noteSession } from './leaving.js';
import { onActivateEnded, onOpeningEnded, onWarmingEnded } from './live-destination.js';
import { onCopyEnded, onDeltaEnded, onFreezeEnded, onReleaseEnded, onUnfreezeEnded } from './live-origin.js';
import { onClosed, takeBack, onTransferEnded } from './origin.js';
import { say } from './outbox.js';
import type { ShardState, StopReason } from './state.js';

type Failure = Extract<HostOutcome, { ok: false }>;

export function onCallEnded(tx: Transaction, call: number, shardIds: readonly number[], outcome: HostOutcome): void {
  const concerned = shardIds.filter((shardId) => {
    const shard = tx.shard(shardId);
    return shard !== null && 'call' in shard && shard.call === call;
  });
  const running: number[] = [];
  for (const shardId of concerned) {
    const shard = tx.shard(shardId);
    if (shard !== null) {
      endOf(tx, shardId, shard, outcome);
      const isNews = shard.kind === 'starting' || shard.kind === 'resuming';
      running.push(...(isNews && outcome.ok && tx.kindOf(shardId) === 'running' ? [shardId] : []));
    }
  }
  // One answer for all shards of one startShards.
  announceRunning(tx, running);
  for (const shardId of concerned) {
    if (tx.lifecycle.kind === 'leaving') {
      leaveShard(tx, shardId);
    } else {
      continueCommands(tx, shardId);
    }
  }
  leaveWhenEmpty(tx);
}

function endOf(tx: Transaction, shardId: number, shard: ShardState, outcome: HostOutcome): void {
  switch (shard.kind) {
    case 'starting':
      if (outcome.ok) {
        tx.enterShard(shardId, { kind: 'running' });
        return;
      }
      fail(tx, 'startShards', shardId, outcome);
      return stopShard(tx, shardId, 'aborted');
    case 'stopping':
      return onStopEnded(tx, shardId, shard.why, outcome);
    case 'closing':
      return onCloseEnded(tx, shardId, shard.connection, outcome);
    case 'sending':
      if (outcome.ok) {
        return onTransferEnded(tx, shardId, shard);
      }
      fail(tx, 'startMigration', shardId, outcome);
      return takeBack(tx, shardId, shard, 'its state could not be sent.');
    case 'preparing':
      if (outcome.ok) {
        return onPrepared(tx, shardId, shard);
      }
      abortPreparing(tx, shardId, shard, outcome.message);
      return fail(tx, 'prepareMigration', shardId, outcome);
    case 'resuming':
      return onResumeEnded(tx, shardId, shard, outcome);
    case 'announcing':
      return onAnnouncingEnded(tx, shardId, shard, outcome);
    case 'warming':
      return onWarmingEnded(tx, shardId, shard, outcome);
    case 'copying':
      return onCopyEnded(tx, shardId, shard, outcome);
    case 'freezing':
      return onFreezeEnded(tx, shardId, shard, outcome);
    case 'sendingDelta':
      return onDeltaEnded(tx, shardId, shard, outcome);
    case 'unfreezing':
      return onUnfreezeEnded(tx, shardId, outcome);
    case 'releasing':
      return onReleaseEnded(tx, shardId, shard, outcome);
    case 'opening':
      return onOpeningEnded(tx, shardId, shard, outcome);
    case 'activating':
      return onActivateEnded(tx, shardId, shard, outcome);
    case 'running':
    case 'closed':
    case 'sent':
    case 'staging':
    case 'announced':
    case 'offered':
    case 'copied':
    case 'frozen':
    case 'released':
    case 'collecting':
    case 'verified':
      return;
  }
}

function onStopEnded(tx: Transaction, shardId: number, why: StopReason, outcome: HostOutcome): void {
  const session = outcome.ok ? outcome.session : null;
  if (why === 'takenOver') {
    if (!outcome.ok) {
      fail(tx, 'stopShard', shardId, outcome);
    }
    return confirmGone(tx, shardId, session);
  }
  if (why === 'recover') {
    if (!outcome.ok) {
      fail(tx, 'stopShard', shardId, outcome);
      tx.enterShard(shardId, { kind: 'running' });
    } else if (session === null) {
      startShards(tx, [shardId]);
    } else {
      resumeShard(tx, shardId, session, 'takeBack');
    }
    return;
  }
  if (!outcome.ok) {
    fail(tx, 'stopShard', shardId, outcome);
  }
  if (why === 'command' && !outcome.ok && tx.lifecycle.kind === 'serving') {
    tx.enterShard(shardId, { kind: 'running' });
    return;
  }
  noteSession(tx, shardId, session);
  tx.enterShard(shardId, null);
  // A base-level orchestrator does not hear of failures, and may have been told meanwhile that the shard runs here.
  const isUnheard = tx.established !== null && !tx.negotiated('parallel-migrations');
  if (why === 'command' || (why === 'aborted' && (takeWaitingStop(tx, shardId) || isUnheard))) {
    say(tx, { kind: 'stopShard', shardId, session });
  }
}

function onCloseEnded(tx: Transaction, shardId: number, connection: number, outcome: HostOutcome): void {
  if (outcome.ok && outcome.session !== null) {
    return onClosed(tx, shardId, connection, outcome.session);
  }
  if (outcome.ok) {
    commandFailed(tx, 'prepareMigration', shardId, 'The host returned no gateway session from prepareTransferFrom.');
    return stopShard(tx, shardId, 'recover');
  }
  fail(tx, 'prepareMigration', shardId, outcome);
  if (outcome.timedOut) {
    return stopShard(tx, shardId, 'recover');
  }
  tx.enterShard(shardId, { kind: 'running' });
}

function onResumeEnded(
  tx: Transaction,
  shardId: number,
  shard: Extract<ShardState, { kind: 'resuming' }>,
  outcome: HostOutcome,
): void {
  if (outcome.ok) {
    tx.enterShard(shardId, { kind: 'running' });
    return;
  }
  if (shard.why === 'handover') {
    fail(tx, 'prepareMigration', shardId, outcome);
    return stopShard(tx, shardId, 'aborted');
  }
  tx.log('error', `Shard ${shardId} could not be resumed here and is started anew: ${outcome.message}`, {
    shard: shardId,
  });
  startShards(tx, [shardId]);
}

function fail(tx: Transaction, command: MessageKind, shardId: number, outcome: Failure): void {
  commandFailed(tx, command, shardId, outcome.message);
}
