/**
 * What the orchestrator asks for, shard by shard. One command per shard at a time: while a host call for the shard is
 * under way the others wait in order; different shards do not wait for each other. Commands are idempotent: asked for
 * again, what is already so is answered again. Waiting commands die with the connection they came on.
 */
import { announce } from './announcing.js';
import { abortStaging, prepareToReceive, resumeHere } from './destination.js';
import type { HostOutcome } from './events.js';
import { announceRunning, commandFailed, startShards, transferFailed } from './hosting.js';
import { leaveWhenEmpty } from './leaving.js';
import { activate, openIncoming, warmUp } from './live-destination.js';
import { answerReleased, copyState, freeze, offer, release } from './live-origin.js';
import { freezeForBase, letGo, sendState } from './origin.js';
import { ruleOf } from './shard-states.js';
import type { ShardCommand, ShardState, TransferCommand } from './state.js';
import type { Transaction } from './transaction.js';

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
  if (!hasToWait(tx, shardId, command)) {
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

function hasToWait(tx: Transaction, shardId: number, command: ShardCommand): boolean {
  const shard = tx.shard(shardId);
  return tx.isBusy(shardId) && ruleOf(shard).isCutShort?.(shard, command) !== true;
}

/**
 * A host call has ended, for all the shards that it was for. One that is not the state's own call any more is stale.
 */
export function onCallEnded(tx: Transaction, call: number, shardIds: readonly number[], outcome: HostOutcome): void {
  const concerned = shardIds.filter((shardId) => {
    const shard = tx.shard(shardId);
    return shard !== null && 'call' in shard && shard.call === call;
  });
  const running: number[] = [];
  for (const shardId of concerned) {
    const shard = tx.shard(shardId);
    if (shard !== null) {
      ruleOf(shard).onCallEnd?.(tx, shardId, shard, outcome);
      const isNews = shard.kind === 'starting' || shard.kind === 'resuming';
      running.push(...(isNews && outcome.ok && tx.kindOf(shardId) === 'running' ? [shardId] : []));
    }
  }
  // One answer for all shards of one startShards.
  announceRunning(tx, running);
  for (const shardId of concerned) {
    const shard = tx.shard(shardId);
    if (tx.lifecycle.kind === 'leaving') {
      ruleOf(shard).onShutdown?.(tx, shardId, shard);
    } else {
      continueCommands(tx, shardId);
    }
  }
  leaveWhenEmpty(tx);
}

/** A shard's host call has ended: its next commands have their turn. */
function continueCommands(tx: Transaction, shardId: number): void {
  for (;;) {
    const [next, ...rest] = tx.waitingFor(shardId);
    if (next === undefined || hasToWait(tx, shardId, next.command)) {
      return;
    }
    tx.setWaiting(shardId, rest);
    carryOut(tx, shardId, next.command, next.connection);
  }
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
  const shard = tx.shard(shardId);
  const rule = ruleOf(shard);
  switch (command.kind) {
    case 'startShards':
      return rule.onStart?.(tx, shardId, shard);
    case 'stopShard':
      return rule.onStop?.(tx, shardId, shard);
    case 'resumeShards':
      return resumeHere(tx, shardId, command, connection);
    case 'prepareMigration':
      return command.origin
        ? freezeForBase(tx, shardId, connection)
        : prepareToReceive(tx, shardId, command.session, connection, command.takeover);
    case 'startMigration':
      return sendState(tx, shardId);
    case 'shardTakenOver':
      return takenOver(tx, shardId, shard);
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

/** Another node has the shard: whatever it is doing here ends. */
function takenOver(tx: Transaction, shardId: number, shard: ShardState | null): void {
  if (shard !== null) {
    tx.log('warn', `Shard ${shardId} was taken over by another node; this one lets go of it.`, { shard: shardId });
  }
  ruleOf(shard).onTakenOver?.(tx, shardId, shard);
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
  if (shard !== null && migrationOf(shard) === migrationId) {
    ruleOf(shard).onAbort?.(tx, shardId, shard, reason);
  }
}

function migrationOf(shard: ShardState): string | null {
  if ('transfer' in shard) {
    return shard.transfer.migrationId;
  }
  return shard.kind === 'activating' ? shard.migrationId : null;
}

/** transferDone. */
function onTransferDone(tx: Transaction, shardId: number, command: TransferCommand): void {
  const shard = tx.shard(shardId);
  if (shard?.kind === 'released' && shard.migrationId === command.migrationId) {
    letGo(tx, shardId);
  }
}

/**
 * The connection is lost: waiting commands are dropped, an origin goes on by itself, a destination aborts what it was
 * given.
 */
export function abortMigrationsOf(tx: Transaction, connection: number): void {
  tx.abortAllWaiting();
  const reason = 'the connection to the orchestrator is lost.';
  for (const [shardId, shard] of tx.shards) {
    const askedFor = 'transfer' in shard ? shard.transfer.connection : 'connection' in shard ? shard.connection : null;
    if (askedFor === connection) {
      ruleOf(shard).onDisconnect?.(tx, shardId, shard, reason);
    }
  }
}
