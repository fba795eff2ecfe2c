/**
 * A shard that comes to this node in a live migration: opening → collecting (→ warming → collecting) → verified →
 * activating → running.
 *
 * While collecting, the shard's state is handed to the host as it comes, in order and one event at a time (the runtime
 * keeps a lane per staging). When the whole first copy is handled, and the orchestrator asks for it (`warm-up`), user
 * code gets ready and the host connects: what goes wrong then costs nothing, because the origin still serves. The shard
 * is `verified` when what came is what the manifest says and the host has handled all of it. Before ACTIVATE a lost
 * connection, an abort or a failure drops everything; after it the shard is resumed here, and what fails is told.
 *
 * Memory: what the host has not handled yet never exceeds `transferWindowBytes` (or one event, if that is larger): it
 * is what the origin has credit for, and an origin that sends more is refused.
 */
import type { MessageOf } from '@dshard/protocol';
import { digestTransferData, EMPTY_TRANSFER_DIGEST } from '@dshard/transport';
import { cursorOf, type Transaction } from './transaction.js';
import type { HostOutcome, NodeEvent } from './events.js';
import { announceRunning, stopShard, transferFailed } from './hosting.js';
import { COLLECTED, isOneOf, type Collected, type Incoming, type ShardOf, type TransferCommand } from './state.js';

type OpenCommand = Extract<TransferCommand, { kind: 'transferOpen' }>;
type ActivateCommand = Extract<TransferCommand, { kind: 'transferActivate' }>;
type Collecting = ShardOf<'collecting'>;

/** Credit is given back in parts of the window, so that it is not a message per event. */
const CREDIT_PARTS = 4;

/** transferOpen to the destination. */
export function openIncoming(tx: Transaction, shardId: number, command: OpenCommand, connection: number): void {
  const shard = tx.shard(shardId);
  const { migrationId, session } = command;
  if (isOneOf(shard, COLLECTED)) {
    if (shard.transfer.migrationId === migrationId) {
      return answerOpened(tx, shardId, migrationId);
    }
    abortIncoming(tx, shardId, shard, 'The orchestrator began another migration.');
  } else if (shard !== null && shard.kind !== 'released') {
    return transferFailed(tx, shardId, command, `This node already has shard ${shardId} (${shard.kind}).`);
  }
  tx.log('debug', `Shard ${shardId} is to come to this node.`, { shard: shardId, migration: migrationId });
  const call = tx.call({ method: 'prepareTransferTo', shardId, session });
  tx.enterShard(shardId, { kind: 'opening', call, connection, migrationId, session });
}

export function onOpeningEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'opening'>,
  outcome: HostOutcome,
): void {
  const { call, connection, migrationId, session } = shard;
  if (tx.established?.connection !== connection) {
    return abortOpening(tx, shardId, shard, 'The connection on which it was asked for is lost.');
  }
  if (!outcome.ok) {
    abortOpening(tx, shardId, shard, outcome.message);
    return transferFailed(tx, shardId, { kind: 'transferOpen', migrationId }, outcome.message);
  }
  tx.enterShard(shardId, {
    kind: 'collecting',
    transfer: {
      migrationId,
      connection,
      stage: call,
      received: 0,
      handled: 0,
      bytes: 0,
      hash: EMPTY_TRANSFER_DIGEST,
      pendingBytes: 0,
      owedCredit: 0,
    },
    session,
    manifest: null,
    warmth: 'cold',
  });
  answerOpened(tx, shardId, migrationId);
  if (session !== null && !tx.negotiated('warm-up')) {
    tx.effect({ kind: 'preconnect', shardId, session });
  }
}

function answerOpened(tx: Transaction, shardId: number, migrationId: string): void {
  const creditBytes = tx.limits.transferWindowBytes;
  tx.sendNow({ kind: 'transferOpened', migrationId, shardId, session: null, creditBytes });
}

export function abortOpening(tx: Transaction, shardId: number, shard: ShardOf<'opening'>, reason: string): void {
  tx.enterShard(shardId, null);
  tx.effect({ kind: 'abortStaging', stage: shard.call, shardId, reason });
}

/** Data and manifest of a migration that is off may still be on their way: they are nobody's. */
function collectingOf(tx: Transaction, message: MessageOf<'transferData' | 'transferManifest'>): Collected | null {
  const shard = tx.shard(message.shardId);
  if (isOneOf(shard, COLLECTED) && shard.transfer.migrationId === message.migrationId) {
    return shard;
  }
  tx.log('debug', `${message.kind} belongs to no migration to this node; it is ignored.`, {
    shard: message.shardId,
  });
  return null;
}

