/**
 * What the orchestrator asks for, shard by shard. One command per shard at a time: while a host call for the shard is
 * under way the others wait in order; different shards do not wait for each other. Commands are idempotent: asked for
 * again, what is already so is answered again. Waiting commands die with the connection they came on.
 */
import { announce } from './announcing.js';
import { announceRunning, commandFailed, startShards, stopShard, transferFailed } from './hosting.js';
import { dropStaging, prepareToReceive } from './destination.js';
import type { Draft } from './draft.js';
import { giveUp } from './epochs.js';
import { activate, dropIncoming, isCollecting, openIncoming, warmUp } from './live-destination.js';
import {
  answerReleased,
  callOff,
  cancelExport,
  copy,
  halt,
  isFrozenInTransfer,
  offer,
  release,
  servesInTransfer,
  thaw,
} from './live-origin.js';
import { beginTransfer, freeze, isLeaving, letGo, takeBack } from './origin.js';
import { say } from './outbox.js';
import type { Cursor, ShardCommand, ShardState, TransferCommand } from './state.js';

/** startShards names several shards: those that are free start in one host call. */
export function onStartShards(draft: Draft, shardIds: readonly number[], connection: number): void {
  const free: number[] = [];
  const running: number[] = [];
  for (const shardId of new Set(shardIds)) {
    const kind = draft.kindOf(shardId);
    if (!isValid(draft, { kind: 'startShards' }, shardId)) {
      continue;
    }
    if (kind === 'absent') {
      free.push(shardId);
    } else if (kind === 'running') {
      running.push(shardId);
    } else {
      onCommand(draft, shardId, { kind: 'startShards' }, connection);
    }
  }
  announceRunning(draft, running);
  if (free.length > 0) {
    startShards(draft, free);
  }
}

export function onCommand(draft: Draft, shardId: number, command: ShardCommand, connection: number): void {
  if (!isValid(draft, command, shardId)) {
    return;
  }
  const shard = draft.shard(shardId);
  if (command.kind === 'shardTakenOver' && isStarting(shard)) {
    giveUp(draft, shardId);
    return;
  }
  if (withdraws(command, shard)) {
    // Its session goes back to the origin, so there is no waiting for RESUMED.
    draft.log('warn', `The hand-over of shard ${shardId} to this node is off.`, { shard: shardId });
    stopShard(draft, shardId, 'withdrawn');
    return;
  }
  if (command.kind === 'stopShard' && isResuming(shard)) {
    // Discord may be away for long.
    stopShard(draft, shardId, 'command');
    return;
  }
  if (!draft.isBusy(shardId)) {
    carryOut(draft, shardId, command, connection);
    return;
  }
  const waiting = draft.waitingFor(shardId);
  if (waiting.length >= draft.limits.commandsPerShard) {
    refuse(draft, command, shardId, `${waiting.length} commands for this shard already wait.`);
    return;
  }
  draft.setWaiting(shardId, [...waiting, { command, connection }]);
}

/** A shard's host call has ended: its next commands have their turn. */
export function continueCommands(draft: Draft, shardId: number): void {
  for (;;) {
    const [next, ...rest] = draft.waitingFor(shardId);
    if (next === undefined || draft.isBusy(shardId)) {
      return;
    }
    draft.setWaiting(shardId, rest);
    carryOut(draft, shardId, next.command, next.connection);
  }
}

/** The host calls that a stop may cut short. */
function isStarting(shard: ShardState | null): boolean {
  return shard?.kind === 'starting' || isResuming(shard);
}

function isResuming(shard: ShardState | null): boolean {
  return shard?.kind === 'resuming' || shard?.kind === 'activating';
}

/**
 * Whether a stop is what comes next for the shard; it is taken, and the caller answers it: only the stop under way knows the cursor, which
 * has moved since whoever asked for it last heard of it.
 */
export function takeWaitingStop(draft: Draft, shardId: number): boolean {
  const [next, ...rest] = draft.waitingFor(shardId);
  if (next?.command.kind !== 'stopShard') {
    return false;
  }
  draft.setWaiting(shardId, rest);
  return true;
}

/** The shard is being resumed here for a hand-over that is off. */
function withdraws(command: ShardCommand, shard: ShardState | null): boolean {
  if (command.kind === 'migrationAborted') {
    return (shard?.kind === 'resuming' && shard.why === 'handover') || shard?.kind === 'activating';
  }
  return command.kind === 'transferAbort' && shard?.kind === 'activating' && shard.migrationId === command.migrationId;
}

function refuse(draft: Draft, command: ShardCommand, shardId: number, reason: string): void {
  if ('migrationId' in command) {
    transferFailed(draft, shardId, command, reason);
  } else {
    commandFailed(draft, command.kind, shardId, reason, 'warn');
  }
}

function isValid(draft: Draft, command: ShardCommand, shardId: number): boolean {
  if (draft.totalShards !== null && shardId < draft.totalShards && shardId >= 0) {
    return true;
  }
  refuse(draft, command, shardId, `There is no shard ${shardId}; there are ${draft.totalShards ?? 0}.`);
  return false;
}

