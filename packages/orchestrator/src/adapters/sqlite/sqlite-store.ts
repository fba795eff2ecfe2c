/**
 * The store in one SQLite file, for one orchestrator and its standbys on one host.
 *
 * WAL with synchronous=FULL: a commit that was answered survives a power cut, and one that was not leaves nothing
 * behind. Every write is one transaction that checks the leader's epoch first, so that the file itself decides who may
 * write. Calls are synchronous: a commit takes about a millisecond, and nobody can act between a decision and its
 * record.
 *
 * After an error that says nothing better, the connection is opened anew at the next call. A file that was deleted or
 * replaced under our feet is noticed (the system would let us write into nowhere), and nothing is written any more. The
 * same for the files beside it, which are made anew: what was only in them is written again by whoever leads, from
 * memory (`Journal`). What is kept of the leader is never only in them, and names it by more than its epoch, so that of
 * two who took an old copy for the truth one only may write.
 */
import Database from 'libsql';
import { messageOf, printable } from '@dshard/protocol';
import { OrchestratorError } from '../../errors.js';
import type { JsonValue } from '../../domain/durable/records.js';
import { askedForBound, AUTOMATIC } from '../../domain/state/effects.js';
import { continuedTimeLine, isLeaseOver, mayBeSucceeded } from '../../ports/state-store.js';
import type {
  AcquireResult,
  AcquireTerms,
  Commit,
  CommitResult,
  HistoryResult,
  Leader,
  LeaderIdentity,
  LoadResult,
  StateStore,
  StoreFailure,
  TimeLine,
} from '../../ports/state-store.js';
import { collectGarbage } from './collect-garbage.js';
import { migrate, problemOf, textOf } from './schema.js';
import { StoreFiles } from './store-files.js';

export type SqliteStoreOptions = {
  path: string;
  /** How many entries the history keeps. */
  maxHistory?: number;
  /** The file grows to this many pages of 4 KiB at most; for tests. */
  maxPages?: number;
};

const DEFAULT_MAX_HISTORY = 100_000;
/** How long a write waits for another process. It blocks everything, so it is short. */
const BUSY_TIMEOUT_MS = 1_000;

/** Throws `DSO_STORE_UNUSABLE`, naming the file and the way out. */
export function sqliteStore(options: SqliteStoreOptions): StateStore {
  return new SqliteStore(options);
}

type LeaderRow = {
  epoch: number;
  version: number;
  last_history_id: number;
  identity: string | null;
  since: number | null;
  lease_until: number | null;
  time_line: string | null;
};

type StoredLeader = Omit<LeaderRow, 'identity' | 'time_line'> & Record<'identity' | 'time_line', Uint8Array | null>;

/** Of a damaged file a column may be of any type. */
const LEADER = `SELECT CAST(epoch AS INTEGER) AS epoch, CAST(version AS INTEGER) AS version,
  CAST(last_history_id AS INTEGER) AS last_history_id, CAST(identity AS BLOB) AS identity, CAST(since AS REAL) AS since,
  CAST(lease_until AS REAL) AS lease_until, CAST(time_line AS BLOB) AS time_line FROM leader`;
const RECORDS =
  'SELECT CAST(kind AS BLOB) AS kind, CAST(key AS BLOB) AS key, CAST(value AS BLOB) AS value FROM records';
const HISTORY = 'SELECT id, CAST(at AS REAL) AS at, CAST(value AS BLOB) AS value FROM history';

/** Ends a transaction with an answer instead of a commit. */
class Refused extends Error {
  readonly failure: StoreFailure;