export function onTransferData(tx: Transaction, message: MessageOf<'transferData'>): void {
  const shard = collectingOf(tx, message);
  if (shard === null) {
    return;
  }
  const { shardId, index, eventId, body } = message;
  const problem = problemWith(tx, shard, message);
  if (problem !== null) {
    return refuse(tx, shardId, shard, problem);
  }
  const { transfer } = shard;
  const next: Incoming = {
    ...transfer,
    received: transfer.received + 1,
    bytes: transfer.bytes + body.byteLength,
    hash: digestTransferData(transfer.hash, { index, eventId, body }),
    pendingBytes: transfer.pendingBytes + body.byteLength,
  };
  tx.updateShard(shardId, { ...shard, transfer: next });
  tx.effect({ kind: 'handleUserEvent', stage: transfer.stage, shardId, eventId, body });
}

function problemWith(tx: Transaction, shard: Collected, message: MessageOf<'transferData'>): string | null {
  const { received, pendingBytes, owedCredit } = shard.transfer;
  if (shard.kind === 'verified' || (shard.kind === 'collecting' && shard.manifest !== null)) {
    return 'State came after the manifest.';
  }
  if (shard.kind === 'warming' || isWanted(shard.warmth)) {
    return 'State came between the first copy and what changed since, while the shard was made ready.';
  }
  if (message.index !== received) {
    return `The event with index ${message.index} came where ${received} was due.`;
  }
  const outstanding = pendingBytes + owedCredit;
  return outstanding > 0 && outstanding + message.body.byteLength > tx.limits.transferWindowBytes
    ? 'The origin sent more than it had credit for.'
    : null;
}

function refuse(
  tx: Transaction,
  shardId: number,
  shard: Collected,
  reason: string,
  step: 'transferData' | 'transferWarmUp' = 'transferData',
): void {
  const { migrationId } = shard.transfer;
  abortIncoming(tx, shardId, shard, reason);
  transferFailed(tx, shardId, { kind: step, migrationId }, reason);
}

/** The host has handled events of the staging, or failed at the last of them. */
export function onStateHandled(
  tx: Transaction,
  shard: Collecting,
  { shardId, events, bytes, failure }: Extract<NodeEvent, { kind: 'userEventHandled' }>,
): void {
  if (failure !== null) {
    return refuse(tx, shardId, shard, failure);
  }
  const { transfer } = shard;
  const owed = transfer.owedCredit + bytes;
  const pendingBytes = transfer.pendingBytes - bytes;
  const handled = transfer.handled + events;
  const due = owed > 0 && (handled === transfer.received || owed >= tx.limits.transferWindowBytes / CREDIT_PARTS);
  const next: Collecting = { ...shard, transfer: { ...transfer, handled, pendingBytes, owedCredit: due ? 0 : owed } };
  tx.updateShard(shardId, next);
  if (due) {
    tx.sendNow({ kind: 'transferCredit', migrationId: transfer.migrationId, shardId, bytes: owed });
  }
  verifyWhenHandled(tx, shardId, next);
  warmWhenHandled(tx, shardId, next);
}

/** transferWarmUp. */
export function warmUp(
  tx: Transaction,
  shardId: number,
  command: Extract<TransferCommand, { kind: 'transferWarmUp' }>,
): void {
  const shard = tx.shard(shardId);
  const { migrationId, session, unserved = false } = command;
  if (!isOneOf(shard, COLLECTED) || shard.transfer.migrationId !== migrationId) {
    return transferFailed(tx, shardId, command, `Shard ${shardId} is not in this migration here.`);
  }
  if (shard.kind === 'warming' || (shard.kind === 'collecting' && isWanted(shard.warmth))) {
    return;
  }
  if (shard.kind === 'verified' || shard.warmth === 'warm') {
    return answerWarm(tx, shardId, migrationId);
  }
  const next: Collecting = { ...shard, session: session ?? shard.session, warmth: unserved ? 'wantedSoon' : 'wanted' };
  tx.updateShard(shardId, next);
  warmWhenHandled(tx, shardId, next);
}

function isWanted(warmth: Collecting['warmth']): boolean {
  return warmth === 'wanted' || warmth === 'wantedSoon';
}

function warmWhenHandled(tx: Transaction, shardId: number, shard: Collecting): void {
  const { transfer, session, warmth } = shard;
  if (isWanted(warmth) && transfer.handled === transfer.received) {
    const call = tx.call({ method: 'warm', shardId, session, isServed: warmth === 'wanted' });
    tx.enterShard(shardId, { kind: 'warming', call, part: 'userCode', transfer, session });
  }
}

export function onWarmingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'warming'>,
  outcome: HostOutcome,
): void {
  const { part, transfer, session } = shard;
  if (!outcome.ok) {
    const what = part === 'userCode' ? 'user code was not ready for it' : 'there is no way to the gateway';
    return refuse(tx, shardId, shard, `${what}: ${outcome.message}`, 'transferWarmUp');
  }
  if (part === 'userCode' && session !== null) {
    const call = tx.call({ method: 'preconnect', shardId, session });
    return tx.updateShard(shardId, { ...shard, call, part: 'gateway' });
  }
  tx.enterShard(shardId, { kind: 'collecting', transfer, session, manifest: null, warmth: 'warm' });
  answerWarm(tx, shardId, transfer.migrationId);
}

