/**
 * What the orchestrator asks for, shard by shard. One command per shard at a time: while a host call for the shard is
 * under way the others wait in order; different shards do not wait for each other. Commands are idempotent: asked for
 * again, what is already so is answered again. Waiting commands die with the connection they came on.
 */
import { announce } from './announcing.js';
import { announceRunning, commandFailed, startShards, stopShard, transferFailed } from './hosting.js';
import { abortStaging, prepareToReceive } from './destination.js';
import type { Transaction } from './transaction.js';
import { onTakenOver } from './epochs.js';
import { activate, abortIncoming, isCollecting, openIncoming, warmUp } from './live-destination.js';
import {
  answerReleased,
  abortServing,
  abortExport,
  copyState,
  freeze,
  isFrozenInTransfer,
  offer,
  release,
  servesInTransfer,
  unfreeze,
} from './live-origin.js';
import { beginTransfer, close, isLeaving, letGo, takeBack } from './origin.js';
import { say } from './outbox.js';
import type { Cursor, ShardCommand, ShardState, TransferCommand } from './state.js';

/** startShards names several shards: those that are free start in one host call. */
export function onStartShards(tx: Transaction, shardIds: readonly number[], connection: number): void {
  const free: number[] = [];
  const running: number[] = [];
  for (const shardId of new Set(shardIds)) {
    const kind = tx.kindOf(shardId);
    if (!isValid(tx, { kind: 'startShards' }, shardId)) {
      continue;
    }
    if (kind === 'absent') {
      free.push(shardId);
    } else if (kind === 'running') {
      running.push(shardId);
    } else {
      onCommand(tx, shardId, { kind: 'startShards' }, connection);
    }
  }
  announceRunning(tx, running);
  if (free.length > 0) {
    startShards(tx, free);
  }
}

export function onCommand(tx: Transaction, shardId: number, command: ShardCommand, connection: number): void {
  if (!isValid(tx, command, shardId)) {
    return;
  }
  const shard = tx.shard(shardId);
  if (command.kind === 'shardTakenOver' && isStarting(shard)) {
    onTakenOver(tx, shardId);
    return;
  }
  if (abortsResume(command, shard)) {
    // Its session goes back to the origin, so there is no waiting for RESUMED.
    tx.log('warn', `The hand-over of shard ${shardId} to this node is off.`, { shard: shardId });
    stopShard(tx, shardId, 'aborted');
    return;
  }
  if (command.kind === 'stopShard' && isResuming(shard)) {
    // Discord may be away for long.
    stopShard(tx, shardId, 'command');
    return;
  }
  if (!tx.isBusy(shardId)) {
    carryOut(tx, shardId, command, connection);
    return;
  }
  const waiting = tx.waitingFor(shardId);
  if (waiting.length >= tx.limits.commandsPerShard) {
    refuse(tx, command, shardId, `${waiting.length} commands for this shard already wait.`);
    return;
  }
  tx.setWaiting(shardId, [...waiting, { command, connection }]);
}

