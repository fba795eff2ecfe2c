/**
 * A shard that leaves this node in a live migration (transfer-messages.ts in @dshard/protocol is the flow):
 *
 *     running → announcing → announced → offered → copying → copied → halting → flushing → sealed → releasing → released → gone
 *               └──────────────── serves ────────────────┘   └────── frozen ──────┘  → thawing → running
 *
 * - Toward an orchestrator that knows `warm-up`, user code is told first, and may keep the shard for as long as its patience lasts.
 * - Until `halting` the shard serves as if nothing happened, and calling the migration off costs nothing.
 * - Frozen, its events wait in the host. An abort, a lost connection, a failing host or the deadline unfreezes it: the events go
 *   to user code, in order, and it never reconnected. The deadline is read off the clock when RELEASE comes, too: after a
 *   pause of the process the timer may be later than the message.
 * - RELEASE is the point of no return. If the host fails at it, the shard is stopped and resumed here, and nobody else has it;
 *   otherwise it is `released`, and only the orchestrator can say that it moved (transferDone) or what else becomes of it,
 *   if need be on a later connection.
 *
 * Every step can be told twice: it is answered with what was recorded.
 */
import type { MessageOf } from '@dshard/protocol';
import type { Draft } from './draft.js';
import type { HostOutcome } from './events.js';
import { stopShard, transferFailed } from './hosting.js';
import type { Cursor, Outgoing, ShardState, TransferCommand } from './state.js';
import { digestTransferData, EMPTY_TRANSFER_DIGEST } from './transfer-digest.js';

type OpenCommand = Extract<TransferCommand, { kind: 'transferOpen' }>;
type Of<K extends ShardState['kind']> = Extract<ShardState, { kind: K }>;
/** The migration is under way, and the shard serves. */
type Serving = Of<'announcing' | 'announced' | 'offered' | 'copying' | 'copied'>;
/** The shard is frozen, and nothing irrevocable has happened. */
type Frozen = Of<'flushing' | 'sealed'>;

export function servesInTransfer(shard: ShardState | null): shard is Serving {
  return isAnnounced(shard) || shard?.kind === 'offered' || shard?.kind === 'copying' || shard?.kind === 'copied';
}

function isAnnounced(shard: ShardState | null): shard is Of<'announcing' | 'announced'> {
  return shard?.kind === 'announcing' || shard?.kind === 'announced';
}

export function isFrozenInTransfer(shard: ShardState | null): shard is Frozen {
  return shard?.kind === 'flushing' || shard?.kind === 'sealed';
}

export function isInTransfer(shard: ShardState | null, migrationId: string): shard is Serving | Frozen {
  return (servesInTransfer(shard) || isFrozenInTransfer(shard)) && shard.transfer.migrationId === migrationId;
}

/** What a migration that begins here has sent so far; null: it cannot begin, and that was said. */
export function newTransfer(
  draft: Draft,
  shardId: number,
  command: { kind: TransferCommand['kind']; migrationId: string },
  connection: number,
): Outgoing | null {
  const shard = draft.shard(shardId);
  if (!draft.negotiated('live-migration')) {
    transferFailed(draft, shardId, command, 'Live migration was not agreed upon.');
    return null;
  }
  if (servesInTransfer(shard)) {
    callOff(draft, shardId, shard, 'The orchestrator began another migration.');
  } else if (shard?.kind !== 'running') {
    const reason = `This node does not run shard ${shardId} (${shard?.kind ?? 'absent'}).`;
    transferFailed(draft, shardId, command, reason);
    return null;
  }
  return {
    migrationId: command.migrationId,
    connection,
    freezeTimeoutMs: draft.limits.freezeTimeoutMs,
    window: 0,
    credit: 0,
    events: 0,
    bytes: 0,
    hash: EMPTY_TRANSFER_DIGEST,
    announced: false,
  };
}

