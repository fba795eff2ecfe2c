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
import { announcingEnded } from './announcing.js';
import { continueCommands, takeWaitingStop } from './commands.js';
import { abandonPreparing, prepared } from './destination.js';
import type { Draft } from './draft.js';
import { gone } from './epochs.js';
import type { HostOutcome } from './events.js';
import { announceRunning, commandFailed, resumeShard, startShards, stopShard } from './hosting.js';
import { leaveShard, leaveWhenEmpty, stopped } from './leaving.js';
import { activateEnded, openingEnded, warmingEnded } from './live-destination.js';
import { copyEnded, flushEnded, haltEnded, releaseEnded, thawEnded } from './live-origin.js';
import { frozen, takeBack, transferEnded } from './origin.js';
import { say } from './outbox.js';
import type { ShardState, StopReason } from './state.js';

type Failure = Extract<HostOutcome, { ok: false }>;

export function onCallEnded(draft: Draft, call: number, shardIds: readonly number[], outcome: HostOutcome): void {
  const concerned = shardIds.filter((shardId) => {
    const shard = draft.shard(shardId);
    return shard !== null && 'call' in shard && shard.call === call;
  });
  const running: number[] = [];
  for (const shardId of concerned) {
    const shard = draft.shard(shardId);
    if (shard !== null) {
      endOf(draft, shardId, shard, outcome);
      const isNews = shard.kind === 'starting' || shard.kind === 'resuming';
      running.push(...(isNews && outcome.ok && draft.kindOf(shardId) === 'running' ? [shardId] : []));
    }
  }
  // One answer for all shards of one startShards.
  announceRunning(draft, running);
  for (const shardId of concerned) {
    if (draft.lifecycle.kind === 'leaving') {
      leaveShard(draft, shardId);
    } else {
      continueCommands(draft, shardId);
    }
  }
  leaveWhenEmpty(draft);
}

function endOf(draft: Draft, shardId: number, shard: ShardState, outcome: HostOutcome): void {
  switch (shard.kind) {
    case 'starting':
      if (outcome.ok) {
        draft.enterShard(shardId, { kind: 'running' });
        return;
      }
      fail(draft, 'startShards', shardId, outcome);
      return stopShard(draft, shardId, 'withdrawn');
    case 'stopping':
      return stopEnded(draft, shardId, shard.why, outcome);
    case 'freezing':
      return freezeEnded(draft, shardId, shard.connection, outcome);
    case 'sending':
      if (outcome.ok) {
        return transferEnded(draft, shardId, shard);
      }
      fail(draft, 'startMigration', shardId, outcome);
      return takeBack(draft, shardId, shard, 'its state could not be sent.');
    case 'preparing':
      if (outcome.ok) {
        return prepared(draft, shardId, shard);
      }
      abandonPreparing(draft, shardId, shard, outcome.message);
      return fail(draft, 'prepareMigration', shardId, outcome);
    case 'resuming':
      return resumeEnded(draft, shardId, shard, outcome);
    case 'announcing':
      return announcingEnded(draft, shardId, shard, outcome);
    case 'warming':
      return warmingEnded(draft, shardId, shard, outcome);
    case 'copying':
      return copyEnded(draft, shardId, shard, outcome);
    case 'halting':
      return haltEnded(draft, shardId, shard, outcome);
    case 'flushing':
      return flushEnded(draft, shardId, shard, outcome);
    case 'thawing':
      return thawEnded(draft, shardId, outcome);
    case 'releasing':
      return releaseEnded(draft, shardId, shard, outcome);
    case 'opening':
      return openingEnded(draft, shardId, shard, outcome);
    case 'activating':
      return activateEnded(draft, shardId, shard, outcome);
    case 'running':
    case 'frozen':
    case 'held':
    case 'staging':
    case 'announced':
    case 'offered':
    case 'copied':
    case 'sealed':
    case 'released':
    case 'collecting':
    case 'verified':
      return;
  }
}

function stopEnded(draft: Draft, shardId: number, why: StopReason, outcome: HostOutcome): void {
  const session = outcome.ok ? outcome.session : null;
  if (why === 'takenOver') {
    if (!outcome.ok) {
      fail(draft, 'stopShard', shardId, outcome);
    }
    return gone(draft, shardId, session);
  }
  if (why === 'recover') {
    if (!outcome.ok) {
      fail(draft, 'stopShard', shardId, outcome);
      draft.enterShard(shardId, { kind: 'running' });
    } else if (session === null) {
      startShards(draft, [shardId]);
    } else {
      resumeShard(draft, shardId, session, 'takeBack');
    }
    return;
  }
  if (!outcome.ok) {
    fail(draft, 'stopShard', shardId, outcome);
  }
  if (why === 'command' && !outcome.ok && draft.lifecycle.kind === 'serving') {
    draft.enterShard(shardId, { kind: 'running' });
    return;
  }
  stopped(draft, shardId, session);
  draft.enterShard(shardId, null);
  // A base-level orchestrator does not hear of failures, and may have been told meanwhile that the shard runs here.
  const isUnheard = draft.established !== null && !draft.negotiated('parallel-migrations');
  if (why === 'command' || (why === 'withdrawn' && (takeWaitingStop(draft, shardId) || isUnheard))) {
    say(draft, { kind: 'stopShard', shardId, session });
  }
}

function freezeEnded(draft: Draft, shardId: number, connection: number, outcome: HostOutcome): void {
  if (outcome.ok && outcome.session !== null) {
    return frozen(draft, shardId, connection, outcome.session);
  }
  if (outcome.ok) {
    commandFailed(draft, 'prepareMigration', shardId, 'The host returned no gateway session from prepareTransferFrom.');
    return stopShard(draft, shardId, 'recover');
  }
  fail(draft, 'prepareMigration', shardId, outcome);
  if (outcome.timedOut) {
    return stopShard(draft, shardId, 'recover');
  }
  draft.enterShard(shardId, { kind: 'running' });
}

function resumeEnded(
  draft: Draft,
  shardId: number,
  shard: Extract<ShardState, { kind: 'resuming' }>,
  outcome: HostOutcome,
): void {
  if (outcome.ok) {
    draft.enterShard(shardId, { kind: 'running' });
    return;
  }
  if (shard.why === 'handover') {
    fail(draft, 'prepareMigration', shardId, outcome);
    return stopShard(draft, shardId, 'withdrawn');
  }
  draft.log('error', `Shard ${shardId} could not be resumed here and is started anew: ${outcome.message}`, {
    shard: shardId,
  });
  startShards(draft, [shardId]);
}

function fail(draft: Draft, command: MessageKind, shardId: number, outcome: Failure): void {
  commandFailed(draft, command, shardId, outcome.message);
}
