/**
 * The node session, whole: plain data in, plain data out. No clock, no randomness, no I/O; the runtime (node.ts) makes
 * the events, executes the effects in order, and delivers `tick` when the last `wakeAt` says so.
 */
import { isAbout, isFrom, longestShardList, type Message, type MessageAbout, type MessageFrom } from '@dshard/protocol';
import { onCallEnded, onCommand, onStartShards } from './commands.js';
import { isStaged, onAllUserDataSent, onUserEvent, onUserEventHandled } from './destination.js';
import { cursorOf, Transaction } from './transaction.js';
import type { NodeEffect } from './effects.js';
import { currentOf, isCurrent, isTakenOver } from './epochs.js';
import type { NodeEvent } from './events.js';
import { askToLeave, beginLeaving, drainDue, endDraining, hurry, leave, leaveWhenEmpty, onNoted } from './leaving.js';
import {
  beginConnecting,
  onChallenge,
  onChallengeChecked,
  onConnected,
  onConnectFailed,
  onDisconnected,
  onIdentified,
  onNotLeader,
  onImpossible,
  onRefused,
  tickLink,
} from './link.js';
import { beatNow, beatSoon, nextBeat, onHeartbeatAck } from './heartbeat.js';
import { onTransferData, onManifest } from './live-destination.js';
import { onCredit } from './live-origin.js';
import { onUserEventProduced } from './origin.js';
import { onIdentifyGranted, onPermitEnded, onPermitRequested } from './permits.js';
import { ruleOf, SHARD_STATES } from './shard-states.js';
import type { NodeState } from './state.js';
import { isHeard, isTrusted } from './trust.js';

export type NodeDecision = { state: NodeState; effects: readonly NodeEffect[] };

export function decide(state: NodeState, event: NodeEvent, now: number): NodeDecision {
  if (state.lifecycle.kind === 'left') {
    return { state, effects: [] };
  }
  const tx = new Transaction(state, now, SHARD_STATES);
  react(tx, event);
  endDraining(tx);
  if (tx.cameUp) {
    beatSoon(tx);
  }
  if (tx.lifecycle.kind !== 'left') {
    tx.effect({ kind: 'wakeAt', at: nextWake(tx) });
  }
  return { state: tx.finish(), effects: tx.effects };
}

function react(tx: Transaction, event: NodeEvent): void {
  switch (event.kind) {
    case 'start':
      return tx.link.kind === 'idle' ? beginConnecting(tx, 0) : undefined;
    case 'close':
      return beginLeaving(tx, 'bot', false);
    case 'leave':
      return askToLeave(tx, event);
    case 'hurry':
      return hurry(tx);
    case 'tick':
      tickLink(tx);
      if (tx.isServing) {
        tickShards(tx);
      }
      return leaveWhenEmpty(tx);
    case 'departed':
      return leave(tx, true);
    case 'confirm':
      return beatNow(tx);
    case 'reportSoon':
      return beatSoon(tx);
    case 'connected':
      return onConnected(tx, event.connection, event.nonce);
    case 'connectFailed':
      return onConnectFailed(tx, event.reason, event.jitter);
    case 'disconnected':
      return onDisconnected(tx, event.connection, event.reason, event.jitter);
    case 'message':
      return onMessage(tx, event.connection, event.message);
    case 'challengeChecked':
      return onChallengeChecked(tx, event.connection, event.isRight);
    case 'callEnded':
      return onCallEnded(tx, event.call, event.shardIds, event.outcome);
    case 'userEventProduced':
      return onUserEventProduced(tx, event.shardId, event.call, event.eventId, event.body);
    case 'userEventHandled':
      return onUserEventHandled(tx, event);
    case 'permitRequested':
      return onPermitRequested(tx, event.shardId, event.request);
    case 'permitAborted':
      return onPermitEnded(tx, event.shardId, event.request, false);
    case 'permitFinished':
      return onPermitEnded(tx, event.shardId, event.request, event.ready);
  }
}

function tickShards(tx: Transaction): void {
  for (const [shardId, shard] of tx.shards) {
    const rule = ruleOf(shard);
    const deadline = rule.deadline?.(tx.limits, shard);
    if (deadline !== undefined && tx.now >= deadline) {
      rule.onDeadline?.(tx, shardId, shard);
    }
  }
}

function onMessage(tx: Transaction, connection: number, message: Message): void {
  const { link } = tx;
  if (link.kind === 'identifying' && link.connection === connection) {
    return onHandshakeMessage(tx, connection, message);
  }
  if (link.kind === 'established' && link.connection === connection) {
    return isHeard(link, message)
      ? onEstablishedMessage(tx, connection, message)
      : tx.log('warn', `The orchestrator is of the base level, and sent ${message.kind}; it is ignored.`);
  }
  // Of a connection that is over: nothing it says counts any more.
}

