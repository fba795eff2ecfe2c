/**
 * The store in a PostgreSQL database, for orchestrators on any number of hosts.
 *
 * - Every write is one statement that checks the epoch, and the database decides: no lock is held by anybody between
 *   two messages, no session has to live on, a transaction pooler may stand in between.
 * - Every call ends within two deadlines. After the first the connection is destroyed, and the same is asked by a new
 *   one: a commit names its batch, so whoever asks again is told whether the first took effect. What is not known
 *   then either is a failure, and the leader finds out by `load`; what reaches the database later still finds another
 *   version there, and does nothing.
 * - The lease is measured by the database's clock. So is the leader's time, from machine to machine.
 * - NOTIFY is a hint: a standby that does not hear it looks every second all the same.
 *
 * Commits, renewals and reads have a connection each: none waits for another.
 */
import { messageOf, printable } from '@dshard/protocol';
import type { Clock } from '@dshard/transport';
import type { JsonValue } from '../../domain/durable/records.js';
import { mayBeSucceeded, MOST_APART_MS } from '../../ports/state-store.js';
import type {
  Acquired,
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
} from '../../ports/state-store.js';
import { connectByPg, LostLink, Refused, type Answer, type Connect } from './connection.js';
import { Link, placeOf, targetsOf, type Greeting } from './link.js';
import { greetingOf, migrate, SERVER_GREETING } from './schema.js';
import { statementsFor, WAKE_CHANNEL, type Author, type Statements } from './statements.js';

export type PostgresStoreOptions = {
  url: string;
  clock: Clock;
  /** Of the database: the tables are in there, and nothing else. A plain lower-case name. */
  schema?: string;
  /** How many entries the history keeps. */
  maxHistory?: number;
  /** How long the database may take for an answer. */
  statementTimeoutMs?: number;
  /** What is said, and by what: another one than PostgreSQL over `pg`, for the simulator. */
  database?: { connect: Connect; statements: Statements };
};

const DEFAULT_MAX_HISTORY = 100_000;
const DEFAULT_TIMEOUT_MS = 1_000;
/** Nobody leads yet while the tables are made. */
const MIGRATION_TIMEOUT_MS = 30_000;
/** How often somebody else may be faster before it is said. */
const ACQUIRE_ATTEMPTS = 3;

/** Connects at the first call. */
export function postgresStore(options: PostgresStoreOptions): StateStore {
  return new PostgresStore(options);
}

type Purpose = 'commits' | 'leases' | 'reads';

/** What whoever leads was told when it acquired the store. */
type Told = Pick<Acquired, 'before' | 'predecessor' | 'aheadMs'>;

type LeaderRow = {
  epoch: number;
  version: number;
  lastHistoryId: number;
  batch: string | null;
  renewals: number;
  leader: Leader | null;
  /** Whether the lease is over. */
  isOver: boolean;
  told: Told | null;
  boot: string | null;
  aheadOfDatabaseMs: number | null;
  /** By the database's clock. */
  now: number;
};

class PostgresStore implements StateStore {
  readonly name: string;
  readonly hasOwnClock = true;
  readonly #options: PostgresStoreOptions;
  readonly #schema: string;
  readonly #timeoutMs: number;
  readonly #maxHistory: number;
  readonly #statements: Statements;
  readonly #links: Readonly<Record<Purpose, Link>>;
  readonly #listeners = new Set<() => void>();
  #wakes: Link | null = null;
  #isMigrated = false;
  /** Who leads through this object. */
  #leader: string | null = null;
  /** Whose acquisition was not answered. */
  #unanswered: string | null = null;
  #batches = 0;

  constructor(options: PostgresStoreOptions) {
    const { url, schema = 'dso', maxHistory = DEFAULT_MAX_HISTORY, statementTimeoutMs = DEFAULT_TIMEOUT_MS } = options;
    this.name = `postgres (${placeOf(url)}, schema ${schema})`;
    this.#options = options;
    this.#schema = schema;
    this.#timeoutMs = statementTimeoutMs;
    this.#maxHistory = maxHistory;
    this.#statements = options.database?.statements ?? statementsFor(schema);
    const link = (): Link => this.#link(statementTimeoutMs, greetingOf(schema));
    this.#links = { commits: link(), leases: link(), reads: link() };
  }