/** transferOpen to the origin. */
export function offer(draft: Draft, shardId: number, command: OpenCommand, connection: number): void {
  const shard = draft.shard(shardId);
  const { migrationId, freezeTimeoutMs } = command;
  const isBegun = isInTransfer(shard, migrationId);
  if (isBegun && !isAnnounced(shard)) {
    return answerOpened(draft, shardId, migrationId, connection);
  }
  if (shard?.kind === 'announcing' && isBegun) {
    draft.effect({ kind: 'endPatience', call: shard.call, why: 'patienceOver' });
  }
  const transfer = isBegun ? shard.transfer : newTransfer(draft, shardId, command, connection);
  if (transfer === null) {
    return;
  }
  const bound = freezeTimeoutMs > 0 ? freezeTimeoutMs : transfer.freezeTimeoutMs;
  draft.enterShard(shardId, { kind: 'offered', transfer: { ...transfer, freezeTimeoutMs: bound } });
  answerOpened(draft, shardId, migrationId, connection);
}

function answerOpened(draft: Draft, shardId: number, migrationId: string, connection: number): void {
  const message = { kind: 'transferOpened', migrationId, shardId, session: null, creditBytes: 0 } as const;
  draft.effect({ kind: 'opened', connection, message });
}

/** transferCopy. */
export function copy(draft: Draft, shardId: number, command: Extract<TransferCommand, { kind: 'transferCopy' }>): void {
  const shard = draft.shard(shardId);
  if (!servesInTransfer(shard) || isAnnounced(shard) || shard.transfer.migrationId !== command.migrationId) {
    return transferFailed(draft, shardId, command, `Shard ${shardId} is not in this migration here.`);
  }
  if (shard.kind === 'copied') {
    return answerCopied(draft, shardId, shard.transfer);
  }
  if (shard.kind === 'offered') {
    const { creditBytes } = command;
    const transfer = { ...shard.transfer, window: creditBytes, credit: creditBytes };
    const call = draft.call({ method: 'exportState', shardId, credit: creditOf(transfer) });
    draft.enterShard(shardId, { kind: 'copying', call, transfer });
  }
}

function creditOf({ credit, window }: Outgoing): { available: number; window: number } {
  return { available: credit, window };
}

function answerCopied(draft: Draft, shardId: number, { migrationId, events, bytes }: Outgoing): void {
  draft.sendNow({ kind: 'transferCopied', migrationId, shardId, events, bytes });
}

/** The destination takes more. */
export function creditCame(draft: Draft, { migrationId, shardId, bytes }: MessageOf<'transferCredit'>): void {
  const shard = draft.shard(shardId);
  if (shard === null || !('transfer' in shard) || !('credit' in shard.transfer)) {
    return;
  }
  if (shard.transfer.migrationId !== migrationId) {
    return;
  }
  const { credit } = shard.transfer;
  draft.updateShard(shardId, { ...shard, transfer: { ...shard.transfer, credit: credit + bytes } } as ShardState);
  if (shard.kind === 'copying' || shard.kind === 'flushing') {
    draft.effect({ kind: 'credit', call: shard.call, bytes });
  }
}

/** The host sends one event of the shard's state. The runtime has kept it within the credit. */
export function stateProduced(
  draft: Draft,
  shardId: number,
  shard: Of<'copying' | 'flushing'>,
  eventId: number,
  body: Uint8Array,
): void {
  const { migrationId, events: index } = shard.transfer;
  draft.sendNow({ kind: 'transferData', migrationId, shardId, index, eventId, body });
  const transfer: Outgoing = {
    ...shard.transfer,
    credit: shard.transfer.credit - body.byteLength,
    events: index + 1,
    bytes: shard.transfer.bytes + body.byteLength,
    hash: digestTransferData(shard.transfer.hash, { index, eventId, body }),
  };
  draft.updateShard(shardId, { ...shard, transfer });
}

