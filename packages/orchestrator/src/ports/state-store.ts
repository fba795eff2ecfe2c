/**
 * What must not be forgotten, as keyed plain data, and who may write it.
 *
 * - **Records** are JSON values under a kind and a key. A commit replaces and deletes some of them, appends to the
 *   history, and raises the version by one: all of it or nothing, durable before it is answered.
 * - **Leadership**: only one orchestrator writes. `acquire` gives it an epoch, higher than any before; every commit
 *   carries it and is refused (`staleLeader`) once another one acquired. A lease says until when others keep off; it
 *   must be renewed. Its times are monotonic ones of the machine, and mean something until the machine is restarted: a
 *   lease of another boot is judged by whoever wants to lead (`isDead`).
 * - **Time line**: what the leader's time was ahead of the monotonic one. The next leader of the same boot goes on with
 *   it, so that times in records mean the same to both, whatever happened to the machine's clock in between.
 * - **History**: entries in the order of their ids, the oldest dropped beyond a bound. Those that somebody asked for
 *   (`isAskedFor`) have room of their own, a tenth of the bound, so that whatever happens does not push them out.
 *
 * Operations may answer at once or by a promise, and never throw: what went wrong is a `StoreFailure`. An
 * implementation that shares one machine with its peers uses `now` as it is given. One with a clock of its own (a
 * database server, `hasOwnClock`) measures leases by that clock, and continues the time line by it from machine to
 * machine. The failure `broken` may leave open whether a commit took effect: the leader finds out by `load`.
 */
import type { JsonValue } from '../domain/durable/records.js';

/** `value` null: the record is deleted. */
export type Write = { readonly kind: string; readonly key: string; readonly value: JsonValue };

export type StoredRecord = Write;

/** One entry of the history. */
export type StoredEntry = { readonly id: number; readonly at: number; readonly value: JsonValue };

/** Who leads, for people, and for telling whether it still lives. */
export type LeaderIdentity = {
  /** Unique for each start of an orchestrator. */
  id: string;
  host: string;
  pid: number;
  /** Whatever tells this process from all others on any machine, or null where that cannot be known. */
  process: JsonValue;
  /** Which boot of which machine it runs in, or null where that cannot be known. */
  boot: string | null;
  /** When it started, by the machine's clock, for people. */
  since: number;
  /** Where nodes reach it, `host:port`, and the URL of its REST interface. Earlier versions said neither. */
  address?: string | null;
  http?: string | null;
};

/** `leaseUntil`: by the monotonic time of its boot, or by the store's own clock. Each renewal changes it. */
export type Leader = LeaderIdentity & { leaseUntil: number };

/** What was ahead of the monotonic time of a boot by how much. */
export type TimeLine = { boot: string; aheadMs: number };

/** What whoever wants to lead says of itself and of others. */
export type AcquireTerms = {
  /** The machine's monotonic time. */
  now: number;
  ttlMs: number;
  /** What the time of whoever asks is ahead of `now`, should no other leader of this boot have begun a time line. */
  aheadMs: number;
  /** Whether a leader is known not to live any more, or to stand still; then it is succeeded at once. */
  isDead: (leader: Leader) => boolean;
  /** Whether it may live although its lease seems to be over: then that is not enough. */
  isAlive: (leader: Leader) => boolean;
};

/** A lease of another boot does not say whether it is over. */
export function isLeaseOver(leader: Leader, boot: string | null, now: number): boolean {
  return boot !== null && leader.boot === boot && leader.leaseUntil <= now;
}

export function mayBeSucceeded(leader: Leader, isOver: boolean, terms: AcquireTerms): boolean {
  return terms.isDead(leader) || (isOver && !terms.isAlive(leader));
}

/** Who is further apart began when a clock was plainly wrong: a machine without a battery that had not asked yet. */
export const MOST_APART_MS: number = 24 * 60 * 60 * 1_000;

/** @param known what the leader before wrote. */
export function continuedTimeLine(known: TimeLine | null, boot: string | null, aheadMs: number): TimeLine | null {
  if (boot === null) return null;
  const goesOn = known?.boot === boot && Math.abs(known.aheadMs - aheadMs) <= MOST_APART_MS;
  return goesOn ? known : { boot, aheadMs };
}

export type StoreFailure = {
  ok: false;
  /**
   * - `staleLeader`: another orchestrator acquired the store since. Final.
   * - `versionConflict`: the store is not what it was expected to be; load it again.
   * - `full`, `readOnly`, `broken`: nothing can be written now; it may be possible again later.
   */
  reason: 'staleLeader' | 'versionConflict' | 'full' | 'readOnly' | 'broken';
  /** A sentence that names the store. */
  message: string;
};

export type Acquired = {
  ok: true;
  epoch: number;
  /** `crashed`: the leader before did not release the store, so its last entries may be missing from the history. */
  before: 'none' | 'released' | 'crashed';
  /** The leader that did not release the store: it crashed, or stands still and may wake up. */
  predecessor: Leader | null;
  /** What the leader's time is to be ahead of the monotonic one. */
  aheadMs: number;
};

/** `isOver`: its lease seems to be over. */
export type AcquireResult = Acquired | { ok: false; reason: 'led'; leader: Leader; isOver: boolean } | StoreFailure;

export type LoadResult =
  { ok: true; epoch: number; version: number; records: readonly StoredRecord[]; lastHistoryId: number } | StoreFailure;

export type Commit = {
  epoch: number;
  expectedVersion: number;
  writes: readonly Write[];
  /** With ids above all there are. */
  history: readonly StoredEntry[];
};

export type CommitResult = { ok: true; version: number } | StoreFailure;

export type HistoryResult = { ok: true; entries: readonly StoredEntry[] } | StoreFailure;

/** At once, or later. */
export type Eventually<T> = T | Promise<T>;

export type StateStore = {
  /** For people: `memory`, or `sqlite (/var/lib/dso/state.db)`. */
  readonly name: string;
  /** Leases are measured by a clock that somebody may set. */
  readonly hasOwnClock?: boolean;
  /** Becomes the leader, unless another one has a lease that is not over. */
  acquire(leader: LeaderIdentity, terms: AcquireTerms): Eventually<AcquireResult>;
  /** Prolongs the lease. */
  renew(epoch: number, terms: { now: number; ttlMs: number }): Eventually<{ ok: true } | StoreFailure>;
  /** Ends the lease now. The epoch stays used. */
  release(epoch: number): Eventually<{ ok: true } | StoreFailure>;
  load(): Eventually<LoadResult>;
  commit(commit: Commit): Eventually<CommitResult>;
  /** The first `limit` entries after an id, oldest first; with `after` null the last `limit` ones. */
  history(query: { after: number | null; limit: number }): Eventually<HistoryResult>;
  /** A hint that the leadership may be free. Polling works without it. */
  onWake?(listener: () => void): () => void;
  close(): Eventually<void>;
};
