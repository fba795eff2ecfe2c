/**
 * The state of an orchestrator that starts with what another run left in the store. Nodes remain the truth: what is
 * restored says whom to wait for, not who runs what.
 *
 * - A shard that a node had is `unreachable` there, with its session where one is known: until the node is back (it
 *   says then what it runs), is known dead, or maxNodeDowntime and the grace are over. All others are vacant and can be
 *   placed at once.
 * - The start-up grace is over when every node that had shards, takes part in a migration or in an operation is back.
 * - Cordons, permits and their windows, operations are as they were. A migration is not: its shard belongs to the one
 *   node that its record names, and the operation that it was a step of moves it again if it has to. A replacement that
 *   waited for a node to be launched is begun anew, with that node if it came up.
 */
import { counted, isNodeId } from '@dshard/protocol';
import { firstEpoch, NEVER_ASSIGNED } from '../state/epochs.js';
import { initialState } from '../state/initial-state.js';
import type { Settings } from '../state/settings.js';
import type {
  Assignment,
  IdentifyBudget,
  LeavingIntent,
  NodeState,
  OrchestratorState,
  ShardState,
} from '../state/state.js';
import { nodesOf, type EndedOperation, type OperationState } from '../state/operations.js';
import {
  boundedAlarm,
  boundedCrashes,
  boundedCrashLoop,
  boundedDay,
  boundedHost,
  boundedKeys,
  boundedLeave,
  boundedOperation,
  boundedShard,
} from './bounded-times.js';
import { API_TOKENS, AUDIT, REMEMBERED } from './access-records.js';
import { HOSTS } from './host-records.js';
import { BALANCE, restoredBalance } from './balance-records.js';
import { OPERATIONS } from './operation-records.js';
import { IDENTIFIES, IDENTIFY_KEYS, IDS, JOBS, NODES, ROLLOUTS, SCALE, SHARDS, TOTAL } from './records.js';
import type { JsonValue, NodeRecord, ShardRecord, Codec } from './records.js';
import { CRASH_LOOPS, CRASH_RECORDS, RAISED_ALARMS } from './trouble-records.js';
import { Unreadable } from '../state/shape.js';

/** An older session is gone at Discord (they live for a minute or two), so it binds nobody to a shard count. */
const SESSION_LIFETIME_MS = 300_000;

export type StoredRecords = readonly { kind: string; key: string; value: JsonValue }[];

export type Restored = {
  state: OrchestratorState;
  /** Sentences for the operator. */
  warnings: readonly string[];
};

/** @param dead nodes known not to run any more. */
export function restoredState(
  settings: Settings,
  records: StoredRecords,
  now: number,
  dead: readonly string[] = [],
): Restored {
  const reader = new RecordReader(records);
  const scaledTo = reader.one(SCALE, 'scale');
  // Once the configuration says another number than it did, that number holds.
  const isScaled = scaledTo !== null && scaledTo.configured === settings.nodes && settings.canLaunch;
  const begun = initialState(isScaled ? { ...settings, nodes: scaledTo.nodes } : settings, now);
  const fresh = { ...begun, scaledTo: isScaled ? scaledTo : null };
  const gone = new Set(dead);
  const identifies = restoredIdentifies(reader, settings, now) ?? fresh.identifies;
  const { operations, endedOperations } = restoredOperations(reader, now);
  const { nextId, nextEpoch } = reader.one(IDS, 'ids') ?? { nextId: 1, nextEpoch: 1 };
  const epoch = firstEpoch(now, nextEpoch);
  const crashLoops = restoredCrashLoops(reader, settings, now);
  const remembered: OrchestratorState = {
    ...fresh,
    identifies,
    endedOperations,
    rollouts: restoredRollouts(reader, settings) ?? fresh.rollouts,
    hosts: restoredHosts(reader, now),
    ...restoredAccess(reader),
    crashLoops,
    // Until it is read: what is held back is what was launched last.
    deployedVersion: [...crashLoops.keys()].at(-1) ?? '',
    raisedAlarms: new Map([...reader.all(RAISED_ALARMS)].map(([key, alarm]) => [key, boundedAlarm(alarm, now)])),
    balance: restoredBalance(fresh.balance, reader.one(BALANCE, 'balance'), now),
    jobs: new Map([...reader.all(JOBS)].map(([name, { dueAt }]) => [name, dueAt])),
    epoch,
    nextId,
    nextEpoch: epoch + 1,
  };
  const total = reader.one(TOTAL, 'total')?.totalShards;
  if (total === undefined) return { state: remembered, warnings: reader.warnings };

  const known = Array.from({ length: total }, (_, shard) => boundedShard(reader.one(SHARDS, String(shard)), now));
  const shards = known.map((record) => restoredShard(record, gone, now));
  const { keep, warning } = judgeTotal(settings, total, shards, now);
  const warnings = warning === null ? reader.warnings : [...reader.warnings, warning];
  if (!keep) return { state: { ...remembered, awaitedNodes: settings.expectedNodes ?? [], recalled: true }, warnings };

  const assignments = known.map(restoredAssignment);
  const holders = shards.flatMap((shard) => (shard.kind === 'unreachable' ? [shard.node] : []));
  const involved = [
    // The origin of a migration that broke: it may run the shard, and has its state.
    ...assignments.flatMap(({ before }) => (before === null ? [] : [before.node])),
    ...[...operations.values()].flatMap(nodesOf),
  ];
  const nodes = restoredNodes(reader, [...holders, ...involved], settings, gone, now);
  const awaited = new Set([...holders, ...involved.filter((id) => !gone.has(id)), ...(settings.expectedNodes ?? [])]);
  const state: OrchestratorState = {
    ...remembered,
    totalShards: total,
    shards,
    assignments,
    nodes,
    operations,
    crashRecords: restoredCrashRecords(reader, total, now),
    awaitedNodes: [...awaited],
    recalled: true,
  };
  return { state, warnings };
}