export function copyEnded(draft: Draft, shardId: number, shard: Of<'copying'>, outcome: HostOutcome): void {
  const { transfer } = shard;
  if (outcome.ok) {
    draft.enterShard(shardId, { kind: 'copied', transfer });
    return answerCopied(draft, shardId, transfer);
  }
  transferFailed(draft, shardId, { kind: 'transferCopy', ...transfer }, outcome.message);
  draft.enterShard(shardId, { kind: 'running' });
}

/** transferFreeze. Also without a copy: the delta is everything then. */
export function halt(draft: Draft, shardId: number, command: TransferCommand): void {
  const shard = draft.shard(shardId);
  const inIt = isInTransfer(shard, command.migrationId) && !isAnnounced(shard);
  if (!inIt || shard.kind === 'copying') {
    const reason = inIt ? 'is still being copied' : 'is not in this migration here';
    return transferFailed(draft, shardId, command, `Shard ${shardId} ${reason}.`);
  }
  if (shard.kind === 'sealed') {
    return answerSealed(draft, shardId, shard);
  }
  if (shard.kind === 'flushing') {
    return;
  }
  const { transfer } = shard;
  const call = draft.call({ method: 'freeze', shardId, withinMs: transfer.freezeTimeoutMs });
  const deadline = draft.now + transfer.freezeTimeoutMs;
  draft.enterShard(shardId, { kind: 'halting', call, transfer, copied: shard.kind === 'copied', deadline });
}

export function haltEnded(draft: Draft, shardId: number, shard: Of<'halting'>, outcome: HostOutcome): void {
  const { transfer, deadline, copied } = shard;
  const step = { kind: 'transferFreeze', ...transfer } as const;
  if (!outcome.ok && !outcome.timedOut) {
    // By the contract the shard goes on as if nothing had happened.
    transferFailed(draft, shardId, step, outcome.message);
    draft.enterShard(shardId, { kind: 'running' });
    return;
  }
  const session = outcome.ok ? outcome.session : null;
  if (session === null) {
    const reason = outcome.ok ? 'The host returned no gateway session from freeze.' : outcome.message;
    return giveUp(draft, shardId, step, reason);
  }
  if (draft.established?.connection !== transfer.connection) {
    return thaw(draft, shardId, 'the connection to the orchestrator is lost.');
  }
  if (draft.now >= deadline) {
    return giveUp(draft, shardId, step, tooLong(transfer));
  }
  const call = draft.call({ method: 'exportDelta', shardId, credit: creditOf(transfer), copied });
  draft.enterShard(shardId, { kind: 'flushing', call, transfer, session, deadline });
}

export function flushEnded(draft: Draft, shardId: number, shard: Of<'flushing'>, outcome: HostOutcome): void {
  const { transfer, session, deadline } = shard;
  if (!outcome.ok) {
    return giveUp(draft, shardId, { kind: 'transferFreeze', ...transfer }, outcome.message);
  }
  const sealed = { kind: 'sealed', transfer, session, deadline } as const;
  draft.enterShard(shardId, sealed);
  answerSealed(draft, shardId, sealed);
}

function answerSealed(draft: Draft, shardId: number, { transfer, session }: Of<'sealed'>): void {
  const { migrationId, events, bytes, hash } = transfer;
  draft.sendNow({ kind: 'transferManifest', migrationId, shardId, events, bytes, hash, session });
}

/** transferRelease. */
export function release(draft: Draft, shardId: number, command: TransferCommand): void {
  const shard = draft.shard(shardId);
  if (shard?.kind === 'released' && shard.migrationId === command.migrationId) {
    return answerReleased(draft, shardId, command.migrationId);
  }
  if (shard?.kind !== 'sealed' || shard.transfer.migrationId !== command.migrationId) {
    return transferFailed(draft, shardId, command, `Shard ${shardId} is not frozen for this migration (any more).`);
  }
  const { transfer, session, deadline } = shard;
  if (draft.now >= deadline) {
    return giveUp(draft, shardId, command, tooLong(transfer));
  }
  const call = draft.call({ method: 'release', shardId });
  draft.enterShard(shardId, { kind: 'releasing', call, transfer, session });
}

