/**
 * What must not be forgotten, as keyed plain data: one record per thing. `value` null means that there is none.
 *
 *     fleet/total         how many shards there are
 *     fleet/ids           the sources of ids and epochs
 *     fleet/identifies    Discord's max_concurrency, what is left of the session starts, and what we used of them
 *     fleet/rollouts      versions that were reverted, and whether rollouts are frozen
 *     fleet/balance       which shards were moved to spread them, lately (`balance-records.ts`)
 *     identify/<key>      who holds the permit of a key, and when the key is free again
 *     shard/<id>          the one node that may run the shard, under which epoch, and the session it can be resumed with; none: nobody
 *                         ever had it
 *     host/<name>         whether the host is cordoned, and since when it counts as dead
 *     node/<id>           what was last known of a node that may live, and what is to become of it
 *     operation/<id>      an operation under way, or how it ended (`operation-records.ts`)
 *     crash/<shard>       the crashes it has to answer for, and whether it is quarantined
 *     crashLoop/<version> how long its launches are held back (`trouble-records.ts`)
 *     raised/<key>        an alarm that stands
 *     job/<name>          when the latest run of a job that runs once per fleet was due
 *     token/…, audit/…, request/…   see `access-records.ts`
 *
 * The owner in a shard's record is always exactly one: the origin of a migration until its point of no return, the
 * destination from then on. That record is durable before the message that makes it true is sent, so whoever is not in
 * it was never told to run the shard.
 */
import { LEAVE_INTENTS, MAX_SHARDS, type GatewaySession } from '@dshard/protocol';
import type { KnownSession } from '../state/commands.js';
import { assignmentOf } from '../state/epochs.js';
import { ownerOf } from '../state/migrations.js';
import { parkedBy, type Parked } from '../state/park.js';
import {
  count,
  flag,
  listOf,
  nodeId,
  nothing,
  nullOr,
  object,
  oneOf,
  orElse,
  picked,
  text,
  time,
  within,
} from '../state/shape.js';
import type { Reader, Shape } from '../state/shape.js';
import type {
  Assignment,
  IdentifyBudget,
  LeavingIntent,
  MigrationState,
  NodeState,
  OrchestratorState,
  ShardState,
} from '../state/state.js';
import { NO_ROLLOUTS, type RolloutMemory } from '../state/versions.js';
import { knownSession, parked, parkedJson, sessionRecord } from './session-records.js';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** `value` null: the record is deleted. */
export type Write = { readonly kind: RecordKind; readonly key: string; readonly value: JsonValue };

type RecordKind =
  | 'fleet'
  | 'identify'
  | 'shard'
  | 'node'
  | 'host'
  | 'crashLoop'
  | 'raised'
  | 'operation'
  | 'crash'
  | 'job'
  | 'token'
  | 'audit'
  | 'request';

/** One kind of record, both ways. `R` is what is read back. */
export type Codec<T, R> = {
  readonly kind: RecordKind;
  /** What there is of it, by key. */
  readonly entries: (state: OrchestratorState) => Iterable<readonly [key: string, thing: T]>;
  /** What of it may differ between two states. */
  readonly changed: (
    before: OrchestratorState,
    after: OrchestratorState,
  ) => Iterable<readonly [key: string, was: T | undefined, is: T | undefined]>;
  /** null: there is nothing to be kept. */
  readonly write: (thing: T) => JsonValue;
  /** @throws Unreadable */
  readonly read: (value: JsonValue, key: string) => R;
};

/** Records of a map of the state. The domain copies on write, so what is the same object has not changed. */
export function recordsOfMap<K extends string | number, T, R>(
  codec: Pick<Codec<T, R>, 'kind' | 'write' | 'read'> & {
    map: (state: OrchestratorState) => ReadonlyMap<K, T>;
    /** The parts of the state that the map is made of. Without: the map itself. */
    parts?: (state: OrchestratorState) => readonly unknown[];
  },
): Codec<T, R> {
  const { kind, write, read, map, parts = (state) => [map(state)] } = codec;
  return {
    kind,
    write,
    read,
    entries: (state) => [...map(state)].map(([key, thing]) => [String(key), thing]),
    *changed(before, after) {
      const same = parts(before);
      if (parts(after).every((part, i) => part === same[i])) return;
      const [was, is] = [map(before), map(after)];
      for (const [key, thing] of is) if (was.get(key) !== thing) yield [String(key), was.get(key), thing];
      for (const [key, thing] of was) if (!is.has(key)) yield [String(key), thing, undefined];
    },
  };
}

