/**
 * A shard that comes to this node: preparing → staging → resuming → running.
 *
 * While staging, the shard's user events are handled strictly in order, one at a time (the runtime keeps a lane per
 * staging; the counts here say when it is done). When as many are handled as `allUserDataSent` announced, the shard is
 * resumed and announced. A lost connection or an abort before that drops the staging. An orchestrator also resumes any
 * shard whose session it knows this way, with no origin and 0 events, or by resumeShards: preparing → resuming →
 * running.
 *
 * What the host has not handled yet is bounded: above `stagedHighBytes` we stop reading from the orchestrator until
 * half of it is worked off.
 */
import type { Takeover } from '@dshard/protocol';
import type { Transaction } from './transaction.js';
import type { HostOutcome, NodeEvent } from './events.js';
import { commandFailed, resumeShard } from './hosting.js';
import { abortIncoming, onStateHandled } from './live-destination.js';
import { COLLECTED, isOneOf } from './state.js';
import type { Cursor, ResumeHow, ShardCommand, ShardOf, ShardState } from './state.js';

type Staging = ShardOf<'staging'>;

/**
 * prepareMigration{origin: false}. Asked again with the same session, it answers again.
 * @param takeover the shard comes without its state, and how its session is known.
 */
export function prepareToReceive(
  tx: Transaction,
  shardId: number,
  session: Cursor | null,
  connection: number,
  takeover?: Takeover,
): void {
  const shard = tx.shard(shardId);
  if (shard?.kind === 'staging' && session !== null && sameSession(shard.session, session)) {
    answerReady(tx, shardId, session);
    return;
  }
  const how = howToResume(shard, session, takeover);
  prepare(tx, shardId, 'prepareMigration', session, { connection, how, next: 'stage' });
}

/** resumeShards: the shard comes here, and nobody hands it over. */
export function resumeHere(
  tx: Transaction,
  shardId: number,
  { session, takeover, ageMs }: Extract<ShardCommand, { kind: 'resumeShards' }>,
  connection: number,
): void {
  const known = howToResume(tx.shard(shardId), session, takeover);
  const how = known === null || ageMs === undefined ? known : { ...known, ageMs };
  prepare(tx, shardId, 'resumeShards', session, { connection, how, next: 'resume' });
}

/** Null: with its state, by a migration. A node that has kept the very session has kept the state, too. */
function howToResume(
  shard: ShardState | null,
  session: Cursor | null,
  takeover: Takeover | undefined,
): ResumeHow | null {
  const isOwn = shard?.kind === 'released' && session !== null && sameSession(shard.session, session);
  return takeover === undefined ? null : { stateLost: !isOwn, redelivers: takeover === 'checkpoint' };
}

function prepare(
  tx: Transaction,
  shardId: number,
  command: 'prepareMigration' | 'resumeShards',
  session: Cursor | null,
  plan: Pick<ShardOf<'preparing'>, 'connection' | 'how' | 'next'>,
): void {
  if (session === null) {
    commandFailed(tx, command, shardId, 'The orchestrator gave no usable gateway session.');
    return;
  }
  const shard = tx.shard(shardId);
  if (shard?.kind === 'staging') {
    abortStaging(tx, shardId, shard, 'The orchestrator began the migration anew.');
  } else if (isOneOf(shard, COLLECTED)) {
    abortIncoming(tx, shardId, shard, 'The orchestrator began a migration of the other kind.');
  } else if (shard !== null && shard.kind !== 'released') {
    commandFailed(tx, command, shardId, `This node already has shard ${shardId} (${shard.kind}).`, 'warn');
    return;
  }
  const call = tx.call({ method: 'prepareTransferTo', shardId, session });
  tx.enterShard(shardId, { kind: 'preparing', call, session, ...plan });
}

function sameSession(a: Cursor, b: Cursor): boolean {
  return a.sessionId === b.sessionId && a.sequence === b.sequence;
}

