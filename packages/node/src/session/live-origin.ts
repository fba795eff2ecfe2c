/**
 * A shard that leaves this node in a live migration (transfer-messages.ts in @dshard/protocol is the flow):
 *
 *     running → announcing → announced → offered → copying → copied → freezing → sendingDelta → frozen → releasing → released → gone
 *               └──────────────── serves ────────────────┘              └── unfreezing → running ──┘
 *
 * - Toward an orchestrator that knows `warm-up`, user code is told first, and may keep the shard for as long as its
 *   patience lasts.
 * - Until `freezing` the shard serves as if nothing happened, and an abort of the migration costs nothing.
 * - Frozen, its events wait in the host. An abort, a lost connection, a failing host or the deadline unfreezes it: the
 *   events go to user code, in order, and it never reconnected. The deadline is read off the clock when RELEASE comes,
 *   too: after a pause of the process the timer may be later than the message.
 * - RELEASE is the point of no return. If the host fails at it, the shard is stopped and resumed here, and nobody else
 *   has it; otherwise it is `released`, and only the orchestrator can say that it moved (transferDone) or what else
 *   becomes of it, if need be on a later connection.
 *
 * Every step can be told twice: it is answered with what was recorded.
 */
import type { MessageOf } from '@dshard/protocol';
import { digestTransferData, EMPTY_TRANSFER_DIGEST } from '@dshard/transport';
import type { Transaction } from './transaction.js';
import type { HostOutcome } from './events.js';
import { resumeShard, stopShard, transferFailed } from './hosting.js';
import { FROZEN, isOneOf, SERVING } from './state.js';
import type { BaseFrozen, Cursor, Frozen, Outgoing, Serving, ShardOf, ShardState, TransferCommand } from './state.js';

type OpenCommand = Extract<TransferCommand, { kind: 'transferOpen' }>;
/** `session`: its freeze has ended with that cursor. */
type Freezing<K extends 'freezing' | 'baseFreezing'> = ShardOf<K> & { session?: Cursor };
/** Frozen, or about to be, and nothing irrevocable has happened. */
type Unfreezable = Frozen | BaseFrozen | Freezing<'freezing' | 'baseFreezing'>;
/** User code knows; the orchestrator has not opened the transfer. */
const ANNOUNCED = ['announcing', 'announced'] as const;

export function isInTransfer(shard: ShardState | null, migrationId: string): shard is Serving | Frozen {
  return (isOneOf(shard, SERVING) || isOneOf(shard, FROZEN)) && shard.transfer.migrationId === migrationId;
}

/** What a migration that begins here has sent so far; null: it cannot begin, and that was said. */
export function newTransfer(
  tx: Transaction,
  shardId: number,
  command: { kind: TransferCommand['kind']; migrationId: string },
  connection: number,
): Outgoing | null {
  const shard = tx.shard(shardId);
  if (!tx.negotiated('live-migration')) {
    transferFailed(tx, shardId, command, 'Live migration was not agreed upon.');
    return null;
  }
  if (isOneOf(shard, SERVING)) {
    abortServing(tx, shardId, shard, 'The orchestrator began another migration.');
  } else if (shard?.kind !== 'running') {
    const reason = `This node does not run shard ${shardId} (${shard?.kind ?? 'absent'}).`;
    transferFailed(tx, shardId, command, reason);
    return null;
  }
  return {
    migrationId: command.migrationId,
    connection,
    freezeTimeoutMs: tx.limits.freezeTimeoutMs,
    window: 0,
    credit: 0,
    events: 0,
    bytes: 0,
    hash: EMPTY_TRANSFER_DIGEST,
    announced: false,
  };
}