/** The one record `fleet/<key>`. */
function fleetRecord<R extends { readonly [field: string]: JsonValue }>(
  key: string,
  shape: Shape<R>,
  of: (state: OrchestratorState) => R | null,
  parts: (state: OrchestratorState) => readonly unknown[],
): Codec<R | null, R> {
  const map = (state: OrchestratorState): ReadonlyMap<string, R | null> => new Map([[key, of(state)]]);
  const write = (record: R | null): JsonValue => record && picked(shape, record);
  return recordsOfMap({ kind: 'fleet', map, parts, write, read: object(shape) });
}

type TotalRecord = { totalShards: number };

export const TOTAL: Codec<TotalRecord | null, TotalRecord> = fleetRecord<TotalRecord>(
  'total',
  { totalShards: within(1, MAX_SHARDS) },
  ({ totalShards }) => (totalShards === null ? null : { totalShards }),
  ({ totalShards }) => [totalShards],
);

type ScaleRecord = { nodes: number; configured: number };

export const SCALE: Codec<ScaleRecord | null, ScaleRecord> = fleetRecord<ScaleRecord>(
  'scale',
  { nodes: within(1, 1000), configured: count },
  ({ scaledTo }) => scaledTo,
  ({ scaledTo }) => [scaledTo],
);

type IdsRecord = { nextId: number; nextEpoch: number };

export const IDS: Codec<IdsRecord | null, IdsRecord> = fleetRecord<IdsRecord>(
  'ids',
  { nextId: within(1), nextEpoch: orElse(1, within(1)) },
  ({ nextId, nextEpoch }) => ({ nextId, nextEpoch }),
  ({ nextId, nextEpoch }) => [nextId, nextEpoch],
);

type IdentifiesRecord = Pick<IdentifyBudget, 'maxConcurrency' | 'budget' | 'ledger' | 'allowed'>;

export const IDENTIFIES: Codec<IdentifiesRecord | null, IdentifiesRecord> = fleetRecord<IdentifiesRecord>(
  'identifies',
  {
    maxConcurrency: within(1, MAX_SHARDS),
    budget: orElse(null, nullOr(object({ total: within(1), remaining: count, resetAt: time }))),
    ledger: object({ used: count, until: time }),
    allowed: count,
  },
  ({ identifies }) => identifies,
  ({ identifies }) => [identifies],
);

const ROLLOUT_MEMORY: Shape<RolloutMemory> = {
  quarantined: listOf(object({ version: text, reported: nullOr(text), reason: text, at: time })),
  reverts: listOf(time),
  frozen: flag,
  last: orElse(null, nullOr(object({ operation: text, from: text, to: text, endedAt: time }))),
  launched: orElse(null, nullOr(text)),
};

/** Written as it is: all of it is plain data. */
export const ROLLOUTS: Codec<RolloutMemory | null, RolloutMemory> = recordsOfMap({
  kind: 'fleet',
  map: ({ rollouts }) => new Map([['rollouts', rollouts === NO_ROLLOUTS ? null : rollouts]]),
  parts: ({ rollouts }) => [rollouts],
  write: (memory) => memory && picked<RolloutMemory>(ROLLOUT_MEMORY, memory),
  read: object(ROLLOUT_MEMORY),
});

type KeyRecord = IdentifyBudget['keys'][number];

const KEY: Shape<KeyRecord> = { holder: nullOr(object({ node: nodeId, shard: count })), freeAt: time };

export const IDENTIFY_KEYS: Codec<KeyRecord, KeyRecord> = recordsOfMap({
  kind: 'identify',
  map: ({ identifies }) => new Map(Object.entries(identifies.keys)),
  parts: ({ identifies }) => [identifies.keys],
  write: (key) => picked(KEY, key),
  read: object(KEY),
});

