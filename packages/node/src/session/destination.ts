/**
 * A shard that comes to this node: preparing → staging → resuming → running.
 *
 * While staging, the shard's user events are handled strictly in order, one at a time (the runtime keeps a lane per
 * staging; the counts here say when it is done). When as many are handled as `allUserDataSent` announced, the shard is
 * resumed and announced. A lost connection or an abort before that drops the staging. An orchestrator also resumes any
 * shard whose session it knows this way, with no origin and 0 events.
 *
 * What the host has not handled yet is bounded: above `stagedHighBytes` we stop reading from the orchestrator until half of
 * it is worked off.
 */
import type { Takeover } from '@dshard/protocol';
import type { Draft } from './draft.js';
import { commandFailed, resumeShard } from './hosting.js';
import { dropIncoming, isCollecting, stateHandled } from './live-destination.js';
import { isLeaving } from './origin.js';
import type { Cursor, ShardState } from './state.js';

type Staging = Extract<ShardState, { kind: 'staging' }>;

/**
 * prepareMigration{origin: false}. Asked again with the same session, it answers again.
 * @param takeover the shard comes without its state, and how its session is known.
 */
export function prepareToReceive(
  draft: Draft,
  shardId: number,
  session: Cursor | null,
  connection: number,
  takeover?: Takeover,
): void {
  if (session === null) {
    commandFailed(draft, 'prepareMigration', shardId, 'The orchestrator gave no usable gateway session.');
    return;
  }
  const shard = draft.shard(shardId);
  if (shard?.kind === 'staging') {
    if (sameSession(shard.session, session)) {
      answerReady(draft, shardId, session);
      return;
    }
    dropStaging(draft, shardId, shard, 'The orchestrator began the hand-over anew.');
  } else if (isCollecting(shard)) {
    dropIncoming(draft, shardId, shard, 'The orchestrator began a hand-over of the other kind.');
  } else if (shard !== null && shard.kind !== 'held' && shard.kind !== 'released') {
    commandFailed(
      draft,
      'prepareMigration',
      shardId,
      `This node already has shard ${shardId} (${shard.kind}).`,
      'warn',
    );
    return;
  }
  const isOwn = isLeaving(shard) && sameSession(shard.session, session);
  const how = takeover === undefined ? null : { stateLost: !isOwn, redelivers: takeover === 'checkpoint' };
  const call = draft.call({ method: 'prepareTransferTo', shardId, session });
  draft.enterShard(shardId, { kind: 'preparing', call, connection, session, how });
}

function sameSession(a: Cursor, b: Cursor): boolean {
  return a.sessionId === b.sessionId && a.sequence === b.sequence;
}

export function prepared(draft: Draft, shardId: number, shard: Extract<ShardState, { kind: 'preparing' }>): void {
  const { connection, session, call, how } = shard;
  if (draft.established?.connection !== connection) {
    abandonPreparing(draft, shardId, shard, 'The connection on which it was asked for is lost.');
    return;
  }
  draft.enterShard(shardId, {
    kind: 'staging',
    stage: call,
    connection,
    session,
    how,
    received: 0,
    handled: 0,
    pendingBytes: 0,
    expected: null,
  });
  answerReady(draft, shardId, session);
}

export function abandonPreparing(
  draft: Draft,
  shardId: number,
  shard: Extract<ShardState, { kind: 'preparing' }>,
  reason: string,
): void {
  draft.enterShard(shardId, null);
  draft.effect({ kind: 'dropStaging', stage: shard.call, shardId, reason });
}

function answerReady(draft: Draft, shardId: number, session: Cursor): void {
  draft.sendNow({ kind: 'prepareMigration', origin: false, shardId, session });
}

/** A user event; `named` is null from a base-level peer, which moves one shard at a time. */
export function userEventArrived(draft: Draft, named: number | null, eventId: number, body: Uint8Array): void {
  const shardId = named ?? onlyStaging(draft);
  const shard = shardId === null ? null : draft.shard(shardId);
  if (shardId === null || shard?.kind !== 'staging') {
    draft.log('warn', `User event ${eventId} belongs to no shard that is being handed to this node; it is dropped.`, {
      shard: named,
    });
    return;
  }
  const received = shard.received + 1;
  draft.updateShard(shardId, { ...shard, received, pendingBytes: shard.pendingBytes + body.byteLength });
  draft.effect({ kind: 'handleUserEvent', stage: shard.stage, shardId, eventId, body });
  keepReadingBounded(draft);
}

function onlyStaging(draft: Draft): number | null {
  const staging = [...draft.shards].filter(([, shard]) => shard.kind === 'staging');
  return staging.length === 1 ? (staging[0]?.[0] ?? null) : null;
}

export function userEventHandled(
  draft: Draft,
  shardId: number,
  stage: number,
  bytes: number,
  failure: string | null,
): void {
  const shard = draft.shard(shardId);
  if (shard?.kind === 'collecting' && shard.transfer.stage === stage) {
    return stateHandled(draft, shardId, shard, bytes, failure);
  }
  if (shard?.kind !== 'staging' || shard.stage !== stage) {
    return;
  }
  if (failure !== null) {
    dropStaging(draft, shardId, shard, failure);
    commandFailed(draft, 'userEvent', shardId, failure);
    return;
  }
  const next: Staging = { ...shard, handled: shard.handled + 1, pendingBytes: shard.pendingBytes - bytes };
  draft.updateShard(shardId, next);
  keepReadingBounded(draft);
  resumeWhenComplete(draft, shardId, next);
}

export function allUserDataArrived(draft: Draft, named: number | null, numEvents: number): void {
  const shardId = named ?? onlyStaging(draft);
  const shard = shardId === null ? null : draft.shard(shardId);
  if (shardId === null || shard?.kind !== 'staging') {
    draft.log('warn', 'allUserDataSent belongs to no shard that is being handed to this node; it is ignored.', {
      shard: named,
    });
    return;
  }
  if (shard.received > numEvents) {
    const reason = `${shard.received} user events came, and the origin says it sent ${numEvents}.`;
    dropStaging(draft, shardId, shard, reason);
    commandFailed(draft, 'allUserDataSent', shardId, reason);
    return;
  }
  const next: Staging = { ...shard, expected: numEvents };
  draft.updateShard(shardId, next);
  resumeWhenComplete(draft, shardId, next);
}

function resumeWhenComplete(draft: Draft, shardId: number, shard: Staging): void {
  if (shard.expected !== null && shard.handled >= shard.expected) {
    resumeShard(draft, shardId, shard.session, 'handover', shard.how);
  }
}

/** The shard does not come after all: nothing of it is kept. */
export function dropStaging(draft: Draft, shardId: number, shard: Staging, reason: string): void {
  draft.log('warn', `The hand-over of shard ${shardId} to this node is off: ${reason}`, { shard: shardId });
  draft.enterShard(shardId, null);
  draft.effect({ kind: 'dropStaging', stage: shard.stage, shardId, reason });
  keepReadingBounded(draft);
}

function keepReadingBounded(draft: Draft): void {
  const link = draft.established;
  if (link === null) {
    return;
  }
  let bytes = 0;
  for (const shard of draft.shards.values()) {
    bytes += shard.kind === 'staging' ? shard.pendingBytes : 0;
  }
  const high = draft.limits.stagedHighBytes;
  const paused = link.reading === 'paused' ? bytes > high / 2 : bytes > high;
  if (paused !== (link.reading === 'paused')) {
    draft.set({ link: { ...link, reading: paused ? 'paused' : 'open' } });
    draft.effect({ kind: 'reading', connection: link.connection, paused });
  }
}