function restoredShard(record: ShardRecord | null, gone: ReadonlySet<string>, now: number): ShardState {
  if (record === null) return { kind: 'vacant', since: now, notBefore: now, known: null };
  if ('parked' in record) return { kind: 'parked', since: now, notBefore: now, parked: record.parked };
  const { node, known } = record;
  if (node === null) return { kind: 'vacant', since: record.since, notBefore: record.notBefore, known };
  const { checkpoint } = record;
  if (gone.has(node)) return { kind: 'vacant', since: now, notBefore: now, known: checkpoint ?? known };
  return { kind: 'unreachable', node, since: now, known, checkpoint };
}

function restoredAssignment(record: ShardRecord | null): Assignment {
  if (record === null) return NEVER_ASSIGNED;
  const { epoch } = record;
  if ('parked' in record) return { epoch, checkpoint: null, before: record.before };
  if (record.node === null) return { epoch, checkpoint: null, before: null };
  return { epoch, checkpoint: record.checkpoint, before: record.before };
}

/**
 * The count of before binds as long as somebody may run with it, or could resume with it. Otherwise what is configured,
 * or Discord, decides anew.
 */
function judgeTotal(
  settings: Settings,
  total: number,
  shards: readonly ShardState[],
  now: number,
): { keep: boolean; warning: string | null } {
  const configured = settings.totalShards;
  if (configured === total) return { keep: true, warning: null };
  const isRetained = shards.some((shard) => shard.kind === 'unreachable');
  if (configured !== null) {
    if (!isRetained) return { keep: false, warning: null };
    const warning =
      `Nodes ran with a total of ${counted(total, 'shard')}, and may still do so; the configuration says ${configured}. ` +
      'That counts after all nodes and the orchestrator were restarted.';
    return { keep: true, warning };
  }
  const isResumable = shards.some(
    (shard) =>
      shard.kind === 'parked' ||
      (shard.kind === 'vacant' && shard.known !== null && shard.known.at + SESSION_LIFETIME_MS > now),
  );
  return { keep: isRetained || isResumable, warning: null };
}

function restoredNodes(
  reader: RecordReader,
  needed: readonly string[],
  settings: Settings,
  gone: ReadonlySet<string>,
  now: number,
): ReadonlyMap<string, NodeState> {
  const nodes = new Map<string, NodeState>();
  const stored = reader.all(NODES, isNodeId);
  for (const id of new Set([...stored.keys(), ...needed])) {
    const record = stored.get(id);
    const intent: NodeState['intent'] =
      record?.intent === 'shuttingDown' && !gone.has(id)
        ? {
            kind: 'shuttingDown',
            since: now,
            deadline: now + settings.commandTimeoutMs,
            requests: [],
            final: record.final,
            answered: false,
            byItself: false,
            shards: 0,
          }
        : (restoredLeave(record, now) ?? { kind: record?.intent === 'cordoned' ? 'cordoned' : 'serving' });
    nodes.set(id, {
      id,
      version: record?.version ?? '',
      host: record?.host ?? null,
      zone: record?.zone ?? null,
      pid: record?.pid ?? null,
      instance: null,
      bounds: null,
      connection: { kind: 'disconnected', since: now, gone: gone.has(id) },
      joinedAt: now,
      intent,
      shardReports: [],
      process: null,
      signals: null,
      retained: [],
      missing: [],
      restarts: 0,
      checkpointedAt: 0,
    });
  }
  return nodes;
}

/** It may be on its way back; its time goes on. */
function restoredLeave(record: NodeRecord | undefined, now: number): LeavingIntent | null {
  const leave = record?.intent === 'leaving' ? record.leave : null;
  if (leave === null || leave === undefined) return null;
  return { kind: 'leaving', ...boundedLeave(leave, now), retryAt: now, tried: [] };
}