  acquire(leader: LeaderIdentity, terms: AcquireTerms): Promise<AcquireResult> {
    return this.#attempt<AcquireResult>(async () => {
      await this.#migrate();
      for (let attempt = 1; attempt <= ACQUIRE_ATTEMPTS; attempt += 1) {
        const row = leaderRow(await this.#twice('leases', this.#statements.leader));
        const { leader: predecessor, isOver, told } = row;
        if (told !== null && predecessor?.id === leader.id && this.#unanswered === leader.id) {
          return this.#lead(leader, { ok: true, epoch: row.epoch, ...told });
        }
        if (predecessor !== null && !mayBeSucceeded(predecessor, isOver, terms)) {
          return { ok: false, reason: 'led', leader: predecessor, isOver };
        }
        const acquired = await this.#acquireAfter(row, leader, terms);
        if (acquired !== null) return this.#lead(leader, acquired);
      }
      throw new LostLink('others were faster, or answers were lost, again and again');
    });
  }

  renew(epoch: number, terms: { now: number; ttlMs: number }): Promise<{ ok: true } | StoreFailure> {
    return this.#attempt(async () => {
      const by = this.#author(epoch);
      const [renewed, row] = await this.#twice('leases', this.#statements.renew(by, terms));
      return renewed?.length === 1 ? { ok: true } : this.#superseded(epoch, leaderRow([row ?? []]));
    });
  }

  release(epoch: number): Promise<{ ok: true } | StoreFailure> {
    return this.#attempt(async () => {
      const [released, row] = await this.#twice('leases', this.#statements.release(this.#author(epoch)));
      return released?.length === 1 ? { ok: true } : this.#superseded(epoch, leaderRow([row ?? []]));
    });
  }

  load(): Promise<LoadResult> {
    return this.#attempt<LoadResult>(async () => {
      await this.#migrate();
      const answer = await this.#twice('reads', this.#statements.load, 'REPEATABLE READ');
      const { epoch, version, lastHistoryId } = leaderRow(answer);
      const records = (answer[1] ?? []).map((row) => ({
        kind: String(row['kind']),
        key: String(row['key']),
        value: parse(row['value']),
      }));
      return { ok: true, epoch, version, records, lastHistoryId };
    });
  }

  commit(commit: Commit): Promise<CommitResult> {
    const { epoch, expectedVersion, history } = commit;
    this.#batches += 1;
    const batch = `${this.#leader ?? 'nobody'} ${epoch} ${expectedVersion} ${this.#batches}`;
    return this.#attempt<CommitResult>(async () => {
      const statements = [this.#statements.commit(this.#author(epoch), batch, commit)];
      const lastId = history.at(-1)?.id;
      if (lastId !== undefined && this.#isToTrim(lastId, history.length)) {
        statements.push(this.#statements.trim(batch, lastId, this.#maxHistory));
      }
      const [committed, leader] = await this.#twice('commits', statements.join('; '));
      const version = expectedVersion + 1;
      if (committed?.length === 1) return { ok: true, version };
      const row = leaderRow([leader ?? []]);
      // It was not answered, and took effect all the same.
      if (row.batch === batch) return { ok: true, version };
      if (!this.#mayWrite(row, epoch)) return this.#superseded(epoch, row);
      const message = `The store ${this.name} has version ${row.version}, not ${expectedVersion}.`;
      return { ok: false, reason: 'versionConflict', message };
    });
  }

  history(query: { after: number | null; limit: number }): Promise<HistoryResult> {
    return this.#attempt<HistoryResult>(async () => {
      const [rows = []] = await this.#twice('reads', this.#statements.history(query));
      const entries = rows.map((row) => ({ id: Number(row['id']), at: Number(row['at']), value: parse(row['value']) }));
      return { ok: true, entries: query.after === null ? entries.reverse() : entries };
    });
  }

  onWake(listener: () => void): () => void {
    this.#listeners.add(listener);
    this.#listen();
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async close(): Promise<void> {
    await Promise.all([...Object.values(this.#links), this.#wakes].map(async (link) => link?.close()));
  }

  #link(timeoutMs: number, greeting: Greeting | null, onNotice?: (payload: string) => void): Link {
    const { url, clock, database } = this.#options;
    const connect = database?.connect ?? connectByPg;
    const more = { ...(greeting && { greeting }), ...(onNotice && { onNotice }) };
    return new Link({ targets: targetsOf(url), connect, clock, timeoutMs, ...more });
  }

  async #migrate(): Promise<void> {
    if (this.#isMigrated) return;
    const link = this.#link(MIGRATION_TIMEOUT_MS, SERVER_GREETING);
    try {
      for (let hosts = targetsOf(this.#options.url).length; ; hosts -= 1) {
        try {
          await migrate(link, this.#schema);
          break;
        } catch (error) {
          if (hosts === 1 || !(error instanceof LostLink)) throw error;
        }
      }
      this.#isMigrated = true;
    } finally {
      await link.close();
    }
  }

  /** The same once more where the answer was lost: whatever is asked here may be asked twice. */
  async #twice(purpose: Purpose, sql: string, isolation: 'READ COMMITTED' | 'REPEATABLE READ' = 'READ COMMITTED') {
    const link = this.#links[purpose];
    try {
      return await link.ask(sql, isolation);
    } catch (error) {
      if (!(error instanceof LostLink)) throw error;
      return link.ask(sql, isolation);
    }
  }

  /** @returns null when somebody was faster, or when the answer was lost: the row says then who leads. */
  async #acquireAfter(row: LeaderRow, leader: LeaderIdentity, terms: AcquireTerms): Promise<Acquired | null> {
    const before = row.leader !== null ? 'crashed' : row.epoch === 0 ? 'none' : 'released';
    const told: Told = { before, predecessor: row.leader, aheadMs: continuedAheadMs(row, leader.boot, terms) };
    const sql = this.#statements.acquire(row, { leader, ttlMs: terms.ttlMs, now: terms.now, told });
    this.#unanswered = leader.id;
    try {
      const [acquired] = await this.#links.leases.ask(sql);
      const epoch = acquired?.[0]?.['epoch'];
      return epoch === undefined ? null : { ok: true, epoch: Number(epoch), ...told };
    } catch (error) {
      if (error instanceof LostLink) return null;
      throw error;
    }
  }

  #lead(leader: LeaderIdentity, acquired: Acquired): Acquired {
    this.#leader = leader.id;
    this.#unanswered = null;
    void this.#wakes?.close();
    this.#wakes = null;
    return acquired;
  }

  /** Again and again, for nothing tells whether the connection still hears. */
  #listen(): void {
    this.#wakes ??= this.#link(this.#timeoutMs, null, (schema) => {
      if (schema === this.#schema) for (const listener of this.#listeners) listener();
    });
    void this.#wakes.say(`LISTEN ${WAKE_CHANNEL}`).catch(() => undefined);
  }

  #author(epoch: number): Author {
    return { epoch, id: this.#leader };
  }

  #mayWrite(row: LeaderRow, epoch: number): boolean {
    return row.epoch === epoch && (this.#leader === null || row.leader === null || row.leader.id === this.#leader);
  }

  /** Now and then, for it looks at each entry beyond the bound that is kept all the same. */
  #isToTrim(lastId: number, added: number): boolean {
    const every = Math.floor(this.#maxHistory / 100) + 1;
    return Math.floor(lastId / every) !== Math.floor((lastId - added) / every);
  }

  #superseded(epoch: number, { leader, epoch: newer }: LeaderRow): StoreFailure {
    const who = leader === null ? 'another orchestrator' : `process ${leader.pid} on ${leader.host}`;
    const message = `The store ${this.name} was taken over by ${who} (epoch ${newer}, ours was ${epoch}).`;
    return { ok: false, reason: 'staleLeader', message };
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T | StoreFailure> {
    try {
      return await work();
    } catch (error) {
      return this.#failureOf(error);
    }
  }

  #failureOf(error: unknown): StoreFailure {
    const said = printable(messageOf(error));
    const code = error instanceof Refused ? error.code : '';
    const is = (reason: StoreFailure['reason'], what: string): StoreFailure => {
      return { ok: false, reason, message: `The store ${this.name} ${what}.` };
    };
    if (code === '53100') return is('full', `cannot grow, its disk is full: ${said}`);
    if (code === '25006' || code === '42501') return is('readOnly', `cannot be written: ${said}`);
    if (error instanceof LostLink) return is('broken', `cannot be reached: ${said}`);
    return is('broken', code.startsWith('DSO') ? `cannot be used: ${said}` : `does not work: ${said}`);
  }
}