/** transferOpen to the origin. */
export function offer(tx: Transaction, shardId: number, command: OpenCommand, connection: number): void {
  const shard = tx.shard(shardId);
  const { migrationId, freezeTimeoutMs } = command;
  const isBegun = isInTransfer(shard, migrationId);
  if (isBegun && !isOneOf(shard, ANNOUNCED)) {
    return answerOpened(tx, shardId, migrationId, connection);
  }
  if (shard?.kind === 'announcing' && isBegun) {
    tx.effect({ kind: 'endPatience', call: shard.call, why: 'patienceOver' });
  }
  const transfer = isBegun ? shard.transfer : newTransfer(tx, shardId, command, connection);
  if (transfer === null) {
    return;
  }
  tx.log('debug', `Shard ${shardId} is to leave this node.`, { shard: shardId, migration: migrationId });
  const bound = freezeTimeoutMs > 0 ? freezeTimeoutMs : transfer.freezeTimeoutMs;
  tx.enterShard(shardId, { kind: 'offered', transfer: { ...transfer, freezeTimeoutMs: bound } });
  answerOpened(tx, shardId, migrationId, connection);
}

function answerOpened(tx: Transaction, shardId: number, migrationId: string, connection: number): void {
  const message = { kind: 'transferOpened', migrationId, shardId, session: null, creditBytes: 0 } as const;
  tx.effect({ kind: 'opened', connection, message });
}

/** transferCopy. */
export function copyState(
  tx: Transaction,
  shardId: number,
  command: Extract<TransferCommand, { kind: 'transferCopy' }>,
): void {
  const shard = tx.shard(shardId);
  if (!isOneOf(shard, SERVING) || isOneOf(shard, ANNOUNCED) || shard.transfer.migrationId !== command.migrationId) {
    return transferFailed(tx, shardId, command, `Shard ${shardId} is not in this migration here.`);
  }
  if (shard.kind === 'copied') {
    return answerCopied(tx, shardId, shard.transfer);
  }
  if (shard.kind === 'offered') {
    const { creditBytes } = command;
    const transfer = { ...shard.transfer, window: creditBytes, credit: creditBytes };
    const call = tx.call({ method: 'exportState', shardId, credit: creditOf(transfer) });
    tx.enterShard(shardId, { kind: 'copying', call, transfer });
  }
}

function creditOf({ credit, window }: Outgoing): { available: number; window: number } {
  return { available: credit, window };
}

function answerCopied(tx: Transaction, shardId: number, { migrationId, events, bytes }: Outgoing): void {
  tx.sendNow({ kind: 'transferCopied', migrationId, shardId, events, bytes });
}

/** The destination takes more. */
export function onCredit(tx: Transaction, { migrationId, shardId, bytes }: MessageOf<'transferCredit'>): void {
  const shard = tx.shard(shardId);
  if (shard === null || !('transfer' in shard) || !('credit' in shard.transfer)) {
    return;
  }
  if (shard.transfer.migrationId !== migrationId) {
    return;
  }
  const { credit } = shard.transfer;
  tx.updateShard(shardId, { ...shard, transfer: { ...shard.transfer, credit: credit + bytes } } as ShardState);
  if (shard.kind === 'copying' || shard.kind === 'sendingDelta') {
    tx.effect({ kind: 'credit', call: shard.call, bytes });
  }
}

/** The host sends one event of the shard's state. The runtime has kept it within the credit. */
export function onStateProduced(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'copying' | 'sendingDelta'>,
  eventId: number,
  body: Uint8Array,
): void {
  const { migrationId, events: index } = shard.transfer;
  tx.sendNow({ kind: 'transferData', migrationId, shardId, index, eventId, body });
  const transfer: Outgoing = {
    ...shard.transfer,
    credit: shard.transfer.credit - body.byteLength,
    events: index + 1,
    bytes: shard.transfer.bytes + body.byteLength,
    hash: digestTransferData(shard.transfer.hash, { index, eventId, body }),
  };
  tx.updateShard(shardId, { ...shard, transfer });
}

export function onCopyingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'copying'>,
  outcome: HostOutcome,
): void {
  const { transfer } = shard;
  if (outcome.ok) {
    tx.enterShard(shardId, { kind: 'copied', transfer });
    return answerCopied(tx, shardId, transfer);
  }
  transferFailed(tx, shardId, { kind: 'transferCopy', ...transfer }, outcome.message);
  tx.enterShard(shardId, { kind: 'running' });
}