function restoredIdentifies(reader: RecordReader, settings: Settings, now: number): IdentifyBudget | null {
  const stored = reader.one(IDENTIFIES, 'identifies');
  if (stored === null) return null;
  const isOfKey = (key: string, { holder }: IdentifyBudget['keys'][number]): boolean =>
    holder === null || holder.shard % stored.maxConcurrency === Number(key);
  const keys = boundedKeys(Object.fromEntries(reader.all(IDENTIFY_KEYS, isOfKey)), settings, now);
  return { ...stored, ...boundedDay(stored, now), keys, waiting: [], unsure: 0, shortSince: null };
}

function restoredCrashLoops(reader: RecordReader, settings: Settings, now: number): OrchestratorState['crashLoops'] {
  const loops = [...reader.all(CRASH_LOOPS).values()].toSorted((a, b) => a.lastAt - b.lastAt);
  return new Map(loops.map((loop) => [loop.version, boundedCrashLoop(loop, settings, now)]));
}

/** A launcher that cannot be told any more which version to start starts what is deployed. */
function restoredRollouts(reader: RecordReader, { launchesVersions }: Settings): OrchestratorState['rollouts'] | null {
  const stored = reader.one(ROLLOUTS, 'rollouts');
  return stored === null || launchesVersions ? stored : { ...stored, launched: null };
}

function restoredHosts(reader: RecordReader, now: number): OrchestratorState['hosts'] {
  return new Map([...reader.all(HOSTS)].map(([name, host]) => [name, boundedHost(host, now)]));
}

/** Of shards below the total. */
function restoredCrashRecords(reader: RecordReader, total: number, now: number): OrchestratorState['crashRecords'] {
  const isShard = (key: string): boolean => /^\d+$/.test(key) && Number(key) < total;
  const stored = [...reader.all(CRASH_RECORDS, isShard)];
  return new Map(stored.map(([shard, record]) => [Number(shard), { ...boundedCrashes(record, now), lostOn: null }]));
}

/** Stores give records back in any order. */
function restoredAccess(reader: RecordReader): Pick<OrchestratorState, 'apiTokens' | 'audit' | 'rememberedRequests'> {
  return {
    apiTokens: new Map([...reader.all(API_TOKENS)].sort(([, a], [, b]) => a.createdAt - b.createdAt)),
    audit: new Map([...reader.all(AUDIT)].sort(([, a], [, b]) => a.id - b.id)),
    rememberedRequests: new Map([...reader.all(REMEMBERED)].sort(([, a], [, b]) => a.at - b.at)),
  };
}

/** Operations in the order of their ids. */
function numberOf({ id }: { id: string }): number {
  return Number(id.replace(/^\D+/, ''));
}

/** Who is a step of an operation that is not known any more stands for itself. */
function restoredOperations(
  reader: RecordReader,
  now: number,
): Pick<OrchestratorState, 'operations' | 'endedOperations'> {
  const stored = [...reader.all(OPERATIONS).values()].map((operation) => boundedOperation(operation, now));
  const known = stored.sort((a, b) => numberOf(a) - numberOf(b));
  const running = known.filter((each): each is OperationState => !('outcome' in each));
  const ids = new Set(running.map(({ id }) => id));
  const withParent = (operation: OperationState): OperationState =>
    operation.parent === null || ids.has(operation.parent) ? operation : { ...operation, parent: null };
  return {
    operations: new Map(running.map((operation) => [operation.id, withParent(operation)])),
    endedOperations: known
      .filter((each): each is EndedOperation => 'outcome' in each)
      .sort((a, b) => a.endedAt - b.endedAt),
  };
}

type Readable<R> = Pick<Codec<never, R>, 'kind' | 'read'>;

/** Checks each record, for they come from outside: one that makes no sense is left out, and said so. */
class RecordReader {
  readonly #records = new Map<string, Map<string, JsonValue>>();
  readonly #warnings: string[] = [];

  constructor(records: readonly { kind: string; key: string; value: JsonValue }[]) {
    for (const { kind, key, value } of records) {
      const ofKind = this.#records.get(kind) ?? new Map<string, JsonValue>();
      this.#records.set(kind, ofKind.set(key, value));
    }
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** @param isPossible whether the record makes sense beside the others. */
  one<R>({ kind, read }: Readable<R>, key: string, isPossible: (record: R) => boolean = () => true): R | null {
    const value = this.#records.get(kind)?.get(key);
    if (value === undefined || value === null) return null;
    try {
      const record = read(value, key);
      if (isPossible(record)) return record;
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
    this.#warnings.push(`The store's record ${kind}/${key} makes no sense and is left out: ${JSON.stringify(value)}.`);
    return null;
  }

  /** By key. */
  all<R>(codec: Readable<R>, isPossible: (key: string, record: R) => boolean = () => true): ReadonlyMap<string, R> {
    const found = new Map<string, R>();
    for (const key of this.#records.get(codec.kind)?.keys() ?? []) {
      const record = this.one(codec, key, (each) => isPossible(key, each));
      if (record !== null) found.set(key, record);
    }
    return found;
  }
}
