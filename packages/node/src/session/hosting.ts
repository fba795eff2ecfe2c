/**
 * What every part of the session does with a shard and its host: start it, resume it, stop it, say that something
 * failed.
 */
import type { MessageKind, ShardSession } from '@dshard/protocol';
import type { Transaction } from './transaction.js';
import { say } from './outbox.js';
import type { Cursor, ResumeHow, ResumeReason, StopReason } from './state.js';

export function startShards(tx: Transaction, shardIds: readonly number[]): void {
  const call = tx.call({ method: 'startShards', shardIds });
  for (const shardId of shardIds) {
    tx.enterShard(shardId, { kind: 'starting', call });
  }
}

/** @param how by default with everything that belongs to it, and what comes again marked if the session says so. */
export function resumeShard(
  tx: Transaction,
  shardId: number,
  { redelivers, ...session }: Cursor,
  why: ResumeReason,
  how: ResumeHow | null = redelivers === true ? { stateLost: false, redelivers } : null,
): void {
  const request = { method: 'resumeShard', shardId, session, why } as const;
  const call = tx.call(how === null ? request : { ...request, how });
  tx.enterShard(shardId, { kind: 'resuming', call, session, why });
}

/** A shard that was released goes on here after all. Another node may have gone on from its session. */
export function takeBack(tx: Transaction, shardId: number, session: Cursor): void {
  tx.log('warn', `Shard ${shardId} is taken back: the orchestrator wants it to run here.`, { shard: shardId });
  resumeShard(tx, shardId, session, 'takeBack', { stateLost: false, redelivers: true });
}

/** The session is kept, except when the whole bot goes down for good. */
export function stopShard(tx: Transaction, shardId: number, why: StopReason): void {
  const keepSession = !(why === 'shutdown' && tx.lifecycle.kind === 'leaving' && tx.lifecycle.final);
  const call = tx.call({ method: 'stopShard', shardId, keepSession });
  tx.enterShard(shardId, { kind: 'stopping', call, why });
}

/** The shards run here: the answer to startShards, to a migration, and the news of a shard that was taken back. */
export function announceRunning(tx: Transaction, shardIds: readonly number[]): void {
  if (shardIds.length > 0) {
    say(tx, { kind: 'startShards', shardIds });
  }
}

/** The answer to stopShard, and what another node's takeover is answered with: the shard is not here. */
export function answerGone(tx: Transaction, shardId: number, session: Cursor | null): void {
  say(tx, { kind: 'stopShard', shardId, session });
}

/** A stop for another node's takeover has ended, well or not: the shard is not ours either way. */
export function confirmGone(tx: Transaction, shardId: number, session: Cursor | null): void {
  tx.enterShard(shardId, null);
  tx.effect({ kind: 'released', shardId, takenOver: true });
  answerGone(tx, shardId, session);
}

/** The node leaves: a session for the answer to shutdown. */
export function noteSession(tx: Transaction, shardId: number, session: Cursor | null): void {
  const { lifecycle } = tx;
  if (lifecycle.kind === 'leaving' && session !== null && !lifecycle.final) {
    const entry: ShardSession = { shardId, ...session };
    tx.set({ lifecycle: { ...lifecycle, stopped: [...lifecycle.stopped, entry] } });
  }
}

/** Logged, and told to an orchestrator that knows the message. */
export function commandFailed(
  tx: Transaction,
  command: MessageKind,
  shardId: number,
  message: string,
  level: 'warn' | 'error' = 'error',
): void {
  tx.log(level, `${command} of shard ${shardId} failed: ${message}`, { shard: shardId, command });
  say(tx, { kind: 'commandFailed', command, shardId, message });
}

/**
 * Logged, and told to the orchestrator of that migration; like all of a live migration it does not outlive its
 * connection.
 */
export function transferFailed(
  tx: Transaction,
  shardId: number,
  step: { kind: MessageKind; migrationId: string },
  reason: string,
): void {
  const { kind, migrationId } = step;
  tx.log('warn', `${kind} of shard ${shardId} failed: ${reason}`, { shard: shardId, migration: migrationId });
  tx.sendNow({ kind: 'transferFailed', migrationId, shardId, step: kind, reason });
}
