/**
 * The ends of a migration that has the orchestrator at one side: the shard is parked, is parked still, or what was kept
 * of it is lost. A file of the spool is kept for as long as the state names the file (`state/park.ts`), so nothing here
 * deletes one.
 */
import { markOriginDone } from '../shards/epochs.js';
import { inexact, vacate } from '../shards/vacate.js';
import { PARK, parkedBy, type Parked } from '../state/park.js';
import type { LiveMigration } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** So long a copied shard waits for those that are parked together with it: what changes meanwhile is sent again. */
export const MOST_HELD_MS = 20_000;
/** So many nodes in a row could not take the state of a shard: then it is resumed without. */
const MOST_REFUSALS = 3;
/** Until the next node is tried. */
const RETRY_MS = 500;

/** The origin let go, or is known not to run the shard. */
export function enterParked(tx: Transaction, migration: LiveMigration, originReleased: boolean): void {
  const { id, shard, origin, step, request, startedAt, operation } = migration;
  const parked = parkedBy(tx.state, migration, originReleased);
  if (parked === null || !('frozenAt' in step)) return;
  tx.setShard(shard, { kind: 'parked', since: tx.now, notBefore: tx.now, parked });
  markOriginDone(tx, shard);
  tx.removeMigration(id);
  tx.send(origin, { kind: 'transferDone', migrationId: id, shardId: shard });
  const { bytes, events: userEvents } = parked.state;
  const durationMs = tx.now - startedAt;
  const frozenMs = tx.now - step.frozenAt;
  const text = `Shard ${shard} of node ${origin} is parked, with ${bytes} bytes of state.`;
  const facts = { shard, origin, destination: PARK, durationMs, frozenMs, userEvents, bytes, operation };
  tx.record('migrationCompleted', 'info', text, { migration: id, ...facts }, migration.by);
  tx.done(request, text, facts);
  tx.leaveOutcome(operation, { kind: 'moved', shard });
}

/** A node did not take it after all. @param isRefused it said so: its state may be nothing for that node. */
export function stayParked(tx: Transaction, migration: LiveMigration, reason: string, isRefused: boolean): void {
  const { shard, parked: before, step } = migration;
  if (before === undefined) return;
  const mayHaveRun = step.kind === 'activating';
  const known = mayHaveRun ? (inexact(before.known) ?? before.known) : before.known;
  const parked: Parked = { ...before, known, refusals: before.refusals + (isRefused ? 1 : 0) };
  if (parked.refusals >= MOST_REFUSALS) dropParkedState(tx, shard, parked, reason);
  else if (parked.until <= tx.now) dropParkedState(tx, shard, parked, overdue(parked));
  else tx.setShard(shard, { kind: 'parked', since: tx.now, notBefore: tx.now + RETRY_MS, parked });
}

/** The cursor is left: whoever resumes the shard is told that its state is lost. */
export function dropParkedState(tx: Transaction, shard: number, parked: Parked, reason: string): void {
  const { origin, known, state } = parked;
  vacate(tx, shard, known);
  const { bytes, version, host } = state;
  const of = `node ${origin}${version === '' ? '' : ` (version ${version})`}`;
  const text = `The state of shard ${shard}, parked from ${of}, is lost: ${reason}. Its session is resumed without.`;
  tx.record('parkedStateLost', 'warn', text, { shard, origin, host, bytes, version, reason });
}

export function overdue({ since, until }: Parked): string {
  return `no node took it within ${Math.round((until - since) / 1_000)} s`;
}
