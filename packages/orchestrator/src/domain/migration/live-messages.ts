/**
 * What the two nodes of a live migration answer. An answer counts only if its migration is under way, in the step that
 * waits for it, and the node is the one that is asked: so what comes twice, late, or from an earlier run of the
 * orchestrator changes nothing.
 */
import type { Message, MessageOf } from '@dshard/protocol';
import { knownNow } from '../shards/vacate.js';
import type { LiveMigration } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import {
  activate,
  onActivated,
  commit,
  onCopied,
  onDestinationOpened,
  freeze,
  onManifestCame,
  onMayLeave,
  onOriginOpened,
} from './live.js';
import { abortLive, onNodeRefused } from './live-failure.js';
import { LIVE_STEPS } from './live-steps.js';
import { isLive } from '../state/migrations.js';
import { nameOfEnd, PARK, type Parked } from '../state/park.js';

export type TransferAnswer = MessageOf<
  | 'shardMayLeave'
  | 'transferOpened'
  | 'transferCopied'
  | 'transferWarm'
  | 'transferManifest'
  | 'transferVerified'
  | 'transferReleased'
  | 'transferActivated'
  | 'transferFailed'
>;

/** What the spool says as one end of a migration. */
export function onParkSaid(tx: Transaction, message: Message): void {
  const { kind } = message;
  if (kind === 'transferOpened' || kind === 'transferCopied' || kind === 'transferManifest') {
    onTransferAnswer(tx, PARK, message);
  } else if (kind === 'transferVerified' || kind === 'transferFailed') {
    onTransferAnswer(tx, PARK, message);
  }
}

export function onTransferAnswer(tx: Transaction, node: string, message: TransferAnswer): void {
  const migration = tx.state.migrations.get(message.migrationId);
  const isPartOfIt = migration?.origin === node || migration?.destination === node;
  if (migration === undefined || !isLive(migration) || !isPartOfIt || migration.shard !== message.shardId) {
    stale(tx, node, message);
  } else if (message.kind === 'transferFailed') {
    onNodeRefused(tx, migration, node, message.reason);
  } else {
    const { answer, waitsFor } = LIVE_STEPS[migration.step.kind];
    if (message.kind === answer && migration[waitsFor] === node) advance(tx, migration, message);
    else stale(tx, node, message);
  }
}

function stale(tx: Transaction, node: string, message: TransferAnswer): void {
  const { kind, migrationId: migration, shardId: shard } = message;
  tx.patch({ staleTransfers: tx.state.staleTransfers + 1 });
  const why = `migration ${migration} of shard ${shard} does not wait for it`;
  tx.record('protocolViolation', 'debug', `${nameOfEnd(node)} sent ${kind}: ${why}.`, {
    node,
    message: kind,
    why,
    shard,
    migration,
  });
}

/** `message` is the answer that the step waits for. */
function advance(
  tx: Transaction,
  migration: LiveMigration,
  message: Exclude<TransferAnswer, { kind: 'transferFailed' }>,
) {
  const { step } = migration;
  switch (step.kind) {
    case 'announcing':
      if (!step.mayLeave) onMayLeave(tx, { ...migration, step });
      break;
    case 'openingOrigin':
      if (message.kind === 'transferOpened') onOriginOpened(tx, { ...migration, step }, message.session);
      break;
    case 'openingDestination':
      if (message.kind === 'transferOpened') onDestinationOpened(tx, { ...migration, step }, message.creditBytes);
      break;
    case 'copying':
      if (step.copiedAt === undefined) onCopied(tx, { ...migration, step });
      break;
    case 'warming':
      freeze(tx, { ...migration, step });
      break;
    case 'freezing':
      if (message.kind === 'transferManifest') onManifest(tx, { ...migration, step }, message);
      break;
    case 'verifying':
      if (message.kind === 'transferVerified') onVerified(tx, { ...migration, step }, message);
      break;
    case 'releasing':
      activate(tx, { ...migration, step }, true);
      break;
    case 'activating':
      if (message.kind === 'transferActivated') onActivated(tx, { ...migration, step }, message.resumed);
      break;
  }
}

function onManifest(
  tx: Transaction,
  migration: Parameters<typeof onManifestCame>[1],
  message: MessageOf<'transferManifest'>,
): void {
  const { parked } = migration;
  if (parked !== undefined) {
    if (isWhole(parked, message)) onManifestCame(tx, migration, message, parked.known.session);
    else onNodeRefused(tx, migration, PARK, 'what was read back is not what was parked');
    return;
  }
  const known = knownNow(tx, message.session);
  if (known === null) abortLive(tx, migration, `node ${migration.origin} froze it without a session to resume`);
  else onManifestCame(tx, migration, message, known.session);
}

/** Whether the spool gave back what it was given. */
function isWhole({ state }: Parked, { events, bytes, hash }: MessageOf<'transferManifest'>): boolean {
  return events === state.events && bytes === state.bytes && hash === state.hash;
}

function onVerified(
  tx: Transaction,
  migration: Parameters<typeof commit>[1],
  { ok, reason }: MessageOf<'transferVerified'>,
): void {
  if (ok) commit(tx, migration);
  else abortLive(tx, migration, `the state that came is not what was sent: ${reason}`);
}
