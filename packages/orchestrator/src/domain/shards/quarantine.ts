/**
 * Shards that kill nodes. A shard is newly started on a node while it is being started there, and for a while after.
 * When a node dies, every shard that was newly started on it has a crash to its name; one that then runs for that while
 * somewhere is cleared of all of them. At `quarantineAfter` crashes in a row a shard is quarantined: it is not started
 * any more until an operator releases it.
 *
 * Several shards are started at once, and all but one of them are innocent. So one crash before the last, a shard is a
 * crash suspect: it is started when no other crash suspect is newly started on the same node, and the next
 * crash tells who it was. One that was released is a crash suspect, too.
 */
import { knownShard } from '../state/checks.js';
import { isShuttingDown } from '../state/nodes.js';
import type { ShardState, CrashRecord } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** How long a shard counts as newly started. */
const NEWLY_STARTED_MS = 10_000;
/** Deaths longer ago than this are not in a row with the next one. */
const WINDOW_MS = 600_000;

/** The node is silent or dead: its newly started shards are to be known when its crash is. Called while they are. */
export function noteLoss(tx: Transaction, node: string): void {
  for (const shard of newlyStartedOn(tx, node)) {
    tx.setCrashRecord(shard, { ...crashRecordOf(tx, shard), lostOn: node });
  }
}

/** Its process is dead, and nobody asked it to end. */
export function noteCrash(tx: Transaction, id: string): void {
  const node = tx.node(id);
  if (node === undefined || isShuttingDown(node)) return;
  if (node.connection.kind === 'disconnected' && node.connection.gone) return;
  if (node.connection.kind === 'connected') noteLoss(tx, id);
  for (const [shard, record] of tx.state.crashRecords) {
    if (record.lostOn === id) addCrash(tx, shard, record, id);
  }
}

/** It is back, and was alive all the time. */
export function forgetLoss(tx: Transaction, node: string): void {
  for (const [shard, record] of tx.state.crashRecords) {
    if (record.lostOn === node) tx.setCrashRecord(shard, { ...record, lostOn: null });
  }
}

function crashRecordOf(tx: Transaction, shard: number): CrashRecord {
  return tx.state.crashRecords.get(shard) ?? { crashes: [], lostOn: null, quarantinedAt: null };
}

function newlyStartedOn(tx: Transaction, id: string): number[] {
  const joinedAt = tx.node(id)?.joinedAt ?? 0;
  const newly = tx.shardsOf(id).filter((shard) => isNewlyStarted(tx.shard(shard), joinedAt, tx.now));
  for (const { shard, destination, step } of tx.state.migrations.values()) {
    if (destination === id && (step.kind === 'activating' || step.kind === 'resuming')) newly.push(shard);
  }
  return newly;
}

/** What ran when the node connected was not started then. */
function isNewlyStarted(state: ShardState | undefined, joinedAt: number, now: number): boolean {
  if (state?.kind === 'starting') return state.step !== 'queued';
  return state?.kind === 'running' && state.since > joinedAt && state.since + NEWLY_STARTED_MS > now;
}

function addCrash(tx: Transaction, shard: number, record: CrashRecord, node: string): void {
  const { quarantineAfter } = tx.settings;
  const recent = record.crashes.filter(({ at }) => at + WINDOW_MS > tx.now);
  const crashes = [...recent, { node, at: tx.now }];
  const isQuarantined = quarantineAfter > 0 && crashes.length >= quarantineAfter;
  tx.setCrashRecord(shard, { crashes, lostOn: null, quarantinedAt: isQuarantined ? tx.now : null });
  if (!isQuarantined) return;
  const nodes = crashes.map((crash) => crash.node);
  const text =
    `Shard ${shard} is not started any more: nodes ${nodes.join(', ')} died one after the other when it was newly started on them. ` +
    `When the cause is gone: \`dso release ${shard}\`.`;
  tx.record('shardQuarantined', 'error', text, { shard, nodes });
}

export function isQuarantined(tx: Transaction, shard: number): boolean {
  return (tx.state.crashRecords.get(shard)?.quarantinedAt ?? null) !== null;
}

/** One more crash, and it is quarantined. */
export function isCrashSuspect(tx: Transaction, shard: number): boolean {
  const crashes = tx.state.crashRecords.get(shard)?.crashes.length ?? 0;
  return crashes > 0 && crashes + 1 >= tx.settings.quarantineAfter && tx.settings.quarantineAfter > 0;
}

/** Whether a crash suspect is newly started on the node, so that another one has to wait. */
export function hasCrashSuspect(tx: Transaction, node: string): boolean {
  for (const shard of tx.state.crashRecords.keys()) {
    const state = tx.shard(shard);
    if (!isCrashSuspect(tx, shard)) continue;
    if ((state?.kind === 'starting' || state?.kind === 'running') && state.node === node) return true;
  }
  return false;
}

/** Shards that have run for long enough. */
export function clearCrashRecords(tx: Transaction): void {
  for (const [shard, record] of tx.state.crashRecords) {
    const at = clearedAt(tx, shard);
    if (at !== null && at <= tx.now) unquarantine(tx, shard, record, 'it runs well now');
    else if (record.crashes.length === 0 && record.lostOn === null) tx.removeCrashRecord(shard);
  }
}

/** When it is cleared if it runs on; null: it does not run. */
export function clearedAt(tx: Transaction, shard: number): number | null {
  const state = tx.shard(shard);
  return state?.kind === 'running' ? state.since + NEWLY_STARTED_MS : null;
}

function unquarantine(tx: Transaction, shard: number, { quarantinedAt }: CrashRecord, why: string): void {
  tx.removeCrashRecord(shard);
  if (quarantinedAt === null) return;
  tx.record('shardUnquarantined', 'info', `Shard ${shard} is not quarantined any more: ${why}.`, { shard });
}

/** As if it were one crash before the last: should the cause not be gone, that costs one more node. */
function putOnProbation(tx: Transaction, shard: number, { crashes }: CrashRecord): void {
  const kept = crashes.slice(1).map(({ node }) => ({ node, at: tx.now }));
  if (kept.length > 0) tx.setCrashRecord(shard, { crashes: kept, lostOn: null, quarantinedAt: null });
}

export function unquarantineShard(tx: Transaction, request: string, shard: number): void {
  const known = knownShard(tx.state, shard);
  const record = tx.state.crashRecords.get(shard);
  if (!known.ok) {
    tx.reply(request, known);
  } else if (record === undefined || record.quarantinedAt === null) {
    tx.fail(request, 'DSO_SHARD_NOT_QUARANTINED', `Shard ${shard} is not quarantined.`);
  } else {
    unquarantine(tx, shard, record, `${tx.by} released it`);
    putOnProbation(tx, shard, record);
    tx.done(request, `Shard ${shard} is started again.`, { shard });
  }
}