export function onPreparingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'preparing'>,
  outcome: HostOutcome,
): void {
  if (!outcome.ok) {
    abortPreparing(tx, shardId, shard, outcome.message);
    const command = shard.next === 'resume' ? 'resumeShards' : 'prepareMigration';
    return commandFailed(tx, command, shardId, outcome.message);
  }
  const { connection, session, call, how } = shard;
  if (tx.established?.connection !== connection) {
    abortPreparing(tx, shardId, shard, 'The connection on which it was asked for is lost.');
    return;
  }
  if (shard.next === 'resume') {
    return resumeShard(tx, shardId, session, 'migration', how);
  }
  tx.enterShard(shardId, {
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
  answerReady(tx, shardId, session);
}

/**
 * The shard is on its way here by the base level, under an epoch that is not the shard's yet: a stop ends that whatever
 * the epoch of the stop.
 */
export function isStaged(shard: ShardState | null): boolean {
  return shard?.kind === 'staging' || (shard?.kind === 'preparing' && shard.next === 'stage');
}

export function abortPreparing(tx: Transaction, shardId: number, shard: ShardOf<'preparing'>, reason: string): void {
  tx.enterShard(shardId, null);
  tx.effect({ kind: 'abortStaging', stage: shard.call, shardId, reason });
}

function answerReady(tx: Transaction, shardId: number, session: Cursor): void {
  tx.sendNow({ kind: 'prepareMigration', origin: false, shardId, session });
}

/** A user event names no shard: by the base level one shard moves at a time. */
export function onUserEvent(tx: Transaction, eventId: number, body: Uint8Array): void {
  const staging = onlyStaging(tx);
  if (staging === null) {
    return tx.log(
      'warn',
      `User event ${eventId} belongs to no shard that is being handed to this node; it is dropped.`,
    );
  }
  const [shardId, shard] = staging;
  const received = shard.received + 1;
  tx.updateShard(shardId, { ...shard, received, pendingBytes: shard.pendingBytes + body.byteLength });
  tx.effect({ kind: 'handleUserEvent', stage: shard.stage, shardId, eventId, body });
  keepReadingBounded(tx);
}

function onlyStaging(tx: Transaction): readonly [shardId: number, Staging] | null {
  const staging = [...tx.shards].flatMap(([shardId, shard]) =>
    shard.kind === 'staging' ? [[shardId, shard] as const] : [],
  );
  return staging.length === 1 ? (staging[0] ?? null) : null;
}

export function onUserEventHandled(tx: Transaction, event: Extract<NodeEvent, { kind: 'userEventHandled' }>): void {
  const { shardId, stage, events, bytes, failure } = event;
  const shard = tx.shard(shardId);
  if (shard?.kind === 'collecting' && shard.transfer.stage === stage) {
    return onStateHandled(tx, shard, event);
  }
  if (shard?.kind !== 'staging' || shard.stage !== stage) {
    return;
  }
  if (failure !== null) {
    abortStaging(tx, shardId, shard, failure);
    commandFailed(tx, 'userEvent', shardId, failure);
    return;
  }
  const next: Staging = { ...shard, handled: shard.handled + events, pendingBytes: shard.pendingBytes - bytes };
  tx.updateShard(shardId, next);
  keepReadingBounded(tx);
  resumeWhenComplete(tx, shardId, next);
}

export function onAllUserDataSent(tx: Transaction, numEvents: number): void {
  const staging = onlyStaging(tx);
  if (staging === null) {
    return tx.log('warn', 'allUserDataSent belongs to no shard that is being handed to this node; it is ignored.');
  }
  const [shardId, shard] = staging;
  if (shard.received > numEvents) {
    const reason = `${shard.received} user events came, and the origin says it sent ${numEvents}.`;
    abortStaging(tx, shardId, shard, reason);
    commandFailed(tx, 'allUserDataSent', shardId, reason);
    return;
  }
  const next: Staging = { ...shard, expected: numEvents };
  tx.updateShard(shardId, next);
  resumeWhenComplete(tx, shardId, next);
}

function resumeWhenComplete(tx: Transaction, shardId: number, shard: Staging): void {
  if (shard.expected !== null && shard.handled >= shard.expected) {
    resumeShard(tx, shardId, shard.session, 'migration', shard.how);
  }
}

/** The shard does not come after all: nothing of it is kept. */
export function abortStaging(tx: Transaction, shardId: number, shard: Staging, reason: string): void {
  tx.log('warn', `The migration of shard ${shardId} to this node is off: ${reason}`, { shard: shardId });
  tx.enterShard(shardId, null);
  tx.effect({ kind: 'abortStaging', stage: shard.stage, shardId, reason });
  keepReadingBounded(tx);
}

function keepReadingBounded(tx: Transaction): void {
  const link = tx.established;
  if (link === null) {
    return;
  }
  let bytes = 0;
  for (const shard of tx.shards.values()) {
    bytes += shard.kind === 'staging' ? shard.pendingBytes : 0;
  }
  const high = tx.limits.stagedHighBytes;
  const paused = link.reading === 'paused' ? bytes > high / 2 : bytes > high;
  if (paused !== (link.reading === 'paused')) {
    tx.set({ link: { ...link, reading: paused ? 'paused' : 'open' } });
    tx.effect({ kind: 'reading', connection: link.connection, paused });
  }
}
