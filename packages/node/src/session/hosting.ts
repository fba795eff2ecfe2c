/** What every part of the session does with a shard and its host: start it, resume it, stop it, say that something failed. */
import type { MessageKind } from '@dshard/protocol';
import type { Draft } from './draft.js';
import { say } from './outbox.js';
import type { Cursor, ResumeHow, ResumeReason, StopReason } from './state.js';

export function startShards(draft: Draft, shardIds: readonly number[]): void {
  const call = draft.call({ method: 'startShards', shardIds });
  for (const shardId of shardIds) {
    draft.enterShard(shardId, { kind: 'starting', call });
  }
}

/** @param how by default with everything that belongs to it, and what comes again marked if the session says so. */
export function resumeShard(
  draft: Draft,
  shardId: number,
  { redelivers, ...session }: Cursor,
  why: ResumeReason,
  how: ResumeHow | null = redelivers === true ? { stateLost: false, redelivers } : null,
): void {
  const request = { method: 'resumeShard', shardId, session, why } as const;
  const call = draft.call(how === null ? request : { ...request, how });
  draft.enterShard(shardId, { kind: 'resuming', call, session, why });
}

/** The session is kept, except when the whole bot goes down for good. */
export function stopShard(draft: Draft, shardId: number, why: StopReason): void {
  const keepSession = !(why === 'shutdown' && draft.lifecycle.kind === 'leaving' && draft.lifecycle.final);
  const call = draft.call({ method: 'stopShard', shardId, keepSession });
  draft.enterShard(shardId, { kind: 'stopping', call, why });
}

/** The shards run here: the answer to startShards, to a hand-over, and the news of a shard that was taken back. */
export function announceRunning(draft: Draft, shardIds: readonly number[]): void {
  if (shardIds.length > 0) {
    say(draft, { kind: 'startShards', shardIds });
  }
}

/** Logged, and told to an orchestrator that knows the message. */
export function commandFailed(
  draft: Draft,
  command: MessageKind,
  shardId: number,
  message: string,
  level: 'warn' | 'error' = 'error',
): void {
  draft.log(level, `${command} of shard ${shardId} failed: ${message}`, { shard: shardId, command });
  say(draft, { kind: 'commandFailed', command, shardId, message });
}

/** Logged, and told to the orchestrator of that migration; like all of a live migration it does not outlive its connection. */
export function transferFailed(
  draft: Draft,
  shardId: number,
  step: { kind: MessageKind; migrationId: string },
  reason: string,
): void {
  const { kind, migrationId } = step;
  draft.log('warn', `${kind} of shard ${shardId} failed: ${reason}`, { shard: shardId, migration: migrationId });
  draft.sendNow({ kind: 'transferFailed', migrationId, shardId, step: kind, reason });
}