  constructor(failure: StoreFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

class SqliteStore implements StateStore {
  readonly name: string;
  readonly #path: string;
  readonly #maxHistory: number;
  readonly #maxPages: number | null;
  readonly #files: StoreFiles;
  #database: Database.Database | null;
  /** Who leads through this object. */
  #leader: string | null = null;

  constructor({ path, maxHistory = DEFAULT_MAX_HISTORY, maxPages }: SqliteStoreOptions) {
    this.name = `sqlite (${path})`;
    this.#path = path;
    this.#maxHistory = maxHistory;
    this.#maxPages = maxPages ?? null;
    try {
      this.#files = new StoreFiles(path);
    } catch (cause) {
      throw unusable(path, `${wordsOf(cause)}. Check the path, who may write there, and the free space`, cause);
    }
    this.#database = this.#open();
  }

  acquire(leader: LeaderIdentity, terms: AcquireTerms): AcquireResult {
    const acquired = this.#write<AcquireResult>((database) => {
      const row = leaderRow(database);
      const predecessor = leaderOf(row);
      const isOver = predecessor !== null && isLeaseOver(predecessor, leader.boot, terms.now);
      if (predecessor !== null && !mayBeSucceeded(predecessor, isOver, terms)) {
        return { ok: false, reason: 'led', leader: predecessor, isOver };
      }
      const epoch = row.epoch + 1;
      const known = row.time_line === null ? null : (JSON.parse(row.time_line) as TimeLine);
      const timeLine = continuedTimeLine(known, leader.boot, terms.aheadMs);
      database
        .prepare('UPDATE leader SET epoch = ?, identity = ?, since = ?, lease_until = ?, time_line = ?')
        .run(
          epoch,
          JSON.stringify(leader),
          leader.since,
          terms.now + terms.ttlMs,
          timeLine === null ? null : JSON.stringify(timeLine),
        );
      const before = predecessor !== null ? 'crashed' : row.epoch === 0 ? 'none' : 'released';
      return { ok: true, epoch, before, predecessor, aheadMs: timeLine?.aheadMs ?? terms.aheadMs };
    });
    if (!acquired.ok) return acquired;
    this.#leader = leader.id;
    // Whoever reads the database without its -wal is to find this leader there.
    this.#checkpoint('PASSIVE');
    return acquired;
  }