export type LeaveRecord = Pick<LeavingIntent, 'since' | 'leaveBy' | 'intent' | 'successor' | 'instance'>;

export type NodeRecord = Pick<NodeState, 'version' | 'host' | 'zone' | 'pid'> & {
  intent: NodeState['intent']['kind'];
  final: boolean;
  leave: LeaveRecord | null;
};

const LEAVE: Shape<LeaveRecord> = {
  since: time,
  leaveBy: time,
  intent: oneOf(...LEAVE_INTENTS),
  successor: text,
  instance: nullOr(text),
};

const NODE: Shape<NodeRecord> = {
  version: text,
  host: nullOr(text),
  zone: orElse(null, nullOr(text)),
  pid: nullOr(time),
  intent: oneOf('serving', 'cordoned', 'leaving', 'shuttingDown'),
  final: flag,
  leave: orElse(null, nullOr(object(LEAVE))),
};

export const NODES: Codec<NodeState, NodeRecord> = recordsOfMap({
  kind: 'node',
  map: ({ nodes }) => nodes,
  write(node) {
    if (node.connection.kind === 'disconnected' && node.connection.gone) return null;
    const { version, host, zone, pid, intent } = node;
    const final = intent.kind === 'shuttingDown' && intent.final;
    const leave = intent.kind === 'leaving' ? picked(LEAVE, intent) : null;
    return { ...picked(NODE, { version, host, zone, pid, intent: intent.kind, final, leave: null }), leave };
  },
  read: object(NODE),
});

type JobRecord = { dueAt: number };

const JOB: Shape<JobRecord> = { dueAt: within(1) };

export const JOBS: Codec<number, JobRecord> = recordsOfMap({
  kind: 'job',
  map: ({ jobs }) => jobs,
  write: (dueAt) => picked(JOB, { dueAt }),
  read: object(JOB),
});

type AssignedRecord = {
  node: string;
  epoch: number;
  before: Assignment['before'];
  known: KnownSession | null;
  checkpoint: KnownSession | null;
};
type VacantRecord = { node: null; epoch: number; since: number; notBefore: number; known: KnownSession | null };

type ParkedRecord = { node: null; epoch: number; before: Assignment['before']; parked: Parked };

export type ShardRecord = AssignedRecord | VacantRecord | ParkedRecord;

// Records of a time before there were epochs have none.
const epoch = orElse(0, count);

const before: Reader<Assignment['before']> = orElse(
  null,
  nullOr(object({ node: nodeId, epoch: count, mayRun: orElse(true, flag) })),
);

const ASSIGNED: Shape<AssignedRecord> = {
  node: nodeId,
  epoch,
  before,
  known: knownSession,
  checkpoint: knownSession,
};
const VACANT: Shape<VacantRecord> = {
  node: nothing,
  epoch,
  since: time,
  notBefore: time,
  known: knownSession,
};

const PARKED: Shape<ParkedRecord> = { node: nothing, epoch, before, parked };

function parkedRecord({ epoch: is, before: origin }: Assignment, kept: Parked): ParkedRecord {
  return { node: null, epoch: is, before: origin, parked: kept };
}

export const SHARDS: Codec<ShardRecord | null, ShardRecord> = {
  kind: 'shard',
  entries: (state) => state.shards.map((_, shard) => [String(shard), shardRecord(state, shard)]),
  *changed(before, after) {
    for (const shard of changedShards(before, after)) {
      yield [String(shard), shardRecord(before, shard), shardRecord(after, shard)];
    }
  },
  write(record) {
    if (record === null) return null;
    if ('parked' in record) return { ...record, parked: parkedJson(record.parked) };
    const known = sessionRecord(record.known);
    if (record.node === null) return { ...picked(VACANT, record), known };
    return { ...picked(ASSIGNED, record), known, checkpoint: sessionRecord(record.checkpoint) };
  },
  read(value) {
    const isVacant = typeof value === 'object' && value !== null && 'node' in value && value.node === null;
    if (isVacant && 'parked' in value) return object(PARKED)(value);
    return isVacant ? object(VACANT)(value) : object(ASSIGNED)(value);
  },
};