function answerWarm(tx: Transaction, shardId: number, migrationId: string): void {
  tx.sendNow({ kind: 'transferWarm', migrationId, shardId });
}

export function onManifest(tx: Transaction, message: MessageOf<'transferManifest'>): void {
  const shard = collectingOf(tx, message);
  if (shard === null) {
    return;
  }
  const { shardId, migrationId } = message;
  if (shard.kind === 'verified') {
    return answerVerified(tx, shardId, migrationId, null);
  }
  if (shard.kind === 'warming' || isWanted(shard.warmth)) {
    const reason = 'The manifest came while the shard was made ready.';
    abortIncoming(tx, shardId, shard, reason);
    return answerVerified(tx, shardId, migrationId, reason);
  }
  const session = cursorOf(message.session);
  const problem =
    session === null ? 'The manifest names no usable gateway session.' : difference(shard.transfer, message);
  if (session === null || problem !== null) {
    const reason = problem ?? '';
    abortIncoming(tx, shardId, shard, reason);
    return answerVerified(tx, shardId, migrationId, reason);
  }
  const { events, bytes, hash } = message;
  const next: Collecting = { ...shard, manifest: { events, bytes, hash, session } };
  tx.updateShard(shardId, next);
  verifyWhenHandled(tx, shardId, next);
}

/** What of the state that came is not as the manifest says, or null. */
function difference(came: Incoming, manifest: MessageOf<'transferManifest'>): string | null {
  if (came.received !== manifest.events || came.bytes !== manifest.bytes) {
    const expected = `${manifest.events} events of ${manifest.bytes} bytes`;
    return `${came.received} events of ${came.bytes} bytes came, and the manifest says ${expected}.`;
  }
  return came.hash === manifest.hash ? null : 'What came does not have the hash that the manifest says.';
}

function verifyWhenHandled(tx: Transaction, shardId: number, shard: Collecting): void {
  const { transfer, manifest } = shard;
  if (manifest !== null && transfer.handled === manifest.events) {
    tx.enterShard(shardId, { kind: 'verified', transfer, session: manifest.session });
    const { migrationId: migration, received, bytes } = transfer;
    const text = `The state of shard ${shardId} is here: ${received} events.`;
    tx.log('debug', text, { shard: shardId, migration, events: received, bytes });
    answerVerified(tx, shardId, transfer.migrationId, null);
  }
}

function answerVerified(tx: Transaction, shardId: number, migrationId: string, problem: string | null): void {
  tx.sendNow({ kind: 'transferVerified', migrationId, shardId, ok: problem === null, reason: problem ?? '' });
}

/** transferActivate. */
export function activate(tx: Transaction, shardId: number, command: ActivateCommand, connection: number): void {
  const shard = tx.shard(shardId);
  const { migrationId, redelivers } = command;
  const arrival = tx.arrivalOf(shardId);
  if (shard?.kind === 'running' && arrival?.migrationId === migrationId) {
    return answerActivated(tx, shardId, migrationId, arrival.resumed);
  }
  if (shard?.kind !== 'verified' || shard.transfer.migrationId !== migrationId) {
    return transferFailed(tx, shardId, command, `Shard ${shardId} is not ready to be activated here.`);
  }
  const { session } = shard;
  const request = { method: 'resumeShard', shardId, session, why: 'migration' } as const;
  const how = { stateLost: false, redelivers: true };
  const call = tx.call(redelivers === true ? { ...request, how } : request);
  tx.enterShard(shardId, { kind: 'activating', call, connection, migrationId, session });
}

export function onActivatingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'activating'>,
  outcome: HostOutcome,
): void {
  const { migrationId, connection } = shard;
  if (!outcome.ok) {
    transferFailed(tx, shardId, { kind: 'transferActivate', migrationId }, outcome.message);
    return stopShard(tx, shardId, 'aborted');
  }
  const resumed = outcome.sessionLost !== true;
  tx.enterShard(shardId, { kind: 'running' });
  tx.setArrival(shardId, { migrationId, resumed });
  const how = resumed ? 'resumed' : 'identified anew, for its session was gone';
  tx.log('info', `Shard ${shardId} has come to this node: ${how}.`, {
    shard: shardId,
    migration: migrationId,
    resumed,
  });
  if (tx.established?.connection === connection) {
    return answerActivated(tx, shardId, migrationId, resumed);
  }
  announceRunning(tx, [shardId]);
}

function answerActivated(tx: Transaction, shardId: number, migrationId: string, resumed: boolean): void {
  tx.sendNow({ kind: 'transferActivated', migrationId, shardId, resumed });
}

/** The shard does not come after all: nothing of it is kept. */
export function abortIncoming(tx: Transaction, shardId: number, shard: Collected, reason: string): void {
  const { migrationId: migration } = shard.transfer;
  tx.log('warn', `The live migration of shard ${shardId} to this node is off: ${reason}`, {
    shard: shardId,
    migration,
  });
  tx.enterShard(shardId, null);
  tx.effect({ kind: 'abortStaging', stage: shard.transfer.stage, shardId, reason });
}
