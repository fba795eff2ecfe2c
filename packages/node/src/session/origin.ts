/**
 * A shard that leaves this node: running → freezing → frozen → sending → held → gone.
 *
 * Until everything is sent the shard is still ours: on a lost connection, an abort, a failing host or no progress for
 * `handoverTimeoutMs` it is resumed here from its own cursor. Once `allUserDataSent` is out another node may be resuming
 * it, so it is `held`: only the orchestrator can say that it moved (migrationFinished), is off (migrationAborted) or what
 * else becomes of it, if need be on a later connection. A base-level orchestrator says nothing of the kind; toward it
 * the shard is let go as soon as everything is sent, as the ancestor's nodes do.
 */
import { commandFailed, resumeShard } from './hosting.js';
import { stateProduced } from './live-origin.js';
import { say } from './outbox.js';
import type { Draft } from './draft.js';
import type { Cursor, ShardState } from './state.js';

/** `released` is where a live migration (live-origin.ts) meets this one: closed, kept, and the orchestrator's to decide on. */
type Leaving = Extract<ShardState, { kind: 'frozen' | 'sending' | 'held' | 'released' }>;

export function isLeaving(shard: ShardState | null): shard is Leaving {
  const kind = shard?.kind;
  return kind === 'frozen' || kind === 'sending' || kind === 'held' || kind === 'released';
}

/** prepareMigration{origin: true}. Asked again, it answers with what was recorded. */
export function freeze(draft: Draft, shardId: number, connection: number): void {
  const shard = draft.shard(shardId);
  if (isLeaving(shard)) {
    if (shard.kind === 'released' || shard.connection !== connection) {
      // Only a shard that was given away outlives its connection. A new hand-over sends everything again.
      draft.enterShard(shardId, { kind: 'frozen', connection, session: shard.session, since: draft.now });
    }
    answerFrozen(draft, shardId, shard.session);
    return;
  }
  if (shard?.kind !== 'running') {
    commandFailed(draft, 'prepareMigration', shardId, `This node does not run shard ${shardId}.`, 'warn');
    return;
  }
  const other = draft.negotiated('parallel-migrations') ? undefined : migrating(draft);
  if (other !== undefined) {
    commandFailed(
      draft,
      'prepareMigration',
      shardId,
      `Shard ${other} is being moved, and a base-level orchestrator can move one shard at a time.`,
      'warn',
    );
    return;
  }
  const call = draft.call({ method: 'prepareTransferFrom', shardId });
  draft.enterShard(shardId, { kind: 'freezing', call, connection });
}

/** The shard that is in a migration, if any. */
function migrating(draft: Draft): number | undefined {
  for (const [shardId, shard] of draft.shards) {
    if (isLeaving(shard) || ['freezing', 'preparing', 'staging'].includes(shard.kind)) {
      return shardId;
    }
  }
  return undefined;
}

export function frozen(draft: Draft, shardId: number, connection: number, session: Cursor): void {
  if (draft.established?.connection !== connection) {
    resumeShard(draft, shardId, session, 'takeBack');
    return;
  }
  draft.enterShard(shardId, { kind: 'frozen', connection, session, since: draft.now });
  answerFrozen(draft, shardId, session);
}

function answerFrozen(draft: Draft, shardId: number, session: Cursor): void {
  draft.sendNow({ kind: 'prepareMigration', origin: true, shardId, session });
}

/** startMigration. */
export function beginTransfer(draft: Draft, shardId: number, connection: number): void {
  const shard = draft.shard(shardId);
  if (shard?.kind === 'frozen') {
    const call = draft.call({ method: 'transferFrom', shardId });
    const { session } = shard;
    draft.enterShard(shardId, { kind: 'sending', call, connection, session, sent: 0, progressAt: draft.now });
    return;
  }
  if (shard?.kind === 'sending') {
    return;
  }
  if (shard?.kind === 'held' && shard.connection === connection) {
    say(draft, { kind: 'allUserDataSent', numEvents: shard.sent, shardId });
    return;
  }
  commandFailed(draft, 'startMigration', shardId, `Shard ${shardId} was not prepared to leave this node.`, 'warn');
}

/** A user event of the host. One of a transfer that is off is dropped: its `send` was told. */
export function userEventProduced(
  draft: Draft,
  shardId: number,
  call: number,
  eventId: number,
  body: Uint8Array,
): void {
  const shard = draft.shard(shardId);
  if (shard === null || !('call' in shard) || shard.call !== call) {
    return;
  }
  if (shard.kind === 'copying' || shard.kind === 'flushing') {
    return stateProduced(draft, shardId, shard, eventId, body);
  }
  if (shard.kind !== 'sending') {
    return;
  }
  draft.sendNow(
    draft.negotiated('parallel-migrations')
      ? { kind: 'shardUserEvent', shardId, eventId, body }
      : { kind: 'userEvent', eventId, body },
  );
  draft.updateShard(shardId, { ...shard, sent: shard.sent + 1, progressAt: draft.now });
}

export function transferEnded(draft: Draft, shardId: number, shard: Extract<ShardState, { kind: 'sending' }>): void {
  say(draft, { kind: 'allUserDataSent', numEvents: shard.sent, shardId });
  if (draft.negotiated('parallel-migrations')) {
    const { connection, session, sent } = shard;
    draft.enterShard(shardId, { kind: 'held', connection, session, sent });
    return;
  }
  letGo(draft, shardId);
}

/** The shard goes on here, from the cursor at which it stopped. */
export function takeBack(draft: Draft, shardId: number, shard: Leaving, reason: string): void {
  draft.log('warn', `Shard ${shardId} is taken back: ${reason}`, { shard: shardId });
  cancelSending(draft, shard, reason);
  // Past the point of no return another node may have gone on from this session.
  const wasGivenAway = shard.kind === 'held' || shard.kind === 'released';
  const how = wasGivenAway ? { stateLost: false, redelivers: true } : null;
  resumeShard(draft, shardId, shard.session, 'takeBack', how);
}

/** Somebody else runs the shard, or it is stopped: nothing of it is kept. */
export function letGo(draft: Draft, shardId: number, takenOver = false): void {
  const shard = draft.shard(shardId);
  if (!isLeaving(shard)) {
    return;
  }
  cancelSending(draft, shard, `Shard ${shardId} is not moved from here any more.`);
  draft.enterShard(shardId, null);
  draft.effect({ kind: 'released', shardId, takenOver });
}

function cancelSending(draft: Draft, shard: Leaving, reason: string): void {
  if (shard.kind === 'sending') {
    draft.effect({ kind: 'cancelTransfer', call: shard.call, reason });
  }
}

/** When an origin stops waiting for the next word. null: it is not waiting. */
export function handoverDeadline(draft: Draft, shard: ShardState): number | null {
  if (shard.kind === 'frozen') {
    return shard.since + draft.limits.handoverTimeoutMs;
  }
  return shard.kind === 'sending' ? shard.progressAt + draft.limits.handoverTimeoutMs : null;
}

export function tickOrigins(draft: Draft): void {
  for (const [shardId, shard] of draft.shards) {
    const deadline = handoverDeadline(draft, shard);
    if (isLeaving(shard) && deadline !== null && draft.now >= deadline) {
      const reason = `nothing happened for ${draft.limits.handoverTimeoutMs / 1000} s.`;
      commandFailed(
        draft,
        'startMigration',
        shardId,
        `The hand-over of shard ${shardId} stood still: ${reason}`,
        'warn',
      );
      takeBack(draft, shardId, shard, reason);
    }
  }
}