function onHandshakeMessage(tx: Transaction, connection: number, message: Message): void {
  if (message.kind === 'identified') {
    onIdentified(tx, connection, message);
  } else if (message.kind === 'challenge') {
    onChallenge(tx, connection, message);
  } else if (message.kind === 'rejected') {
    onRefused(tx, connection, message);
  } else if (message.kind === 'notLeader' && isTrusted(tx)) {
    onNotLeader(tx, connection, message);
  } else if (message.kind === 'shutdown' && isTrusted(tx)) {
    beginLeaving(tx, 'orchestrator', message.final);
  } else {
    tx.log('warn', `The orchestrator sent ${message.kind} before Identified; it is ignored.`);
  }
}

function onEstablishedMessage(tx: Transaction, connection: number, message: Message): void {
  if (longestShardList(message) > (tx.totalShards ?? 0)) {
    onImpossible(tx, connection, `${message.kind} names more shards than the ${tx.totalShards ?? 0} there are`);
  } else if (message.kind === 'heartbeatAck') {
    onHeartbeatAck(tx, message.sequence);
  } else if (message.kind === 'versionHealth') {
    tx.set({ versionFailing: message.failing });
  } else if (message.kind === 'identifyGranted') {
    onIdentifyGranted(tx, message.shardId);
  } else if (message.kind === 'rejected') {
    onRefused(tx, connection, message);
  } else if (message.kind === 'shutdown') {
    beginLeaving(tx, 'orchestrator', message.final);
  } else if (message.kind === 'shutdownNoted') {
    onNoted(tx);
  } else if (!isFrom('orchestrator', message) || !isAbout('shard', message)) {
    // What is about the fleet never comes here: fleet/fleet.ts takes it.
    tx.log('warn', `The orchestrator sent ${message.kind}, which means nothing here; it is ignored.`);
  } else if (tx.isServing) {
    onShardMessage(tx, connection, message);
  } else {
    tx.log('debug', `The node leaves; ${message.kind} is ignored.`);
  }
}

type ShardMessage = Extract<MessageFrom<'orchestrator'>, MessageAbout<'shard'>>;

function onShardMessage(tx: Transaction, connection: number, message: ShardMessage): void {
  switch (message.kind) {
    case 'startShards':
      return onStartShards(tx, currentOf(tx, message), connection);
    case 'resumeShards':
      for (const { shardId, takeover, epoch, ageMs, ...session } of message.shards) {
        if (isCurrent(tx, shardId, epoch, message.kind)) {
          onCommand(tx, shardId, { kind: message.kind, session: cursorOf(session), takeover, ageMs }, connection);
        }
      }
      return;
    case 'stopShard':
      if (isStaged(tx.shard(message.shardId)) || isCurrent(tx, message.shardId, message.epoch, message.kind)) {
        onCommand(tx, message.shardId, { kind: message.kind }, connection);
      }
      return;
    case 'shardTakenOver':
      if (isTakenOver(tx, message)) {
        onCommand(tx, message.shardId, { kind: message.kind }, connection);
      }
      return;
    case 'startMigration':
      return onCommand(tx, message.shardId, { kind: message.kind }, connection);
    case 'prepareMigration': {
      const { kind, origin, shardId, takeover } = message;
      if (isCurrent(tx, shardId, message.epoch, kind)) {
        onCommand(tx, shardId, { kind, origin, session: cursorOf(message.session), takeover }, connection);
      }
      return;
    }
    case 'userEvent':
      return onUserEvent(tx, message.eventId, message.body);
    case 'allUserDataSent':
      return onAllUserDataSent(tx, message.numEvents);
    case 'transferOpen':
      if (isCurrent(tx, message.shardId, message.epoch, message.kind)) {
        onCommand(tx, message.shardId, { ...message, session: cursorOf(message.session) }, connection);
      }
      return;
    case 'transferWarmUp':
      return onCommand(tx, message.shardId, { ...message, session: cursorOf(message.session) }, connection);
    case 'shardLeaving':
    case 'transferCopy':
    case 'transferFreeze':
    case 'transferRelease':
    case 'transferActivate':
    case 'transferDone':
    case 'transferAbort':
      return onCommand(tx, message.shardId, message, connection);
    case 'transferData':
      return onTransferData(tx, message);
    case 'transferCredit':
      return onCredit(tx, message);
    case 'transferManifest':
      return onManifest(tx, message);
  }
}

/** The earliest time at which something is due by itself. */
function nextWake(tx: Transaction): number | null {
  const due: number[] = [];
  switch (tx.link.kind) {
    case 'waiting':
      due.push(tx.link.until);
      break;
    case 'identifying':
      due.push(tx.link.deadline);
      break;
    case 'established': {
      const beat = nextBeat(tx);
      due.push(...(beat === null ? [] : [beat]));
      break;
    }
    case 'idle':
    case 'connecting':
    case 'closed':
      break;
  }
  due.push(...drainDue(tx));
  if (tx.isServing) {
    for (const shard of tx.shards.values()) {
      const deadline = ruleOf(shard).deadline?.(tx.limits, shard);
      due.push(...(deadline === undefined ? [] : [deadline]));
    }
  }
  return due.length === 0 ? null : Math.min(...due);
}