/** transferFreeze. Also without a copy: the delta is everything then. */
export function freeze(tx: Transaction, shardId: number, command: TransferCommand): void {
  const shard = tx.shard(shardId);
  const inIt = isInTransfer(shard, command.migrationId) && !isOneOf(shard, ANNOUNCED);
  if (!inIt || shard.kind === 'copying') {
    const reason = inIt ? 'is still being copied' : 'is not in this migration here';
    return transferFailed(tx, shardId, command, `Shard ${shardId} ${reason}.`);
  }
  if (shard.kind === 'frozen') {
    return answerFrozen(tx, shardId, shard);
  }
  if (shard.kind === 'sendingDelta') {
    return;
  }
  const { transfer } = shard;
  const call = tx.call({ method: 'freeze', shardId, withinMs: transfer.freezeTimeoutMs });
  const deadline = tx.now + transfer.freezeTimeoutMs;
  tx.enterShard(shardId, { kind: 'freezing', call, transfer, copied: shard.kind === 'copied', deadline });
}

export function onFreezingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'freezing'>,
  outcome: HostOutcome,
): void {
  const { transfer, deadline, copied } = shard;
  const step = { kind: 'transferFreeze', ...transfer } as const;
  if (!outcome.ok && !outcome.timedOut) {
    // By the contract the shard goes on as if nothing had happened.
    transferFailed(tx, shardId, step, outcome.message);
    tx.enterShard(shardId, { kind: 'running' });
    return;
  }
  const session = outcome.ok ? outcome.session : null;
  if (session === null) {
    const reason = outcome.ok ? 'The host returned no gateway session from freeze.' : outcome.message;
    return abortFrozen(tx, shardId, shard, step, reason);
  }
  if (tx.established?.connection !== transfer.connection) {
    return unfreeze(tx, shardId, { ...shard, session }, 'the connection to the orchestrator is lost.');
  }
  if (tx.now >= deadline) {
    return abortFrozen(tx, shardId, { ...shard, session }, step, tooLong(transfer));
  }
  const call = tx.call({ method: 'exportDelta', shardId, credit: creditOf(transfer), copied });
  tx.enterShard(shardId, { kind: 'sendingDelta', call, transfer, session, deadline });
}

export function onSendingDeltaEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'sendingDelta'>,
  outcome: HostOutcome,
): void {
  const { transfer, session, deadline } = shard;
  if (!outcome.ok) {
    return abortFrozen(tx, shardId, shard, { kind: 'transferFreeze', ...transfer }, outcome.message);
  }
  const frozen = { kind: 'frozen', transfer, session, deadline } as const;
  tx.enterShard(shardId, frozen);
  const { migrationId: migration, events, bytes } = transfer;
  const text = `Shard ${shardId} is frozen; ${events} events of state went with it.`;
  tx.log('debug', text, { shard: shardId, migration, events, bytes });
  answerFrozen(tx, shardId, frozen);
}

function answerFrozen(tx: Transaction, shardId: number, { transfer, session }: ShardOf<'frozen'>): void {
  const { migrationId, events, bytes, hash } = transfer;
  tx.sendNow({ kind: 'transferManifest', migrationId, shardId, events, bytes, hash, session });
}

/** transferRelease. */
export function release(tx: Transaction, shardId: number, command: TransferCommand): void {
  const shard = tx.shard(shardId);
  if (shard?.kind === 'released' && shard.migrationId === command.migrationId) {
    return answerReleased(tx, shardId, command.migrationId);
  }
  if (shard?.kind !== 'frozen' || shard.transfer.migrationId !== command.migrationId) {
    return transferFailed(tx, shardId, command, `Shard ${shardId} is not frozen for this migration (any more).`);
  }
  const { transfer, session, deadline } = shard;
  if (tx.now >= deadline) {
    return abortFrozen(tx, shardId, shard, command, tooLong(transfer));
  }
  const call = tx.call({ method: 'release', shardId });
  tx.enterShard(shardId, { kind: 'releasing', call, transfer, session });
}