  renew(epoch: number, { now, ttlMs }: { now: number; ttlMs: number }): { ok: true } | StoreFailure {
    return this.#write<{ ok: true }>((database) => {
      this.#requireEpoch(leaderRow(database), epoch);
      database.prepare('UPDATE leader SET lease_until = ?').run(now + ttlMs);
      return { ok: true };
    });
  }

  release(epoch: number): { ok: true } | StoreFailure {
    return this.#write<{ ok: true }>((database) => {
      this.#requireEpoch(leaderRow(database), epoch);
      database.exec('UPDATE leader SET identity = NULL, since = NULL, lease_until = NULL');
      return { ok: true };
    });
  }

  load(): LoadResult {
    return this.#attempt<LoadResult>((database) => {
      database.exec('BEGIN');
      const { epoch, version, last_history_id: lastHistoryId } = leaderRow(database);
      const rows = database.prepare(RECORDS).all() as Record<'kind' | 'key' | 'value', Uint8Array>[];
      database.exec('COMMIT');
      const records = rows.map(({ kind, key, value }) => ({
        kind: textOf(kind),
        key: textOf(key),
        value: parse(value),
      }));
      return { ok: true, epoch, version, records, lastHistoryId };
    });
  }

  commit({ epoch, expectedVersion, writes, history }: Commit): CommitResult {
    return this.#write<CommitResult>((database) => {
      const row = leaderRow(database);
      this.#requireEpoch(row, epoch);
      if (row.version !== expectedVersion) {
        const message = `The store ${this.#path} has version ${row.version}, not ${expectedVersion}.`;
        throw new Refused({ ok: false, reason: 'versionConflict', message });
      }
      const put = database.prepare('INSERT OR REPLACE INTO records VALUES (?, ?, ?)');
      const drop = database.prepare('DELETE FROM records WHERE kind = ? AND key = ?');
      for (const { kind, key, value } of writes) {
        if (value === null) drop.run(kind, key);
        else put.run(kind, key, JSON.stringify(value));
      }
      this.#append(database, history);
      const version = expectedVersion + 1;
      const lastId = history.at(-1)?.id ?? row.last_history_id;
      database.prepare('UPDATE leader SET version = ?, last_history_id = ?').run(version, lastId);
      return { ok: true, version };
    });
  }

  history({ after, limit }: { after: number | null; limit: number }): HistoryResult {
    return this.#attempt<HistoryResult>((database) => {
      const rows =
        after === null
          ? database.prepare(`${HISTORY} ORDER BY id DESC LIMIT ?`).all(limit).reverse()
          : database.prepare(`${HISTORY} WHERE id > ? ORDER BY id LIMIT ?`).all(after, limit);
      const entries = (rows as { id: number; at: number; value: Uint8Array }[]).map(({ id, at, value }) => ({
        id,
        at,
        value: parse(value),
      }));
      return { ok: true, entries };
    });
  }

  close(): void {
    // So that a copy of the one file is a whole copy.
    if (this.#files.lostBeside === null) this.#checkpoint('TRUNCATE');
    this.#reopenLater();
  }

  #checkpoint(how: 'PASSIVE' | 'TRUNCATE'): void {
    try {
      this.#database?.pragma(`wal_checkpoint(${how})`);
    } catch {
      // The next one who opens it reads the -wal.
    }
  }

  #append(database: Database.Database, history: Commit['history']): void {
    const last = history.at(-1);
    if (last === undefined) return;
    const insert = database.prepare('INSERT INTO history VALUES (?, ?, ?)');
    for (const { id, at, value } of history) insert.run(id, at, JSON.stringify(value));
    this.#trim(database, last.id, history.length);
  }

  /** Now and then, for it looks at each entry beyond the bound that is kept all the same. */
  #trim(database: Database.Database, lastId: number, added: number): void {
    const every = Math.floor(this.#maxHistory / 100) + 1;
    if (Math.floor(lastId / every) === Math.floor((lastId - added) / every)) return;
    const bound = lastId - this.#maxHistory;
    const by = `coalesce(json_extract(value, '$.by'), '${AUTOMATIC}')`;
    database.prepare(`DELETE FROM history WHERE id <= ? AND ${by} = '${AUTOMATIC}'`).run(bound);
    database
      .prepare(
        'DELETE FROM history WHERE id <= ? AND id <= (SELECT id FROM history WHERE id <= ? ORDER BY id DESC LIMIT 1 OFFSET ?)',
      )
      .run(bound, bound, askedForBound(this.#maxHistory));
  }

  #requireEpoch(row: LeaderRow, epoch: number): void {
    const leader = leaderOf(row);
    if (row.epoch === epoch && (this.#leader === null || leader === null || leader.id === this.#leader)) return;
    const who = leader === null ? 'another orchestrator' : `process ${leader.pid} on ${leader.host}`;
    const message = `The store ${this.#path} was taken over by ${who} (epoch ${row.epoch}, ours was ${epoch}).`;
    throw new Refused({ ok: false, reason: 'staleLeader', message });
  }

  /** A whole transaction, or nothing. */
  #write<T>(work: (database: Database.Database) => T): T | StoreFailure {
    return this.#attempt((database) => {
      database.exec('BEGIN IMMEDIATE');
      const result = work(database);
      database.exec('COMMIT');
      return result;
    });
  }

  #attempt<T>(work: (database: Database.Database) => T): T | StoreFailure {
    try {
      this.#requireFiles();
      this.#database ??= this.#open();
      return work(this.#database);
    } catch (error) {
      this.#rollBack();
      if (error instanceof Refused) return error.failure;
      const failure = failureOf(this.#path, error);
      if (failure.reason === 'broken') this.#reopenLater();
      return failure;
    }
  }

  #requireFiles(): void {
    const problem = this.#files.databaseProblem;
    if (problem !== null) {
      const message = `The store ${this.#path} was ${problem} while it was in use. Put it back, or restart the orchestrator.`;
      throw new Refused({ ok: false, reason: 'broken', message });
    }
    const lost = this.#files.lostBeside;
    if (lost === null || this.#broughtHome()) return;
    this.#reopenLater();
    // A connection that is opened while this process has the lost files open would use some of them, and some new ones.
    if (!this.#files.isHoldingLost()) return this.#files.forgetLost();
    collectGarbage();
    const message = `${this.#path}${lost} was deleted or replaced while it was in use. It is made anew; nothing is to be done.`;
    throw new Refused({ ok: false, reason: 'broken', message });
  }

  /**
   * Writes what is only in files without a name into the database, if nobody else has that open: only then SQLite
   * leaves the mode that has a -wal. Then nothing was lost, and the files are made anew at once.
   */
  #broughtHome(): boolean {
    try {
      const [left] = (this.#database?.pragma('journal_mode = DELETE') ?? []) as { journal_mode: string }[];
      if (this.#database === null || left?.journal_mode !== 'delete') return false;
      this.#database.pragma('journal_mode = WAL');
      leaderRow(this.#database);
      this.#files.noteOpened();
      return true;
    } catch {
      // Others have it open: whoever leads writes from memory what is missing.
      return false;
    }
  }

  #rollBack(): void {
    try {
      if (this.#database?.inTransaction === true) this.#database.exec('ROLLBACK');
    } catch {
      // Without a connection there is no transaction either.
      this.#reopenLater();
    }
  }

  #reopenLater(): void {
    const database = this.#database;
    this.#database = null;
    try {
      database?.close();
    } catch {
      // It is not used again, whatever state it is in.
    }
  }

  #open(): Database.Database {
    let database: Database.Database | null = null;
    try {
      database = new Database(this.#path, { timeout: BUSY_TIMEOUT_MS });
      const problem = problemOf(database);
      if (problem !== null) throw new Error(problem);
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      if (this.#maxPages !== null) database.pragma(`max_page_count = ${this.#maxPages}`);
      migrate(database);
      this.#files.noteOpened();
      return database;
    } catch (cause) {
      database?.close();
      const wayOut = `Move it away (with its -wal and -shm) to start without what it remembers, or put a copy in its place`;
      throw unusable(this.#path, `${wordsOf(cause)}. ${wayOut}`, cause);
    }
  }
}

function leaderRow(database: Database.Database): LeaderRow {
  const row = database.prepare(LEADER).get() as StoredLeader | undefined;
  if (row === undefined) throw new Error('its leader row is missing');
  const { identity, time_line: timeLine } = row;
  return {
    ...row,
    identity: identity === null ? null : textOf(identity),
    time_line: timeLine === null ? null : textOf(timeLine),
  };
}

function leaderOf({ identity, since, lease_until: leaseUntil }: LeaderRow): Leader | null {
  if (identity === null || since === null || leaseUntil === null) return null;
  // An older version said nothing of its boot.
  const { boot = null, ...told } = JSON.parse(identity) as Omit<LeaderIdentity, 'boot'> & { boot?: string | null };
  return { ...told, boot, since, leaseUntil };
}

function parse(text: Uint8Array): JsonValue {
  return JSON.parse(textOf(text)) as JsonValue;
}

function failureOf(path: string, error: unknown): StoreFailure {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const said = wordsOf(error);
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') {
    return { ok: false, reason: 'full', message: `The store ${path} cannot grow: ${said}. Free some space.` };
  }
  if (code.startsWith('SQLITE_READONLY') || code === 'EROFS' || code === 'EACCES') {
    return { ok: false, reason: 'readOnly', message: `The store ${path} cannot be written: ${said}.` };
  }
  if (error instanceof OrchestratorError) return { ok: false, reason: 'broken', message: error.message };
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    const wayOut = `Leave with kill -HUP, move the file away (with its -wal and -shm), and start again: running nodes are found`;
    return { ok: false, reason: 'broken', message: `The store ${path} is damaged: ${said}. ${wayOut}.` };
  }
  return { ok: false, reason: 'broken', message: `The store ${path} does not work: ${said}.` };
}

function unusable(path: string, why: string, cause: unknown): OrchestratorError {
  return new OrchestratorError('DSO_STORE_UNUSABLE', `The store ${path} cannot be used: ${why}.`, { cause });
}

/** A damaged file has texts of its own, which the database library quotes. */
function wordsOf(error: unknown): string {
  return printable(messageOf(error));
}
