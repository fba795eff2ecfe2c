/**
 * Shards that kill nodes. A shard is newly started on a node while it is being started there, and for a while after.
 * When a node dies, every shard that was newly started on it has a crash to its name; one that then runs for that while
 * somewhere is cleared of all of them. At `quarantineAfter` crashes in a row a shard is quarantined: it is not started
 * any more until a new version is there, or an operator says so.
 *
 * Several shards are started at once, and all but one of them are innocent. So one crash before the last, a shard is a
 * crash suspect: it is started when no other crash suspect is newly started on the same node, and the next
 * crash tells who it was. One whose quarantine was lifted is a crash suspect, too.
 *
 * A bot that dies whatever it runs is not its shards' fault. So one of the crashes must have been witnessed: other
 * shards had run well, on the node that died or on another one of its version. And when more than a small share of the
 * shards would be quarantined it is the bot that is to blame: all quarantines of that version are lifted, and there are
 * no others until its nodes live. Launches back off meanwhile (`fleet/crash-loop.ts`).
 */
import { isLeaving } from '../state/nodes.js';
import type { CrashRecord, NodeState, ShardState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** How long a shard counts as newly started. */
const NEWLY_STARTED_MS = 10_000;
/** Deaths longer ago than this are not in a row with the next one. */
const WINDOW_MS = 600_000;
/** More than this share of the shards is never quarantined, but for one shard. */
const MOST_QUARANTINED = 0.05;

/** The node is silent or dead: its newly started shards are to be known when its crash is. Called while they are. */
export function noteLoss(tx: Transaction, node: string): void {
  const newly = newlyStartedOn(tx, node);
  if (newly.length === 0) return;
  const witnessed = otherShardsRanWell(tx, node);
  for (const shard of newly) {
    tx.setCrashRecord(shard, { ...crashRecordOf(tx, shard), lostOn: { node, witnessed } });
  }
}

/** Whether shards were seen to run well on the node, or run well on another one of its version. */
function otherShardsRanWell(tx: Transaction, id: string): boolean {
  const node = tx.node(id);
  if (node === undefined) return false;
  for (const other of tx.state.nodes.values()) {
    if (other.version !== node.version || (other.id !== id && other.connection.kind !== 'connected')) continue;
    if (tx.shardsOf(other.id).some((shard) => hasRunWell(tx.shard(shard), tx.now))) return true;
  }
  return false;
}

function hasRunWell(state: ShardState | undefined, now: number): boolean {
  return state?.kind === 'running' && state.since + NEWLY_STARTED_MS <= now;
}

/** Its process is dead, and nobody asked it to end. */
export function noteCrash(tx: Transaction, id: string): void {
  const node = tx.node(id);
  if (node === undefined || isLeaving(node)) return;
  if (node.connection.kind === 'disconnected' && node.connection.gone) return;
  if (node.connection.kind === 'connected') noteLoss(tx, id);
  prolongBlame(tx, node);
  for (const [shard, { lostOn }] of tx.state.crashRecords) {
    if (lostOn?.node === id) addCrash(tx, shard, node, lostOn.witnessed);
  }
}

/** It is back, and was alive all the time. */
export function forgetLoss(tx: Transaction, node: string): void {
  for (const [shard, record] of tx.state.crashRecords) {
    if (record.lostOn?.node === node) tx.setCrashRecord(shard, { ...record, lostOn: null });
  }
}

function crashRecordOf(tx: Transaction, shard: number): CrashRecord {
  return tx.state.crashRecords.get(shard) ?? { crashes: [], lostOn: null, quarantinedAt: null, liftedFor: null };
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

function addCrash(tx: Transaction, shard: number, { id: node, version }: NodeState, witnessed: boolean): void {
  const { quarantineAfter } = tx.settings;
  const record = crashRecordOf(tx, shard);
  const recent = record.crashes.filter(({ at }) => at + WINDOW_MS > tx.now);
  const crashes = [...recent, { node, at: tx.now, version, witnessed }];
  const isLast = quarantineAfter > 0 && crashes.length >= quarantineAfter && !isBotToBlame(tx, version);
  // What a new version was tried for was proven before.
  const isProven = record.liftedFor !== null || crashes.some((crash) => crash.witnessed);
  if (!isLast || !isProven) {
    // What is not proven does not add up for ever.
    const kept = quarantineAfter > 0 ? crashes.slice(-Math.max(1, quarantineAfter)) : crashes.slice(-1);
    tx.setCrashRecord(shard, { ...record, crashes: kept, lostOn: null });
    return;
  }
  if (wouldBeTooMany(tx)) {
    tx.setCrashRecord(shard, { ...record, crashes, lostOn: null });
    blameBot(tx, version);
    return;
  }
  tx.setCrashRecord(shard, { ...record, crashes, lostOn: null, quarantinedAt: tx.now });
  const nodes = crashes.map((crash) => crash.node);
  const text =
    `Shard ${shard} is not started any more: nodes ${nodes.join(', ')} died one after the other when it was newly started on them. ` +
    `A new version of the bot gets it again by itself; for this one: \`dso unquarantine ${shard}\`.`;
  tx.record('shardQuarantined', 'error', text, { shard, nodes });
}

function wouldBeTooMany(tx: Transaction): boolean {
  const all = tx.settings.responsibleForShards?.length ?? tx.state.totalShards ?? 0;
  const quarantined = [...tx.state.crashRecords.values()].filter(({ quarantinedAt }) => quarantinedAt !== null).length;
  return quarantined + 1 > Math.max(1, Math.floor(all * MOST_QUARANTINED));
}

function blameBot(tx: Transaction, version: string): void {
  tx.patch({ botBlame: { version, until: tx.now + tx.settings.healthyAfterMs } });
  const lifted: number[] = [];
  for (const [shard, record] of tx.state.crashRecords) {
    if (record.quarantinedAt === null || record.crashes.at(-1)?.version !== version) continue;
    tx.setCrashRecord(shard, { ...record, quarantinedAt: null });
    tx.record(
      'shardUnquarantined',
      'info',
      `Shard ${shard} is not quarantined any more: the bot dies of others, too.`,
      { shard },
    );
    lifted.push(shard);
  }
  const name = version === '' ? 'The bot' : `Version ${version} of the bot`;
  const text = `${name} dies of one shard after the other, so it is not the shards: none of them is quarantined for it.`;
  tx.record('botBlamed', 'error', text, { version, shards: lifted });
}

function isBotToBlame(tx: Transaction, version: string): boolean {
  const { botBlame } = tx.state;
  return botBlame !== null && botBlame.version === version && botBlame.until > tx.now;
}

/** Its nodes still die. */
function prolongBlame(tx: Transaction, { version }: NodeState): void {
  if (isBotToBlame(tx, version)) tx.patch({ botBlame: { version, until: tx.now + tx.settings.healthyAfterMs } });
}

export function isQuarantined(tx: Transaction, shard: number): boolean {
  return (tx.state.crashRecords.get(shard)?.quarantinedAt ?? null) !== null;
}

/** One more crash, and it is quarantined. */
export function isCrashSuspect(tx: Transaction, shard: number): boolean {
  const crashes = tx.state.crashRecords.get(shard)?.crashes.length ?? 0;
  return crashes > 0 && crashes + 1 >= tx.settings.quarantineAfter && tx.settings.quarantineAfter > 0;
}

/**
 * One crash suspect at a time on each node, so that a crash tells who it was. One whose quarantine a new version has
 * lifted is tried on that version, as long as there is a node of it.
 */
export function mayTakeCrashSuspect(tx: Transaction, node: NodeState, shard: number): boolean {
  const liftedFor = tx.state.crashRecords.get(shard)?.liftedFor ?? null;
  if (liftedFor !== null && node.version !== liftedFor) {
    const others = [...tx.state.nodes.values()];
    if (others.some(({ version, connection }) => version === liftedFor && connection.kind === 'connected'))
      return false;
  }
  for (const other of tx.state.crashRecords.keys()) {
    const state = tx.shard(other);
    if (!isCrashSuspect(tx, other)) continue;
    if ((state?.kind === 'starting' || state?.kind === 'running') && state.node === node.id) return false;
  }
  return true;
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
function putOnProbation(tx: Transaction, shard: number, record: CrashRecord, liftedFor: string | null): void {
  const kept = record.crashes.slice(1).map((crash) => ({ ...crash, at: tx.now }));
  if (kept.length === 0) return;
  tx.setCrashRecord(shard, { crashes: kept, lostOn: null, quarantinedAt: null, liftedFor });
}

/**
 * A node of another version than those that died is there: what they died of may be gone. Each version is given one
 * chance. Where versions are not named there is nothing to tell them apart by.
 */
export function liftForVersion(tx: Transaction, version: string): void {
  if (version === '') return;
  for (const [shard, record] of tx.state.crashRecords) {
    if (record.quarantinedAt === null || record.liftedFor === version) continue;
    if (record.crashes.some((crash) => crash.version === version)) continue;
    unquarantine(tx, shard, record, `version ${version} of the bot is there`);
    putOnProbation(tx, shard, record, version);
  }
}

/** An operator's word. @param wanted null: all that are quarantined. */
export function unquarantineShards(tx: Transaction, request: string, wanted: readonly number[] | null): void {
  const quarantined = [...tx.state.crashRecords].filter(([, { quarantinedAt }]) => quarantinedAt !== null);
  const isWanted = wanted === null ? null : new Set(wanted);
  const chosen = quarantined.filter(([shard]) => isWanted?.has(shard) ?? true);
  if (chosen.length === 0) {
    const [only] = wanted ?? [];
    const which =
      wanted === null ? 'No shard is' : wanted.length === 1 ? `Shard ${only} is not` : 'None of these shards is';
    tx.fail(request, 'DSO_SHARD_NOT_QUARANTINED', `${which} quarantined.`);
    return;
  }
  for (const [shard, record] of chosen) {
    unquarantine(tx, shard, record, `${tx.by} released it`);
    putOnProbation(tx, shard, record, null);
  }
  const shards = chosen.map(([shard]) => shard);
  tx.done(request, `${shards.length === 1 ? `Shard ${shards[0]}` : `${shards.length} shards`} may start again.`, {
    shards,
  });
}
