/**
 * The store in one SQLite file, for one orchestrator and its standbys on one host.
 *
 * WAL with synchronous=FULL: a commit that was answered survives a power cut, and one that was not leaves nothing
 * behind. Every write is one transaction that checks the leader's epoch first, so that the file itself decides who may
 * write. Calls are synchronous: a commit takes about a millisecond, and nobody can act between a decision and its
 * record.
 *
 * After an error that says nothing better, the connection is opened anew at the next call. A file that was deleted or
 * replaced under our feet is noticed (the system would let us write into nowhere), and nothing is written any more.
 */
import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import { messageOf, printable } from '@dshard/protocol';
import { OrchestratorError } from '../../errors.js';
import type { JsonValue } from '../../domain/durable/records.js';
import { askedForBound, AUTOMATIC } from '../../domain/state/effects.js';
import type {
  AcquireResult,
  Commit,
  CommitResult,
  HistoryResult,
  Leader,
  LeaderIdentity,
  LoadResult,
  StateStore,
  StoreFailure,
} from '../../ports/state-store.js';
import { migrate, problemOf } from './schema.js';

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
};

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
  /** Which file it was at first. */
  readonly #file: number;
  #database: Database.Database | null;

  constructor({ path, maxHistory = DEFAULT_MAX_HISTORY, maxPages }: SqliteStoreOptions) {
    this.name = `sqlite (${path})`;
    this.#path = path;
    this.#maxHistory = maxHistory;
    this.#maxPages = maxPages ?? null;
    try {
      createPrivately(path);
      this.#file = statSync(path).ino;
    } catch (cause) {
      throw unusable(path, `${wordsOf(cause)}. Check the path, who may write there, and the free space`, cause);
    }
    this.#database = this.#open();
  }

  acquire(
    leader: LeaderIdentity,
    { now, ttlMs, isDead }: { now: number; ttlMs: number; isDead: (leader: Leader) => boolean },
  ): AcquireResult {
    return this.#write<AcquireResult>((database) => {
      const row = leaderRow(database);
      const before = leaderOf(row);
      if (before !== null && before.leaseUntil > now && !isDead(before)) {
        return { ok: false, reason: 'led', leader: before };
      }
      const epoch = row.epoch + 1;
      database
        .prepare('UPDATE leader SET epoch = ?, identity = ?, since = ?, lease_until = ?')
        .run(epoch, JSON.stringify(leader), now, now + ttlMs);
      return { ok: true, epoch, before: before !== null ? 'crashed' : row.epoch === 0 ? 'none' : 'released' };
    });
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
      const rows = database.prepare('SELECT kind, key, value FROM records').all() as Record<string, string>[];
      database.exec('COMMIT');
      const records = rows.map(({ kind = '', key = '', value = 'null' }) => ({ kind, key, value: parse(value) }));
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
          ? database.prepare('SELECT * FROM history ORDER BY id DESC LIMIT ?').all(limit).reverse()
          : database.prepare('SELECT * FROM history WHERE id > ? ORDER BY id LIMIT ?').all(after, limit);
      const entries = (rows as { id: number; at: number; value: string }[]).map(({ id, at, value }) => ({
        id,
        at,
        value: parse(value),
      }));
      return { ok: true, entries };
    });
  }

  close(): void {
    try {
      // So that a copy of the one file is a whole copy.
      this.#database?.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // The next one who opens it reads the -wal.
    }
    this.#reopenLater();
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
    if (row.epoch === epoch) return;
    const leader = leaderOf(row);
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
      this.#requireFile();
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

  #requireFile(): void {
    const found = statSync(this.#path, { throwIfNoEntry: false })?.ino;
    if (found === this.#file) return;
    const what = found === undefined ? 'deleted' : 'replaced';
    const message = `The store ${this.#path} was ${what} while it was in use. Put it back, or restart the orchestrator.`;
    throw new Refused({ ok: false, reason: 'broken', message });
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
      return database;
    } catch (cause) {
      database?.close();
      const wayOut = `Move it away (with its -wal and -shm) to start without what it remembers, or put a copy in its place`;
      throw unusable(this.#path, `${wordsOf(cause)}. ${wayOut}`, cause);
    }
  }
}

/** Nobody else reads or writes it: it names hosts and gateway sessions. */
function createPrivately(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
}

function leaderRow(database: Database.Database): LeaderRow {
  const row = database.prepare('SELECT * FROM leader').get();
  if (row === undefined) throw new Error('its leader row is missing');
  return row as LeaderRow;
}

function leaderOf({ identity, since, lease_until: leaseUntil }: LeaderRow): Leader | null {
  if (identity === null || since === null || leaseUntil === null) return null;
  return { ...(JSON.parse(identity) as LeaderIdentity), since, leaseUntil };
}

function parse(text: string): JsonValue {
  return JSON.parse(text) as JsonValue;
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
  return { ok: false, reason: 'broken', message: `The store ${path} does not work: ${said}.` };
}

function unusable(path: string, why: string, cause: unknown): OrchestratorError {
  return new OrchestratorError('DSO_STORE_UNUSABLE', `The store ${path} cannot be used: ${why}.`, { cause });
}

/** A damaged file has texts of its own, which the database library quotes. */
function wordsOf(error: unknown): string {
  return printable(messageOf(error));
}