function carryOut(draft: Draft, shardId: number, command: ShardCommand, connection: number): void {
  switch (command.kind) {
    case 'startShards':
      return start(draft, shardId);
    case 'stopShard':
      return stop(draft, shardId);
    case 'prepareMigration':
      return command.origin
        ? freeze(draft, shardId, connection)
        : prepareToReceive(draft, shardId, command.session, connection, command.takeover);
    case 'startMigration':
      return beginTransfer(draft, shardId, connection);
    case 'migrationAborted':
      return abort(draft, shardId, command.reason);
    case 'migrationFinished':
      return letGo(draft, shardId);
    case 'shardTakenOver':
      return giveUp(draft, shardId);
    case 'transferOpen':
      return command.role === 'origin'
        ? offer(draft, shardId, command, connection)
        : openDestination(draft, shardId, command, connection);
    case 'shardLeaving':
      return announce(draft, shardId, command, connection);
    case 'transferWarmUp':
      return warmUp(draft, shardId, command);
    case 'transferCopy':
      return copy(draft, shardId, command);
    case 'transferFreeze':
      return halt(draft, shardId, command);
    case 'transferRelease':
      return release(draft, shardId, command);
    case 'transferActivate':
      return activate(draft, shardId, command, connection);
    case 'transferDone':
      return done(draft, shardId, command);
    case 'transferAbort':
      return abortTransfer(draft, shardId, command);
  }
}

function openDestination(
  draft: Draft,
  shardId: number,
  command: Extract<TransferCommand, { kind: 'transferOpen' }>,
  connection: number,
): void {
  const shard = draft.shard(shardId);
  if (shard?.kind === 'staging') {
    dropStaging(draft, shardId, shard, 'The orchestrator began a live migration instead.');
  }
  openIncoming(draft, shardId, command, connection);
}

function start(draft: Draft, shardId: number): void {
  const shard = draft.shard(shardId);
  if (shard?.kind === 'running' || servesInTransfer(shard)) {
    announceRunning(draft, [shardId]);
  } else if (isFrozenInTransfer(shard)) {
    thaw(draft, shardId, 'the orchestrator wants it to run here.');
    draft.whenFree(shardId, { kind: 'startShards' });
  } else if (isLeaving(shard)) {
    takeBack(draft, shardId, shard, 'the orchestrator wants it to run here.');
  } else {
    if (shard?.kind === 'staging') {
      dropStaging(draft, shardId, shard, 'The orchestrator wants it started instead.');
    } else if (isCollecting(shard)) {
      dropIncoming(draft, shardId, shard, 'The orchestrator wants it started instead.');
    }
    startShards(draft, [shardId]);
  }
}

function stop(draft: Draft, shardId: number): void {
  const shard = draft.shard(shardId);
  if (servesInTransfer(shard) || isFrozenInTransfer(shard)) {
    cancelExport(draft, shard, 'The orchestrator wants the shard stopped.');
  }
  if (shard?.kind === 'running' || servesInTransfer(shard) || isFrozenInTransfer(shard)) {
    stopShard(draft, shardId, 'command');
    return;
  }
  let session: Cursor | null = null;
  if (isLeaving(shard)) {
    session = shard.session;
    letGo(draft, shardId);
  } else if (shard?.kind === 'staging') {
    session = shard.how?.redelivers === true ? { ...shard.session, redelivers: true } : shard.session;
    dropStaging(draft, shardId, shard, 'The orchestrator wants it stopped.');
  } else if (isCollecting(shard)) {
    dropIncoming(draft, shardId, shard, 'The orchestrator wants it stopped.');
  }
  say(draft, { kind: 'stopShard', shardId, session });
}

function abort(draft: Draft, shardId: number, reason: string): void {
  const shard = draft.shard(shardId);
  if (isLeaving(shard)) {
    takeBack(draft, shardId, shard, reason);
  } else if (shard?.kind === 'staging') {
    dropStaging(draft, shardId, shard, reason);
  } else {
    undo(draft, shardId, shard, reason);
  }
}

/** A live migration is off, wherever it stands before the point of no return. */
function undo(draft: Draft, shardId: number, shard: ShardState | null, reason: string): void {
  if (servesInTransfer(shard)) {
    callOff(draft, shardId, shard, reason);
  } else if (isFrozenInTransfer(shard)) {
    thaw(draft, shardId, reason);
  } else if (isCollecting(shard)) {
    dropIncoming(draft, shardId, shard, reason);
  }
}

/** transferAbort. An origin that has released the shard says so again: from there on it is only forward. */
function abortTransfer(
  draft: Draft,
  shardId: number,
  command: Extract<TransferCommand, { kind: 'transferAbort' }>,
): void {
  const shard = draft.shard(shardId);
  const { migrationId, reason } = command;
  if (shard?.kind === 'released' && shard.migrationId === migrationId) {
    return answerReleased(draft, shardId, migrationId);
  }
  if (shard !== null && 'transfer' in shard && shard.transfer.migrationId === migrationId) {
    undo(draft, shardId, shard, reason);
  }
}

/** transferDone. */
function done(draft: Draft, shardId: number, command: TransferCommand): void {
  const shard = draft.shard(shardId);
  if (shard?.kind === 'released' && shard.migrationId === command.migrationId) {
    letGo(draft, shardId);
  }
}

/** The connection is gone: what still waits is dropped, an origin goes on by itself, a destination drops what it was given. */
export function dropMigrationsOf(draft: Draft, connection: number): void {
  draft.dropAllWaiting();
  const reason = 'the connection to the orchestrator is lost.';
  for (const [shardId, shard] of draft.shards) {
    if ((shard.kind === 'frozen' || shard.kind === 'sending') && shard.connection === connection) {
      takeBack(draft, shardId, shard, reason);
    } else if (shard.kind === 'staging' && shard.connection === connection) {
      dropStaging(draft, shardId, shard, reason);
    } else if ('transfer' in shard && shard.transfer.connection === connection) {
      undo(draft, shardId, shard, reason);
    }
  }
}