export function releaseEnded(draft: Draft, shardId: number, shard: Of<'releasing'>, outcome: HostOutcome): void {
  const { session } = shard;
  const { migrationId, connection } = shard.transfer;
  const current = draft.established?.connection === connection;
  if (!outcome.ok && current) {
    transferFailed(draft, shardId, { kind: 'transferRelease', migrationId }, outcome.message);
    return stopShard(draft, shardId, 'recover');
  }
  // On a later connection it was named as held: whatever the host did, another node may be resuming it by now.
  draft.enterShard(shardId, { kind: 'released', connection, session, migrationId });
  if (current) {
    answerReleased(draft, shardId, migrationId);
  }
}

export function answerReleased(draft: Draft, shardId: number, migrationId: string): void {
  draft.sendNow({ kind: 'transferReleased', migrationId, shardId });
}

/** Ends a migration during which the shard served all the time. */
export function callOff(draft: Draft, shardId: number, shard: Serving, reason: string): void {
  cancelExport(draft, shard, reason);
  draft.enterShard(shardId, { kind: 'running' });
}

/** What the host does for the migration, if anything, is off. The shard is about to leave the state. */
export function cancelExport(draft: Draft, shard: Serving | Frozen, reason: string): void {
  if (shard.kind === 'copying' || shard.kind === 'flushing') {
    draft.effect({ kind: 'cancelTransfer', call: shard.call, reason });
  } else if (shard.kind === 'announcing') {
    draft.effect({ kind: 'endPatience', call: shard.call, why: 'staysHere' });
  }
}

/** The events that waited go to user code, and the shard goes on. */
export function thaw(draft: Draft, shardId: number, reason: string): void {
  const shard = draft.shard(shardId);
  if (isFrozenInTransfer(shard)) {
    cancelExport(draft, shard, reason);
  }
  draft.log('warn', `Shard ${shardId} is unfrozen: ${reason}`, { shard: shardId });
  const call = draft.call({ method: 'unfreeze', shardId });
  draft.enterShard(shardId, { kind: 'thawing', call });
}

function giveUp(
  draft: Draft,
  shardId: number,
  step: { kind: TransferCommand['kind']; migrationId: string },
  reason: string,
): void {
  transferFailed(draft, shardId, step, reason);
  thaw(draft, shardId, reason);
}

function tooLong({ freezeTimeoutMs }: Outgoing): string {
  return `It was frozen for longer than ${freezeTimeoutMs / 1000} s.`;
}

export function thawEnded(draft: Draft, shardId: number, outcome: HostOutcome): void {
  if (outcome.ok) {
    draft.enterShard(shardId, { kind: 'running' });
    return;
  }
  draft.log('error', `Shard ${shardId} could not be unfrozen, and is resumed anew: ${outcome.message}`, {
    shard: shardId,
  });
  stopShard(draft, shardId, 'recover');
}

/** When a frozen shard is unfrozen, come what may. null: it is not frozen. */
export function freezeDeadline(shard: ShardState): number | null {
  return isFrozenInTransfer(shard) ? shard.deadline : null;
}

export function tickFrozen(draft: Draft): void {
  for (const [shardId, shard] of draft.shards) {
    if (isFrozenInTransfer(shard) && draft.now >= shard.deadline) {
      giveUp(draft, shardId, { kind: 'transferFreeze', ...shard.transfer }, tooLong(shard.transfer));
    }
  }
}

/** The cursor of a shard that is past the point of no return: another node may be resuming it. */
export function givenAway(shard: ShardState): Cursor | null {
  return shard.kind === 'releasing' || shard.kind === 'released' || shard.kind === 'held' ? shard.session : null;
}
