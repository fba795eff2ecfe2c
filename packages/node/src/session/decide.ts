/**
 * The node session, whole: plain data in, plain data out. No clock, no randomness, no I/O; the runtime (node.ts) makes
 * the events, executes the effects in order, and delivers `tick` when the last `wakeAt` says so.
 */
import type { Message, MessageOf } from '@dshard/protocol';
import { onCommand, onStartShards } from './commands.js';
import { allUserDataArrived, userEventArrived, userEventHandled } from './destination.js';
import { cursorOf, Draft } from './draft.js';
import type { NodeEffect } from './effects.js';
import { currentOf, isCurrent, isTakenOver } from './epochs.js';
import type { NodeEvent } from './events.js';
import { beginLeaving, leave, leaveWhenEmpty } from './leaving.js';
import {
  beginConnecting,
  onConnected,
  onConnectFailed,
  onDisconnected,
  onIdentified,
  refused,
  tickLink,
} from './link.js';
import { beatNow, beatSoon, nextBeat, onHeartbeatAck } from './heartbeat.js';
import { dataCame, manifestCame } from './live-destination.js';
import { creditCame, freezeDeadline, tickFrozen } from './live-origin.js';
import { handoverDeadline, tickOrigins, userEventProduced } from './origin.js';
import { onCallEnded } from './outcomes.js';
import { onIdentifyGranted, onPermitEnded, onPermitRequested } from './permits.js';
import type { NodeState } from './state.js';

export type NodeDecision = { state: NodeState; effects: readonly NodeEffect[] };

export function decide(state: NodeState, event: NodeEvent, now: number): NodeDecision {
  if (state.lifecycle.kind === 'left') {
    return { state, effects: [] };
  }
  const draft = new Draft(state, now);
  react(draft, event);
  if (draft.cameUp) {
    beatSoon(draft);
  }
  if (draft.lifecycle.kind !== 'left') {
    draft.effect({ kind: 'wakeAt', at: nextWake(draft) });
  }
  return { state: draft.finish(), effects: draft.effects };
}

function react(draft: Draft, event: NodeEvent): void {
  switch (event.kind) {
    case 'start':
      return draft.link.kind === 'idle' ? beginConnecting(draft, 0) : undefined;
    case 'close':
      return beginLeaving(draft, 'bot', false);
    case 'tick':
      tickLink(draft);
      if (draft.lifecycle.kind === 'serving') {
        tickOrigins(draft);
        tickFrozen(draft);
      }
      return leaveWhenEmpty(draft);
    case 'departed':
      return leave(draft);
    case 'confirm':
      return beatNow(draft);
    case 'connected':
      return onConnected(draft, event.connection);
    case 'connectFailed':
      return onConnectFailed(draft, event.reason, event.jitter);
    case 'disconnected':
      return onDisconnected(draft, event.connection, event.reason, event.jitter);
    case 'message':
      return onMessage(draft, event.connection, event.message);
    case 'callEnded':
      return onCallEnded(draft, event.call, event.shardIds, event.outcome);
    case 'userEventProduced':
      return userEventProduced(draft, event.shardId, event.call, event.eventId, event.body);
    case 'userEventHandled':
      return userEventHandled(draft, event.shardId, event.stage, event.bytes, event.failure);
    case 'permitRequested':
      return onPermitRequested(draft, event.shardId, event.request);
    case 'permitWithdrawn':
      return onPermitEnded(draft, event.shardId, event.request, false);
    case 'permitFinished':
      return onPermitEnded(draft, event.shardId, event.request, event.ready);
  }
}

function onMessage(draft: Draft, connection: number, message: Message): void {
  const { link } = draft;
  if (link.kind === 'identifying' && link.connection === connection) {
    return onHandshakeMessage(draft, connection, message);
  }
  if (link.kind === 'established' && link.connection === connection) {
    return onEstablishedMessage(draft, connection, message);
  }
  // Of a connection that is over: nothing it says counts any more.
}

function onHandshakeMessage(draft: Draft, connection: number, message: Message): void {
  if (message.kind === 'identified') {
    onIdentified(draft, connection, message);
  } else if (message.kind === 'rejected') {
    refused(draft, connection, message);
  } else if (message.kind === 'shutdown') {
    beginLeaving(draft, 'orchestrator', message.final);
  } else {
    draft.log('warn', `The orchestrator sent ${message.kind} before Identified; it is ignored.`);
  }
}

