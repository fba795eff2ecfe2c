/**
 * A store that lasts as long as its `MemoryDisk`: for tests, for the simulator (which keeps the disk and crashes
 * everything else), and for those who want nothing on disk. Values are stored as JSON text, so nobody shares an object
 * with the store.
 */
import { askedForBound, isAskedFor } from '../../domain/state/effects.js';
import { continuedTimeLine, isLeaseOver, mayBeSucceeded } from '../../ports/state-store.js';
import type {
  AcquireResult,
  Commit,
  CommitResult,
  HistoryResult,
  Leader,
  LoadResult,
  StateStore,
  StoreFailure,
  TimeLine,
} from '../../ports/state-store.js';

type KeptEntry = { id: number; at: number; json: string; askedFor: boolean };

/** What is durable. */
export type MemoryDisk = {
  epoch: number;
  leader: Leader | null;
  timeLine: TimeLine | null;
  version: number;
  /** JSON text by `kind/key`. */
  records: Map<string, { kind: string; key: string; json: string }>;
  history: KeptEntry[];
  /** The id of the newest entry, also when it was dropped. */
  lastHistoryId: number;
  /** While set, nothing can be written: for tests. */
  fault: Pick<StoreFailure, 'reason' | 'message'> | null;
  readonly wakeListeners: Set<() => void>;
};

export type MemoryStoreOptions = {
  disk?: MemoryDisk;
  /** How many entries the history keeps. */
  maxHistory?: number;
};

const DEFAULT_MAX_HISTORY = 10_000;

export function memoryDisk(): MemoryDisk {
  return {
    epoch: 0,
    leader: null,
    timeLine: null,
    version: 0,
    records: new Map(),
    history: [],
    lastHistoryId: 0,
    fault: null,
    wakeListeners: new Set(),
  };
}

export function memoryStore(options: MemoryStoreOptions = {}): StateStore {
  const { disk = memoryDisk(), maxHistory = DEFAULT_MAX_HISTORY } = options;
  const own = new Set<() => void>();
  /** Who leads through this object. */
  let leaderId: string | null = null;

  const problem = (epoch: number): StoreFailure | null => {
    if (disk.fault !== null) return { ok: false, ...disk.fault };
    if (epoch === disk.epoch && (leaderId === null || disk.leader === null || disk.leader.id === leaderId)) return null;
    const message = `The store in memory is led by epoch ${disk.epoch} now, not by ${epoch}.`;
    return { ok: false, reason: 'staleLeader', message };
  };

  return {
    name: 'memory',
    acquire(leader, terms): AcquireResult {
      if (disk.fault !== null) return { ok: false, ...disk.fault };
      const predecessor = disk.leader;
      const isOver = predecessor !== null && isLeaseOver(predecessor, leader.boot, terms.now);
      if (predecessor !== null && !mayBeSucceeded(predecessor, isOver, terms)) {
        return { ok: false, reason: 'led', leader: predecessor, isOver };
      }
      const before = predecessor !== null ? 'crashed' : disk.epoch === 0 ? 'none' : 'released';
      const { now, ttlMs, aheadMs } = terms;
      const timeLine = continuedTimeLine(disk.timeLine, leader.boot, aheadMs);
      disk.epoch += 1;
      disk.leader = { ...leader, leaseUntil: now + ttlMs };
      disk.timeLine = timeLine;
      leaderId = leader.id;
      return { ok: true, epoch: disk.epoch, before, predecessor, aheadMs: timeLine?.aheadMs ?? aheadMs };
    },
    renew(epoch, { now, ttlMs }) {
      const failure = problem(epoch);
      if (failure !== null) return failure;
      if (disk.leader !== null) disk.leader = { ...disk.leader, leaseUntil: now + ttlMs };
      return { ok: true };
    },
    release(epoch) {
      const failure = problem(epoch);
      if (failure !== null) return failure;
      disk.leader = null;
      for (const listener of disk.wakeListeners) listener();
      return { ok: true };
    },
    load(): LoadResult {
      if (disk.fault?.reason === 'broken') return { ok: false, ...disk.fault };
      const records = [...disk.records.values()].map(({ kind, key, json }) => ({ kind, key, value: JSON.parse(json) }));
      return { ok: true, epoch: disk.epoch, version: disk.version, records, lastHistoryId: disk.lastHistoryId };
    },
    commit({ epoch, expectedVersion, writes, history }: Commit): CommitResult {
      const failure = problem(epoch);
      if (failure !== null) return failure;
      if (expectedVersion !== disk.version) {
        const message = `The store in memory has version ${disk.version}, not ${expectedVersion}.`;
        return { ok: false, reason: 'versionConflict', message };
      }
      for (const { kind, key, value } of writes) {
        const name = `${kind}/${key}`;
        if (value === null) disk.records.delete(name);
        else disk.records.set(name, { kind, key, json: JSON.stringify(value) });
      }
      for (const { id, at, value } of history) {
        disk.history.push({ id, at, json: JSON.stringify(value), askedFor: isAskedFor(value) });
        disk.lastHistoryId = id;
      }
      disk.history = bounded(disk.history, maxHistory);
      disk.version += 1;
      return { ok: true, version: disk.version };
    },
    history({ after, limit }): HistoryResult {
      if (disk.fault?.reason === 'broken') return { ok: false, ...disk.fault };
      const found =
        after === null
          ? disk.history.slice(Math.max(0, disk.history.length - limit))
          : disk.history.filter(({ id }) => id > after).slice(0, limit);
      return { ok: true, entries: found.map(({ id, at, json }) => ({ id, at, value: JSON.parse(json) })) };
    },
    onWake(listener) {
      const wrapped = (): void => listener();
      own.add(wrapped);
      disk.wakeListeners.add(wrapped);
      return () => {
        own.delete(wrapped);
        disk.wakeListeners.delete(wrapped);
      };
    },
    close() {
      for (const listener of own) disk.wakeListeners.delete(listener);
    },
  };
}

function bounded(history: KeptEntry[], maxHistory: number): KeptEntry[] {
  const beyond = history.length - maxHistory;
  if (beyond <= 0) return history;
  const older = history.slice(0, beyond).filter(({ askedFor }) => askedFor);
  return [...older.slice(-askedForBound(maxHistory)), ...history.slice(beyond)];
}