/** A shard's record also depends on its assignment, and on the migration it is in. */
function changedShards(before: OrchestratorState, after: OrchestratorState): ReadonlySet<number> {
  const differing = new Set<number>();
  for (const part of ['shards', 'assignments'] as const) {
    const [was, is] = [before[part], after[part]];
    if (was === is) continue;
    const total = Math.max(was.length, is.length);
    for (let shard = 0; shard < total; shard += 1) if (was[shard] !== is[shard]) differing.add(shard);
  }
  if (before.migrations === after.migrations) return differing;
  for (const [id, is] of after.migrations) {
    const was = before.migrations.get(id);
    if (was !== is && !isOnlyCounted(was, is)) differing.add(is.shard);
  }
  for (const [id, { shard }] of before.migrations) if (!after.migrations.has(id)) differing.add(shard);
  return differing;
}

/** A user event passed through, and nothing else. */
function isOnlyCounted(was: MigrationState | undefined, is: MigrationState): boolean {
  return was?.step.kind === 'transferring' && is.step.kind === 'transferring' && was.step.session === is.step.session;
}

function shardRecord(state: OrchestratorState, id: number): ShardRecord | null {
  const shard = state.shards[id];
  const assignment = assignmentOf(state, id);
  switch (shard?.kind) {
    case undefined:
      return null;
    case 'vacant':
      return vacantRecord(assignment, shard);
    case 'parked':
      return parkedRecord(assignment, shard.parked);
    case 'starting':
      // Not sent yet: the node knows nothing of it.
      if (shard.step === 'queued') return vacantRecord(assignment, { ...shard, notBefore: shard.since });
      return assignedRecord(assignment, shard.node, shard.known);
    case 'running':
      return assignedRecord(assignment, shard.node, null);
    case 'stopping':
      return assignedRecord(assignment, shard.node, shard.known);
    case 'unreachable':
      return assignedRecord({ ...assignment, checkpoint: shard.checkpoint }, shard.node, shard.known);
    case 'migrating': {
      const migration = state.migrations.get(shard.migration);
      if (migration === undefined) return null;
      const kept = keptFor(state, migration);
      if (kept !== null) return parkedRecord(assignment, kept);
      const session = closedSession(migration);
      const known = session === null ? null : { session, at: migration.startedAt };
      const checkpoint = known === null ? assignment.checkpoint : null;
      return assignedRecord({ ...assignment, checkpoint }, ownerOf(migration), known);
    }
  }
}

/** What the orchestrator has of the shard while it is the shard's end of a migration. */
function keptFor(state: OrchestratorState, migration: MigrationState): Parked | null {
  const { parked: given, step } = migration;
  if (given !== undefined) return step.kind === 'activating' ? null : given;
  return parkedBy(state, migration, false);
}

/** The session that the origin closed, or is being told to close: until then the origin runs the shard. */
function closedSession({ step }: MigrationState): GatewaySession | null {
  switch (step.kind) {
    case 'closing':
    case 'announcing':
    case 'openingOrigin':
    case 'openingDestination':
    case 'copying':
    case 'warming':
    case 'freezing':
    case 'verifying':
      return null;
    case 'preparing':
    case 'transferring':
    case 'resuming':
      return step.session;
    case 'releasing':
    case 'activating':
      return step.manifest.session;
  }
}

function vacantRecord(
  assignment: Assignment,
  { since, notBefore, known }: Pick<Extract<ShardState, { kind: 'vacant' }>, 'since' | 'notBefore' | 'known'>,
): ShardRecord | null {
  if (known === null && notBefore <= since && assignment.epoch === 0) return null;
  return { node: null, epoch: assignment.epoch, since, notBefore, known };
}

function assignedRecord(assignment: Assignment, node: string, known: KnownSession | null): ShardRecord {
  return { node, known, epoch: assignment.epoch, before: assignment.before, checkpoint: assignment.checkpoint };
}
