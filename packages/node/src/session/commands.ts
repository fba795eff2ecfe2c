/**
 * What the orchestrator asks for, shard by shard. One command per shard at a time: while a host call for the shard is
 * under way the others wait in order; different shards do not wait for each other. Commands are idempotent: asked for
 * again, what is already so is answered again. Waiting commands die with the connection they came on.
 */
import { commandFailed, announceRunning, startShards, stopShard } from './hosting.js';
import { dropStaging, prepareToReceive } from './destination.js';
import type { Draft } from './draft.js';
import { beginTransfer, freeze, isLeaving, letGo, takeBack } from './origin.js';
import { say } from './outbox.js';
import type { Cursor, ShardCommand } from './state.js';

/** startShards names several shards: those that are free start in one host call. */
export function onStartShards(draft: Draft, shardIds: readonly number[], connection: number): void {
  const free: number[] = [];
  const running: number[] = [];
  for (const shardId of new Set(shardIds)) {
    const kind = draft.kindOf(shardId);
    if (!isValid(draft, 'startShards', shardId)) {
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
  if (!isValid(draft, command.kind, shardId)) {
    return;
  }
  const shard = draft.shard(shardId);
  if (command.kind === 'migrationAborted' && shard?.kind === 'resuming' && shard.why === 'handover') {
    // Its session goes back to the origin, so there is no waiting for RESUMED.
    draft.log('warn', `The hand-over of shard ${shardId} to this node is off: ${command.reason}`, { shard: shardId });
    stopShard(draft, shardId, 'withdrawn');
    return;
  }
  if (!draft.isBusy(shardId)) {
    carryOut(draft, shardId, command, connection);
    return;
  }
  const waiting = draft.waitingFor(shardId);
  if (waiting.length >= draft.limits.commandsPerShard) {
    commandFailed(draft, command.kind, shardId, `${waiting.length} commands for this shard already wait.`, 'warn');
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

function isValid(draft: Draft, command: ShardCommand['kind'], shardId: number): boolean {
  if (draft.totalShards !== null && shardId < draft.totalShards && shardId >= 0) {
    return true;
  }
  commandFailed(draft, command, shardId, `There is no shard ${shardId}; there are ${draft.totalShards ?? 0}.`, 'warn');
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
        : prepareToReceive(draft, shardId, command.session, connection);
    case 'startMigration':
      return beginTransfer(draft, shardId, connection);
    case 'migrationAborted':
      return abort(draft, shardId, command.reason);
    case 'migrationFinished':
      return letGo(draft, shardId);
  }
}

function start(draft: Draft, shardId: number): void {
  const shard = draft.shard(shardId);
  if (shard?.kind === 'running') {
    announceRunning(draft, [shardId]);
  } else if (isLeaving(shard)) {
    takeBack(draft, shardId, shard, 'the orchestrator wants it to run here.');
  } else {
    if (shard?.kind === 'staging') {
      dropStaging(draft, shardId, shard, 'The orchestrator wants it started instead.');
    }
    startShards(draft, [shardId]);
  }
}

function stop(draft: Draft, shardId: number): void {
  const shard = draft.shard(shardId);
  if (shard?.kind === 'running') {
    stopShard(draft, shardId, 'command');
    return;
  }
  let session: Cursor | null = null;
  if (isLeaving(shard)) {
    session = shard.session;
    letGo(draft, shardId);
  } else if (shard?.kind === 'staging') {
    session = shard.session;
    dropStaging(draft, shardId, shard, 'The orchestrator wants it stopped.');
  }
  say(draft, { kind: 'stopShard', shardId, session });
}

function abort(draft: Draft, shardId: number, reason: string): void {
  const shard = draft.shard(shardId);
  if (isLeaving(shard)) {
    takeBack(draft, shardId, shard, reason);
  } else if (shard?.kind === 'staging') {
    dropStaging(draft, shardId, shard, reason);
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
    }
  }
}
