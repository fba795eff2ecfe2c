/**
 * The journal by projection: what is durable of a state (`records.ts`), and what of it changed between two states.
 *
 * Cheap where nothing changed, because the domain copies on write: a part that is the same object is the same. A heartbeat costs a
 * look at each node, a user event one at each migration. Only what differs as text is written.
 */
import type { MigrationState, OrchestratorState } from '../state/state.js';
import { operationRecord, operationsById } from './operation-records.js';
import {
  identifiesRecord,
  idsRecord,
  jobRecord,
  keyRecord,
  nodeRecord,
  shardRecord,
  totalRecord,
  crashRecord,
  type JsonValue,
  type RecordKind,
  type Write,
} from './records.js';

/** What has to be durable before the effects of the decision that led from `before` to `after`. */
export function durableWrites(before: OrchestratorState, after: OrchestratorState): Write[] {
  const writes: Write[] = [];
  const compare = (kind: RecordKind, key: string, was: JsonValue, is: JsonValue): void => {
    if (!isSame(was, is)) writes.push({ kind, key, value: is });
  };
  if (before.totalShards !== after.totalShards) compare('fleet', 'total', totalRecord(before), totalRecord(after));
  if (before.nextId !== after.nextId || before.nextEpoch !== after.nextEpoch) {
    compare('fleet', 'ids', idsRecord(before), idsRecord(after));
  }
  if (before.identifies !== after.identifies) {
    compare('fleet', 'identifies', identifiesRecord(before), identifiesRecord(after));
    compareKeys(before, after, compare);
  }
  compareShards(before, after, compare);
  if (before.nodes !== after.nodes) {
    for (const [id, was, is] of changed(before.nodes, after.nodes))
      compare('node', id, nodeRecord(was), nodeRecord(is));
  }
  if (before.operations !== after.operations || before.endedOperations !== after.endedOperations) {
    for (const [id, was, is] of changed(operationsById(before), operationsById(after))) {
      compare('operation', id, operationRecord(was), operationRecord(is));
    }
  }
  if (before.crashRecords !== after.crashRecords) {
    for (const [shard, was, is] of changed(before.crashRecords, after.crashRecords)) {
      compare('crash', String(shard), crashRecord(was), crashRecord(is));
    }
  }
  if (before.jobs !== after.jobs) {
    for (const [name, was, is] of changed(before.jobs, after.jobs)) compare('job', name, jobRecord(was), jobRecord(is));
  }
  return writes;
}

type Compare = (kind: RecordKind, key: string, was: JsonValue, is: JsonValue) => void;

function compareKeys(before: OrchestratorState, after: OrchestratorState, compare: Compare): void {
  const [was, is] = [before.identifies.keys, after.identifies.keys];
  if (was === is) return;
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const [old, now] = [was[Number(key)], is[Number(key)]];
    if (old !== now) compare('identify', key, keyRecord(old), keyRecord(now));
  }
}

/** A shard's record also depends on its assignment, and on the migration it is in. */
function compareShards(before: OrchestratorState, after: OrchestratorState, compare: Compare): void {
  const differing = new Set<number>();
  for (const part of ['shards', 'assignments'] as const) {
    const [was, is] = [before[part], after[part]];
    if (was === is) continue;
    const count = Math.max(was.length, is.length);
    for (let shard = 0; shard < count; shard += 1) if (was[shard] !== is[shard]) differing.add(shard);
  }
  if (before.migrations !== after.migrations) {
    for (const [, was, is] of changed(before.migrations, after.migrations)) {
      const migration = is ?? was;
      if (migration !== undefined && !isOnlyCounted(was, is)) differing.add(migration.shard);
    }
  }
  for (const shard of differing) {
    compare('shard', String(shard), shardRecord(before, shard), shardRecord(after, shard));
  }
}

/** A user event passed through, and nothing else. */
function isOnlyCounted(was: MigrationState | undefined, is: MigrationState | undefined): boolean {
  return was?.step.kind === 'transferring' && is?.step.kind === 'transferring' && was.step.session === is.step.session;
}

function* changed<K, V>(
  before: ReadonlyMap<K, V>,
  after: ReadonlyMap<K, V>,
): Generator<[K, V | undefined, V | undefined]> {
  for (const [key, is] of after) {
    const was = before.get(key);
    if (was !== is) yield [key, was, is];
  }
  for (const [key, was] of before) if (!after.has(key)) yield [key, was, undefined];
}

/** Records are small, and made by the functions of `records.ts`, so the order of their keys says nothing. */
function isSame(a: JsonValue, b: JsonValue): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Everything durable of a state. */
export function recordsOf(state: OrchestratorState): Write[] {
  const all: Write[] = [
    { kind: 'fleet', key: 'total', value: totalRecord(state) },
    { kind: 'fleet', key: 'ids', value: idsRecord(state) },
    { kind: 'fleet', key: 'identifies', value: identifiesRecord(state) },
    ...Object.entries(state.identifies.keys).map(([key, entry]): Write => ({
      kind: 'identify',
      key,
      value: keyRecord(entry),
    })),
    ...state.shards.map((_, id): Write => ({ kind: 'shard', key: String(id), value: shardRecord(state, id) })),
    ...[...state.nodes].map(([key, node]): Write => ({ kind: 'node', key, value: nodeRecord(node) })),
    ...[...operationsById(state)].map(([key, operation]): Write => ({
      kind: 'operation',
      key,
      value: operationRecord(operation),
    })),
    ...[...state.crashRecords].map(([shard, crash]): Write => ({
      kind: 'crash',
      key: String(shard),
      value: crashRecord(crash),
    })),
    ...[...state.jobs].map(([key, dueAt]): Write => ({ kind: 'job', key, value: jobRecord(dueAt) })),
  ];
  return all.filter(({ value }) => value !== null);
}

/** What makes a store that holds `stored` hold the records of `state`, and no others. */
export function correctingWrites(
  stored: readonly { kind: string; key: string; value: JsonValue }[],
  state: OrchestratorState,
): { kind: string; key: string; value: JsonValue }[] {
  const left = new Map(stored.map((record) => [`${record.kind}/${record.key}`, record]));
  const writes: { kind: string; key: string; value: JsonValue }[] = [];
  for (const wanted of recordsOf(state)) {
    const name = `${wanted.kind}/${wanted.key}`;
    const found = left.get(name);
    left.delete(name);
    if (found === undefined || !isSame(found.value, wanted.value)) writes.push(wanted);
  }
  for (const { kind, key } of left.values()) writes.push({ kind, key, value: null });
  return writes;
}