/** A shard's host call has ended: its next commands have their turn. */
export function continueCommands(tx: Transaction, shardId: number): void {
  for (;;) {
    const [next, ...rest] = tx.waitingFor(shardId);
    if (next === undefined || tx.isBusy(shardId)) {
      return;
    }
    tx.setWaiting(shardId, rest);
    carryOut(tx, shardId, next.command, next.connection);
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
export function takeWaitingStop(tx: Transaction, shardId: number): boolean {
  const [next, ...rest] = tx.waitingFor(shardId);
  if (next?.command.kind !== 'stopShard') {
    return false;
  }
  tx.setWaiting(shardId, rest);
  return true;
}

/** The shard is being resumed here for a hand-over that is off. */
function abortsResume(command: ShardCommand, shard: ShardState | null): boolean {
  if (command.kind === 'migrationAborted') {
    return (shard?.kind === 'resuming' && shard.why === 'handover') || shard?.kind === 'activating';
  }
  return command.kind === 'transferAbort' && shard?.kind === 'activating' && shard.migrationId === command.migrationId;
}

function refuse(tx: Transaction, command: ShardCommand, shardId: number, reason: string): void {
  if ('migrationId' in command) {
    transferFailed(tx, shardId, command, reason);
  } else {
    commandFailed(tx, command.kind, shardId, reason, 'warn');
  }
}

function isValid(tx: Transaction, command: ShardCommand, shardId: number): boolean {
  if (tx.totalShards !== null && shardId < tx.totalShards && shardId >= 0) {
    return true;
  }
  refuse(tx, command, shardId, `There is no shard ${shardId}; there are ${tx.totalShards ?? 0}.`);
  return false;
}

function carryOut(tx: Transaction, shardId: number, command: ShardCommand, connection: number): void {
  switch (command.kind) {
    case 'startShards':
      return start(tx, shardId);
    case 'stopShard':
      return stop(tx, shardId);
    case 'prepareMigration':
      return command.origin
        ? close(tx, shardId, connection)
        : prepareToReceive(tx, shardId, command.session, connection, command.takeover);
    case 'startMigration':
      return beginTransfer(tx, shardId, connection);
    case 'migrationAborted':
      return abort(tx, shardId, command.reason);
    case 'migrationFinished':
      return letGo(tx, shardId);
    case 'shardTakenOver':
      return onTakenOver(tx, shardId);
    case 'transferOpen':
      return command.role === 'origin'
        ? offer(tx, shardId, command, connection)
        : openDestination(tx, shardId, command, connection);
    case 'shardLeaving':
      return announce(tx, shardId, command, connection);
    case 'transferWarmUp':
      return warmUp(tx, shardId, command);
    case 'transferCopy':
      return copyState(tx, shardId, command);
    case 'transferFreeze':
      return freeze(tx, shardId, command);
    case 'transferRelease':
      return release(tx, shardId, command);
    case 'transferActivate':
      return activate(tx, shardId, command, connection);
    case 'transferDone':
      return onTransferDone(tx, shardId, command);
    case 'transferAbort':
      return abortTransfer(tx, shardId, command);
  }
}

function openDestination(
  tx: Transaction,
  shardId: number,
  command: Extract<TransferCommand, { kind: 'transferOpen' }>,
  connection: number,
): void {
  const shard = tx.shard(shardId);
  if (shard?.kind === 'staging') {
    abortStaging(tx, shardId, shard, 'The orchestrator began a live migration instead.');
  }
  openIncoming(tx, shardId, command, connection);
}

function start(tx: Transaction, shardId: number): void {
  const shard = tx.shard(shardId);
  if (shard?.kind === 'running' || servesInTransfer(shard)) {
    announceRunning(tx, [shardId]);
  } else if (isFrozenInTransfer(shard)) {
    unfreeze(tx, shardId, 'the orchestrator wants it to run here.');
    tx.whenFree(shardId, { kind: 'startShards' });
  } else if (isLeaving(shard)) {
    takeBack(tx, shardId, shard, 'the orchestrator wants it to run here.');
  } else {
    if (shard?.kind === 'staging') {
      abortStaging(tx, shardId, shard, 'The orchestrator wants it started instead.');
    } else if (isCollecting(shard)) {
      abortIncoming(tx, shardId, shard, 'The orchestrator wants it started instead.');
    }
    startShards(tx, [shardId]);
  }
}

function stop(tx: Transaction, shardId: number): void {
  const shard = tx.shard(shardId);
  if (servesInTransfer(shard) || isFrozenInTransfer(shard)) {
    abortExport(tx, shard, 'The orchestrator wants the shard stopped.');
  }
  if (shard?.kind === 'running' || servesInTransfer(shard) || isFrozenInTransfer(shard)) {
    stopShard(tx, shardId, 'command');
    return;
  }
  let session: Cursor | null = null;
  if (isLeaving(shard)) {
    session = shard.session;
    letGo(tx, shardId);
  } else if (shard?.kind === 'staging') {
    session = shard.how?.redelivers === true ? { ...shard.session, redelivers: true } : shard.session;
    abortStaging(tx, shardId, shard, 'The orchestrator wants it stopped.');
  } else if (isCollecting(shard)) {
    abortIncoming(tx, shardId, shard, 'The orchestrator wants it stopped.');
  }
  say(tx, { kind: 'stopShard', shardId, session });
}

function abort(tx: Transaction, shardId: number, reason: string): void {
  const shard = tx.shard(shardId);
  if (isLeaving(shard)) {
    takeBack(tx, shardId, shard, reason);
  } else if (shard?.kind === 'staging') {
    abortStaging(tx, shardId, shard, reason);
  } else {
    abortLive(tx, shardId, shard, reason);
  }
}

/** A live migration is off, wherever it stands before the point of no return. */
function abortLive(tx: Transaction, shardId: number, shard: ShardState | null, reason: string): void {
  if (servesInTransfer(shard)) {
    abortServing(tx, shardId, shard, reason);
  } else if (isFrozenInTransfer(shard)) {
    unfreeze(tx, shardId, reason);
  } else if (isCollecting(shard)) {
    abortIncoming(tx, shardId, shard, reason);
  }
}

/** transferAbort. An origin that has released the shard says so again: from there on it is only forward. */
function abortTransfer(
  tx: Transaction,
  shardId: number,
  command: Extract<TransferCommand, { kind: 'transferAbort' }>,
): void {
  const shard = tx.shard(shardId);
  const { migrationId, reason } = command;
  if (shard?.kind === 'released' && shard.migrationId === migrationId) {
    return answerReleased(tx, shardId, migrationId);
  }
  if (shard !== null && 'transfer' in shard && shard.transfer.migrationId === migrationId) {
    abortLive(tx, shardId, shard, reason);
  }
}

/** transferDone. */
function onTransferDone(tx: Transaction, shardId: number, command: TransferCommand): void {
  const shard = tx.shard(shardId);
  if (shard?.kind === 'released' && shard.migrationId === command.migrationId) {
    letGo(tx, shardId);
  }
}

/** The connection is lost: waiting commands are dropped, an origin goes on by itself, a destination aborts what it was given. */
export function abortMigrationsOf(tx: Transaction, connection: number): void {
  tx.abortAllWaiting();
  const reason = 'the connection to the orchestrator is lost.';
  for (const [shardId, shard] of tx.shards) {
    if ((shard.kind === 'closed' || shard.kind === 'sending') && shard.connection === connection) {
      takeBack(tx, shardId, shard, reason);
    } else if (shard.kind === 'staging' && shard.connection === connection) {
      abortStaging(tx, shardId, shard, reason);
    } else if ('transfer' in shard && shard.transfer.connection === connection) {
      abortLive(tx, shardId, shard, reason);
    }
  }
}
