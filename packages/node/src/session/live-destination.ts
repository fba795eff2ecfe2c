/**
 * A shard that comes to this node in a live migration: opening → collecting (→ warming → collecting) → verified → activating → running.
 *
 * While collecting, the shard's state is handed to the host as it comes, in order and one event at a time (the runtime keeps a
 * lane per staging). When the whole first copy is handled, and the orchestrator asks for it (`warm-up`), user code gets ready and
 * the host connects: what goes wrong then costs nothing, because the origin still serves. The shard is `verified` when what came is what the manifest says and the host has handled all of it. Before
 * ACTIVATE a lost connection, an abort or a failure drops everything; after it the shard is resumed here, and what fails is
 * told.
 *
 * Memory: what the host has not handled yet never exceeds `transferWindowBytes` (or one event, if that is larger): it is
 * what the origin has credit for, and an origin that sends more is refused.
 */
import type { MessageOf } from '@dshard/protocol';
import { cursorOf } from './draft.js';
import type { Draft } from './draft.js';
import type { HostOutcome } from './events.js';
import { announceRunning, stopShard, transferFailed } from './hosting.js';
import type { Incoming, ShardState, TransferCommand } from './state.js';
import { digestTransferData, EMPTY_TRANSFER_DIGEST } from './transfer-digest.js';

type OpenCommand = Extract<TransferCommand, { kind: 'transferOpen' }>;
type ActivateCommand = Extract<TransferCommand, { kind: 'transferActivate' }>;
type Of<K extends ShardState['kind']> = Extract<ShardState, { kind: K }>;
type Collecting = Of<'collecting'>;
type Collected = Of<'collecting' | 'warming' | 'verified'>;

/** Credit is given back in parts of the window, so that it is not a message per event. */
const CREDIT_PARTS = 4;

export function isCollecting(shard: ShardState | null): shard is Collected {
  return shard?.kind === 'collecting' || shard?.kind === 'warming' || shard?.kind === 'verified';
}

/** transferOpen to the destination. */
export function openIncoming(draft: Draft, shardId: number, command: OpenCommand, connection: number): void {
  const shard = draft.shard(shardId);
  const { migrationId, session } = command;
  if (isCollecting(shard)) {
    if (shard.transfer.migrationId === migrationId) {
      return answerOpened(draft, shardId, migrationId);
    }
    dropIncoming(draft, shardId, shard, 'The orchestrator began another migration.');
  } else if (shard !== null && shard.kind !== 'held' && shard.kind !== 'released') {
    return transferFailed(draft, shardId, command, `This node already has shard ${shardId} (${shard.kind}).`);
  }
  const call = draft.call({ method: 'prepareTransferTo', shardId, session });
  draft.enterShard(shardId, { kind: 'opening', call, connection, migrationId, session });
}