export function onReleasingEnded(
  tx: Transaction,
  shardId: number,
  shard: ShardOf<'releasing'>,
  outcome: HostOutcome,
): void {
  const { session } = shard;
  const { migrationId, connection } = shard.transfer;
  const current = tx.established?.connection === connection;
  if (!outcome.ok && current) {
    transferFailed(tx, shardId, { kind: 'transferRelease', migrationId }, outcome.message);
    return stopShard(tx, shardId, 'recover');
  }
  // On a later connection the shard was named among the retained sessions: whatever the host did, another node may be
  // resuming it by now.
  tx.enterShard(shardId, { kind: 'released', connection, session, migrationId });
  tx.log('info', `Shard ${shardId} has left this node.`, { shard: shardId, migration: migrationId });
  if (current) {
    answerReleased(tx, shardId, migrationId);
  }
}

export function answerReleased(tx: Transaction, shardId: number, migrationId: string): void {
  tx.sendNow({ kind: 'transferReleased', migrationId, shardId });
}

/** Ends a migration during which the shard served all the time. */
export function abortServing(tx: Transaction, shardId: number, shard: Serving, reason: string): void {
  abortExport(tx, shard, reason);
  tx.enterShard(shardId, { kind: 'running' });
}

/** What the host does for the migration, if anything, is off. The shard is about to leave the state. */
export function abortExport(tx: Transaction, shard: Serving | Unfreezable, reason: string): void {
  if (shard.kind === 'copying' || shard.kind === 'sendingDelta' || shard.kind === 'baseSending') {
    tx.effect({ kind: 'abortTransfer', call: shard.call, reason });
  } else if (shard.kind === 'announcing') {
    tx.effect({ kind: 'endPatience', call: shard.call, why: 'staysHere' });
  }
}

/**
 * The events that waited go to user code, and the shard goes on; where none could wait, from its cursor, with the state
 * that its host has kept. Without a cursor it has to be stopped to learn it, and a stop forgets the state.
 */
export function unfreeze(tx: Transaction, shardId: number, shard: Unfreezable, reason: string): void {
  abortExport(tx, shard, reason);
  const migration = 'transfer' in shard ? shard.transfer.migrationId : null;
  tx.log('warn', `Shard ${shardId} is unfrozen: ${reason}`, { shard: shardId, migration });
  const session = 'session' in shard ? shard.session : undefined;
  if (!tx.keepsEvents && session !== undefined) return resumeShard(tx, shardId, session, 'takeBack');
  if (!tx.keepsEvents) return stopShard(tx, shardId, 'recover');
  const call = tx.call({ method: 'unfreeze', shardId });
  tx.enterShard(shardId, { kind: 'unfreezing', call });
}

/** Before RELEASE: the orchestrator is told, and the shard goes on here. */
export function abortFrozen(
  tx: Transaction,
  shardId: number,
  shard: Frozen | Freezing<'freezing'>,
  step: { kind: TransferCommand['kind']; migrationId: string },
  reason: string,
): void {
  transferFailed(tx, shardId, step, reason);
  unfreeze(tx, shardId, shard, reason);
}

export function tooLong({ freezeTimeoutMs }: Outgoing): string {
  const wayOut = 'a host with exportState sends most of the state while the shard serves';
  return `It was frozen for longer than ${freezeTimeoutMs / 1000} s (${wayOut}).`;
}

export function onUnfreezingEnded(
  tx: Transaction,
  shardId: number,
  _: ShardOf<'unfreezing'>,
  outcome: HostOutcome,
): void {
  if (outcome.ok) {
    tx.enterShard(shardId, { kind: 'running' });
    return;
  }
  tx.log('error', `Shard ${shardId} could not be unfrozen, and is resumed anew: ${outcome.message}`, {
    shard: shardId,
  });
  stopShard(tx, shardId, 'recover');
}

/** The cursor of a shard that is past the point of no return: another node may be resuming it. */
export function retainedSession(shard: ShardState): Cursor | null {
  return shard.kind === 'releasing' || shard.kind === 'released' ? shard.session : null;
}