function leaderRow([rows]: Answer): LeaderRow {
  const [row] = rows ?? [];
  if (row === undefined) throw new Error('its leader row is missing');
  const isLed = typeof row['identity'] === 'string' && row['lease_until'] !== null;
  const identity = isLed ? (parse(row['identity']) as LeaderIdentity) : null;
  return {
    epoch: Number(row['epoch']),
    version: Number(row['version']),
    lastHistoryId: Number(row['last_history_id']),
    batch: textOrNull(row['batch']),
    renewals: Number(row['renewals']),
    leader: identity === null ? null : { ...identity, leaseUntil: Number(row['lease_until']) },
    isOver: row['is_over'] === true,
    told: row['told'] === null ? null : (parse(row['told']) as Told),
    boot: textOrNull(row['boot']),
    aheadOfDatabaseMs: row['ahead_of_database_ms'] === null ? null : Number(row['ahead_of_database_ms']),
    now: Number(row['now']),
  };
}

/** On one machine by its monotonic time, from machine to machine by the database's clock. */
function continuedAheadMs(row: LeaderRow, boot: string | null, { now, aheadMs }: AcquireTerms): number {
  if (row.told === null || row.aheadOfDatabaseMs === null) return aheadMs;
  const isSameBoot = boot !== null && row.boot === boot;
  const continued = isSameBoot ? row.told.aheadMs : row.now + row.aheadOfDatabaseMs - now;
  return Math.abs(continued - aheadMs) <= MOST_APART_MS ? continued : aheadMs;
}

function parse(text: unknown): JsonValue {
  return JSON.parse(String(text)) as JsonValue;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