function onEstablishedMessage(draft: Draft, connection: number, message: Message): void {
  switch (message.kind) {
    case 'heartbeatAck':
      return onHeartbeatAck(draft, message.sequence);
    case 'identifyGranted':
      return onIdentifyGranted(draft, message.shardId);
    case 'rejected':
      return refused(draft, connection, message);
    case 'shutdown':
      return beginLeaving(draft, 'orchestrator', message.final);
    case 'identify':
    case 'identified':
    case 'heartbeat':
    case 'commandFailed':
    case 'identifyRequest':
    case 'identifyFinished':
    case 'transferOpened':
    case 'transferCopied':
    case 'shardMayLeave':
    case 'transferWarm':
    case 'transferVerified':
    case 'transferReleased':
    case 'transferActivated':
    // Calls of the fleet never come here: fleet/fleet.ts takes them.
    case 'callStart':
    case 'callAsk':
    case 'callAnswer':
    case 'callEnded':
    // Nor do those of jobs: fleet/jobs.ts.
    case 'jobMark':
    case 'jobMarked':
    case 'rolloutRequest':
    case 'rolloutAnswer':
    case 'transferFailed':
      return draft.log('warn', `The orchestrator sent ${message.kind}, which means nothing here; it is ignored.`);
    case 'startShards':
    case 'stopShard':
    case 'startMigration':
    case 'migrationFinished':
    case 'migrationAborted':
    case 'prepareMigration':
    case 'shardTakenOver':
    case 'userEvent':
    case 'shardUserEvent':
    case 'allUserDataSent':
    case 'shardLeaving':
    case 'transferWarmUp':
    case 'transferOpen':
    case 'transferCopy':
    case 'transferData':
    case 'transferCredit':
    case 'transferFreeze':
    case 'transferManifest':
    case 'transferRelease':
    case 'transferActivate':
    case 'transferDone':
    case 'transferAbort':
      return draft.lifecycle.kind === 'serving'
        ? onShardMessage(draft, connection, message)
        : draft.log('debug', `The node leaves; ${message.kind} is ignored.`);
  }
}

type ShardMessage = MessageOf<
  | 'startShards'
  | 'stopShard'
  | 'startMigration'
  | 'migrationFinished'
  | 'migrationAborted'
  | 'prepareMigration'
  | 'shardTakenOver'
  | 'userEvent'
  | 'shardUserEvent'
  | 'allUserDataSent'
  | 'shardLeaving'
  | 'transferWarmUp'
  | 'transferOpen'
  | 'transferCopy'
  | 'transferData'
  | 'transferCredit'
  | 'transferFreeze'
  | 'transferManifest'
  | 'transferRelease'
  | 'transferActivate'
  | 'transferDone'
  | 'transferAbort'
>;

function onShardMessage(draft: Draft, connection: number, message: ShardMessage): void {
  switch (message.kind) {
    case 'startShards':
      return onStartShards(draft, currentOf(draft, message), connection);
    case 'stopShard':
      if (isCurrent(draft, message.shardId, message.epoch, message.kind)) {
        onCommand(draft, message.shardId, { kind: message.kind }, connection);
      }
      return;
    case 'shardTakenOver':
      if (isTakenOver(draft, message)) {
        onCommand(draft, message.shardId, { kind: message.kind }, connection);
      }
      return;
    case 'startMigration':
    case 'migrationFinished':
      return onCommand(draft, message.shardId, { kind: message.kind }, connection);
    case 'migrationAborted':
      return onCommand(draft, message.shardId, { kind: message.kind, reason: message.reason }, connection);
    case 'prepareMigration': {
      const { kind, origin, shardId, takeover } = message;
      if (isCurrent(draft, shardId, message.epoch, kind)) {
        onCommand(draft, shardId, { kind, origin, session: cursorOf(message.session), takeover }, connection);
      }
      return;
    }
    case 'userEvent':
      return userEventArrived(draft, null, message.eventId, message.body);
    case 'shardUserEvent':
      return userEventArrived(draft, message.shardId, message.eventId, message.body);
    case 'allUserDataSent':
      return allUserDataArrived(draft, message.shardId, message.numEvents);
    case 'transferOpen':
      if (isCurrent(draft, message.shardId, message.epoch, message.kind)) {
        onCommand(draft, message.shardId, { ...message, session: cursorOf(message.session) }, connection);
      }
      return;
    case 'transferWarmUp':
      return onCommand(draft, message.shardId, { ...message, session: cursorOf(message.session) }, connection);
    case 'shardLeaving':
    case 'transferCopy':
    case 'transferFreeze':
    case 'transferRelease':
    case 'transferActivate':
    case 'transferDone':
    case 'transferAbort':
      return onCommand(draft, message.shardId, message, connection);
    case 'transferData':
      return dataCame(draft, message);
    case 'transferCredit':
      return creditCame(draft, message);
    case 'transferManifest':
      return manifestCame(draft, message);
  }
}

/** The earliest time at which something is due by itself. */
function nextWake(draft: Draft): number | null {
  const due: number[] = [];
  switch (draft.link.kind) {
    case 'waiting':
      due.push(draft.link.until);
      break;
    case 'identifying':
      due.push(draft.link.deadline);
      break;
    case 'established': {
      const beat = nextBeat(draft);
      due.push(...(beat === null ? [] : [beat]));
      break;
    }
    case 'idle':
    case 'connecting':
    case 'closed':
      break;
  }
  if (draft.lifecycle.kind === 'leaving') {
    due.push(draft.lifecycle.deadline);
  } else if (draft.lifecycle.kind === 'serving') {
    for (const shard of draft.shards.values()) {
      const deadline = handoverDeadline(draft, shard) ?? freezeDeadline(shard);
      due.push(...(deadline === null ? [] : [deadline]));
    }
  }
  return due.length === 0 ? null : Math.min(...due);
}