export function openingEnded(draft: Draft, shardId: number, shard: Of<'opening'>, outcome: HostOutcome): void {
  const { call, connection, migrationId, session } = shard;
  if (draft.established?.connection !== connection) {
    return abandonOpening(draft, shardId, shard, 'The connection on which it was asked for is lost.');
  }
  if (!outcome.ok) {
    abandonOpening(draft, shardId, shard, outcome.message);
    return transferFailed(draft, shardId, { kind: 'transferOpen', migrationId }, outcome.message);
  }
  draft.enterShard(shardId, {
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
  answerOpened(draft, shardId, migrationId);
  if (session !== null && !draft.negotiated('warm-up')) {
    draft.effect({ kind: 'preconnect', shardId, session });
  }
}

function answerOpened(draft: Draft, shardId: number, migrationId: string): void {
  const creditBytes = draft.limits.transferWindowBytes;
  draft.sendNow({ kind: 'transferOpened', migrationId, shardId, session: null, creditBytes });
}

export function abandonOpening(draft: Draft, shardId: number, shard: Of<'opening'>, reason: string): void {
  draft.enterShard(shardId, null);
  draft.effect({ kind: 'dropStaging', stage: shard.call, shardId, reason });
}

/** Data and manifest of a migration that is off may still be on their way: they are nobody's. */
function collectingOf(draft: Draft, message: MessageOf<'transferData' | 'transferManifest'>): Collected | null {
  const shard = draft.shard(message.shardId);
  if (isCollecting(shard) && shard.transfer.migrationId === message.migrationId) {
    return shard;
  }
  draft.log('debug', `${message.kind} belongs to no migration to this node; it is ignored.`, {
    shard: message.shardId,
  });
  return null;
}

export function dataCame(draft: Draft, message: MessageOf<'transferData'>): void {
  const shard = collectingOf(draft, message);
  if (shard === null) {
    return;
  }
  const { shardId, index, eventId, body } = message;
  const problem = problemWith(draft, shard, message);
  if (problem !== null) {
    return refuse(draft, shardId, shard, problem);
  }
  const { transfer } = shard;
  const next: Incoming = {
    ...transfer,
    received: transfer.received + 1,
    bytes: transfer.bytes + body.byteLength,
    hash: digestTransferData(transfer.hash, { index, eventId, body }),
    pendingBytes: transfer.pendingBytes + body.byteLength,
  };
  draft.updateShard(shardId, { ...shard, transfer: next });
  draft.effect({ kind: 'handleUserEvent', stage: transfer.stage, shardId, eventId, body });
}

function problemWith(draft: Draft, shard: Collected, message: MessageOf<'transferData'>): string | null {
  const { received, pendingBytes, owedCredit } = shard.transfer;
  if (shard.kind === 'verified' || (shard.kind === 'collecting' && shard.manifest !== null)) {
    return 'State came after the manifest.';
  }
  if (shard.kind === 'warming' || shard.warmth === 'wanted') {
    return 'State came between the first copy and what changed since, while the shard was made ready.';
  }
  if (message.index !== received) {
    return `The event with index ${message.index} came where ${received} was due.`;
  }
  const outstanding = pendingBytes + owedCredit;
  return outstanding > 0 && outstanding + message.body.byteLength > draft.limits.transferWindowBytes
    ? 'The origin sent more than it had credit for.'
    : null;
}

function refuse(
  draft: Draft,
  shardId: number,
  shard: Collected,
  reason: string,
  step: 'transferData' | 'transferWarmUp' = 'transferData',
): void {
  const { migrationId } = shard.transfer;
  dropIncoming(draft, shardId, shard, reason);
  transferFailed(draft, shardId, { kind: step, migrationId }, reason);
}

/** The host has handled an event of the staging, or failed at it. */
export function stateHandled(
  draft: Draft,
  shardId: number,
  shard: Collecting,
  bytes: number,
  failure: string | null,
): void {
  if (failure !== null) {
    return refuse(draft, shardId, shard, failure);
  }
  const { transfer } = shard;
  const owed = transfer.owedCredit + bytes;
  const pendingBytes = transfer.pendingBytes - bytes;
  const handled = transfer.handled + 1;
  const due = owed > 0 && (handled === transfer.received || owed >= draft.limits.transferWindowBytes / CREDIT_PARTS);
  const next: Collecting = { ...shard, transfer: { ...transfer, handled, pendingBytes, owedCredit: due ? 0 : owed } };
  draft.updateShard(shardId, next);
  if (due) {
    draft.sendNow({ kind: 'transferCredit', migrationId: transfer.migrationId, shardId, bytes: owed });
  }
  verifyWhenHandled(draft, shardId, next);
  warmWhenHandled(draft, shardId, next);
}

/** transferWarmUp. */
export function warmUp(
  draft: Draft,
  shardId: number,
  command: Extract<TransferCommand, { kind: 'transferWarmUp' }>,
): void {
  const shard = draft.shard(shardId);
  const { migrationId, session } = command;
  if (!isCollecting(shard) || shard.transfer.migrationId !== migrationId) {
    return transferFailed(draft, shardId, command, `Shard ${shardId} is not in this migration here.`);
  }
  if (shard.kind === 'warming' || (shard.kind === 'collecting' && shard.warmth === 'wanted')) {
    return;
  }
  if (shard.kind === 'verified' || shard.warmth === 'warm') {
    return answerWarm(draft, shardId, migrationId);
  }
  const next: Collecting = { ...shard, session: session ?? shard.session, warmth: 'wanted' };
  draft.updateShard(shardId, next);
  warmWhenHandled(draft, shardId, next);
}

function warmWhenHandled(draft: Draft, shardId: number, shard: Collecting): void {
  const { transfer, session, warmth } = shard;
  if (warmth === 'wanted' && transfer.handled === transfer.received) {
    const call = draft.call({ method: 'warm', shardId, session });
    draft.enterShard(shardId, { kind: 'warming', call, part: 'userCode', transfer, session });
  }
}

export function warmingEnded(draft: Draft, shardId: number, shard: Of<'warming'>, outcome: HostOutcome): void {
  const { part, transfer, session } = shard;
  if (!outcome.ok) {
    const what = part === 'userCode' ? 'user code was not ready for it' : 'there is no way to the gateway';
    return refuse(draft, shardId, shard, `${what}: ${outcome.message}`, 'transferWarmUp');
  }
  if (part === 'userCode' && session !== null) {
    const call = draft.call({ method: 'preconnect', shardId, session });
    return draft.updateShard(shardId, { ...shard, call, part: 'gateway' });
  }
  draft.enterShard(shardId, { kind: 'collecting', transfer, session, manifest: null, warmth: 'warm' });
  answerWarm(draft, shardId, transfer.migrationId);
}

function answerWarm(draft: Draft, shardId: number, migrationId: string): void {
  draft.sendNow({ kind: 'transferWarm', migrationId, shardId });
}

export function manifestCame(draft: Draft, message: MessageOf<'transferManifest'>): void {
  const shard = collectingOf(draft, message);
  if (shard === null) {
    return;
  }
  const { shardId, migrationId } = message;
  if (shard.kind === 'verified') {
    return answerVerified(draft, shardId, migrationId, null);
  }
  if (shard.kind === 'warming' || shard.warmth === 'wanted') {
    const reason = 'The manifest came while the shard was made ready.';
    dropIncoming(draft, shardId, shard, reason);
    return answerVerified(draft, shardId, migrationId, reason);
  }
  const session = cursorOf(message.session);
  const problem =
    session === null ? 'The manifest names no usable gateway session.' : difference(shard.transfer, message);
  if (session === null || problem !== null) {
    const reason = problem ?? '';
    dropIncoming(draft, shardId, shard, reason);
    return answerVerified(draft, shardId, migrationId, reason);
  }
  const { events, bytes, hash } = message;
  const next: Collecting = { ...shard, manifest: { events, bytes, hash, session } };
  draft.updateShard(shardId, next);
  verifyWhenHandled(draft, shardId, next);
}

/** What of the state that came is not as the manifest says, or null. */
function difference(came: Incoming, manifest: MessageOf<'transferManifest'>): string | null {
  if (came.received !== manifest.events || came.bytes !== manifest.bytes) {
    const expected = `${manifest.events} events of ${manifest.bytes} bytes`;
    return `${came.received} events of ${came.bytes} bytes came, and the manifest says ${expected}.`;
  }
  return came.hash === manifest.hash ? null : 'What came does not have the hash that the manifest says.';
}

function verifyWhenHandled(draft: Draft, shardId: number, shard: Collecting): void {
  const { transfer, manifest } = shard;
  if (manifest !== null && transfer.handled === manifest.events) {
    draft.enterShard(shardId, { kind: 'verified', transfer, session: manifest.session });
    answerVerified(draft, shardId, transfer.migrationId, null);
  }
}

function answerVerified(draft: Draft, shardId: number, migrationId: string, problem: string | null): void {
  draft.sendNow({ kind: 'transferVerified', migrationId, shardId, ok: problem === null, reason: problem ?? '' });
}

/** transferActivate. */
export function activate(draft: Draft, shardId: number, command: ActivateCommand, connection: number): void {
  const shard = draft.shard(shardId);
  const { migrationId, redelivers } = command;
  const arrival = draft.arrivalOf(shardId);
  if (shard?.kind === 'running' && arrival?.migrationId === migrationId) {
    return answerActivated(draft, shardId, migrationId, arrival.resumed);
  }
  if (shard?.kind !== 'verified' || shard.transfer.migrationId !== migrationId) {
    return transferFailed(draft, shardId, command, `Shard ${shardId} is not ready to be activated here.`);
  }
  const { session } = shard;
  const request = { method: 'resumeShard', shardId, session, why: 'handover' } as const;
  const how = { stateLost: false, redelivers: true };
  const call = draft.call(redelivers === true ? { ...request, how } : request);
  draft.enterShard(shardId, { kind: 'activating', call, connection, migrationId, session });
}

export function activateEnded(draft: Draft, shardId: number, shard: Of<'activating'>, outcome: HostOutcome): void {
  const { migrationId, connection } = shard;
  if (!outcome.ok) {
    transferFailed(draft, shardId, { kind: 'transferActivate', migrationId }, outcome.message);
    return stopShard(draft, shardId, 'withdrawn');
  }
  const resumed = outcome.sessionLost !== true;
  draft.enterShard(shardId, { kind: 'running' });
  draft.setArrival(shardId, { migrationId, resumed });
  if (draft.established?.connection === connection) {
    return answerActivated(draft, shardId, migrationId, resumed);
  }
  announceRunning(draft, [shardId]);
}

function answerActivated(draft: Draft, shardId: number, migrationId: string, resumed: boolean): void {
  draft.sendNow({ kind: 'transferActivated', migrationId, shardId, resumed });
}

/** The shard does not come after all: nothing of it is kept. */
export function dropIncoming(draft: Draft, shardId: number, shard: Collected, reason: string): void {
  draft.log('warn', `The live migration of shard ${shardId} to this node is off: ${reason}`, { shard: shardId });
  draft.enterShard(shardId, null);
  draft.effect({ kind: 'dropStaging', stage: shard.transfer.stage, shardId, reason });
}
