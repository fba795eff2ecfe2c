/**
 * The database that two orchestrators share, as the production store sees it (`postgresStore`, with our `connect` and
 * our statements): one row of the leader, records, a history, and a clock of its own that somebody may set. What was
 * answered is never lost, also by a failover, for the standby is synchronous. Everything else may happen to a message:
 *
 *     up        statements take their time, now and then longer than anybody waits for them
 *     down      connections are refused, those there were are gone; of what was under way some was done
 *     silent    nothing answers, and nobody is told (a failover in its window, a host cut off)
 *
 * What can be drawn to happen to a message is in `database-line.ts`.
 */
import type { Acquisition, Answer, Author, Commit, Row, Statements } from '@dshard/orchestrator';
import { Refused } from '@dshard/orchestrator';
import type { VirtualClock } from '@dshard/testkit';

/** What is wrong with the server's disk: PostgreSQL's SQLSTATE. */
export type DatabaseFault = { code: '53100' | '25006' | 'XX000'; message: string };

/** A commit that took effect. `epoch`: its author's; `leads`: the one that leads. */
type Applied = { batch: string; epoch: number; leads: number; version: number };

type LeaderRow = {
  epoch: number;
  version: number;
  lastHistoryId: number;
  batch: string | null;
  id: string | null;
  identity: string | null;
  leaseUntil: number | null;
  renewals: number;
  told: string | null;
  boot: string | null;
  aheadMs: number | null;
  aheadOfDatabaseMs: number | null;
};

/** Of one statement's text: its results. */
type Operation = () => Answer;

export type SimDatabaseOptions = {
  world: VirtualClock;
  onApplied: (applied: Applied) => void;
  /** Writes whatever epoch they name: what a mutant does. */
  ignoresEpoch: boolean;
};

export class SimDatabase {
  readonly #options: SimDatabaseOptions;
  readonly #row: LeaderRow = {
    epoch: 0,
    version: 0,
    lastHistoryId: 0,
    batch: null,
    id: null,
    identity: null,
    leaseUntil: null,
    renewals: 0,
    told: null,
    boot: null,
    aheadMs: null,
    aheadOfDatabaseMs: null,
  };
  readonly #records = new Map<string, { kind: string; key: string; json: string }>();
  #history: { id: number; at: number; json: string }[] = [];
  readonly #operations = new Map<string, Operation>();
  /** Connections that asked to be told of what is free. */
  readonly #listeners = new Set<() => void>();
  #lastOperation = 0;
  /** What its clock is ahead of the world's. */
  clockAheadMs = 0;
  fault: DatabaseFault | null = null;
  readonly statements: Statements;

  constructor(options: SimDatabaseOptions) {
    this.#options = options;
    this.statements = this.#statements();
  }

  /** Who leads, whether or not it knows. */
  get epoch(): number {
    return this.#row.epoch;
  }

  record(name: string): unknown {
    const json = this.#records.get(name)?.json;
    return json === undefined ? null : JSON.parse(json);
  }

  /** @returns what takes it off again. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A message: statements with `; ` between them. Throws what the server refuses. */
  execute(message: string): Answer {
    // A step of the layout, which has been taken.
    if (message.includes('$step$')) return [[], [], []];
    return message.split('; ').flatMap((statement) => {
      if (statement.startsWith('SET ')) return [[]];
      if (statement.includes('to_regclass')) return [[{ there: true }]];
      if (statement.includes('pg_is_in_recovery')) return [[{ standby: false, durable: 'on' }]];
      if (statement.includes('.layout')) return [[{ layout: 1 }]];
      const operation = this.#operations.get(statement);
      if (operation === undefined) throw new Refused(`syntax error in ${statement}`, '42601');
      return operation();
    });
  }

  #now(): number {
    return this.#options.world.now() + this.clockAheadMs;
  }

  #statement(operation: Operation): string {
    const name = `operation ${(this.#lastOperation += 1)}`;
    this.#operations.set(name, operation);
    return name;
  }

  #statements(): Statements {
    const statement = this.#statement.bind(this);
    const leader: Operation = () => [[this.#leaderRow()]];
    const records: Operation = () => [
      [...this.#records.values()].map(({ kind, key, json }) => ({ kind, key, value: json })),
    ];
    return {
      leader: statement(leader),
      load: statement(() => [...leader(), ...records()]),
      acquire: (seen, to) => statement(() => this.#acquire(seen, to)),
      renew: (by, terms) => statement(() => [this.#renew(by, terms), ...leader()]),
      release: (by) => statement(() => [this.#release(by), ...leader()]),
      commit: (by, batch, commit) => statement(() => [this.#commit(by, batch, commit), ...leader()]),
      trim: (_batch, lastId, maxHistory) => statement(() => [this.#trim(lastId - maxHistory)]),
      history: ({ after, limit }) => statement(() => [this.#entries(after, limit)]),
    };
  }

  #leaderRow(): Row {
    const row = this.#row;
    return {
      epoch: row.epoch,
      version: row.version,
      last_history_id: row.lastHistoryId,
      batch: row.batch,
      id: row.id,
      identity: row.identity,
      renewals: row.renewals,
      told: row.told,
      boot: row.boot,
      ahead_of_database_ms: row.aheadOfDatabaseMs,
      lease_until: row.leaseUntil,
      now: this.#now(),
      is_over: row.leaseUntil === null ? null : row.leaseUntil <= this.#now(),
    };
  }

  #leads({ epoch, id }: Author): boolean {
    if (this.#options.ignoresEpoch) return true;
    return this.#row.epoch === epoch && (id === null || this.#row.id === null || this.#row.id === id);
  }

  #writable(): void {
    if (this.fault !== null) throw new Refused(this.fault.message, this.fault.code);
  }

  #acquire(seen: { epoch: number; renewals: number }, { leader, ttlMs, now, told }: Acquisition): Answer {
    this.#writable();
    const row = this.#row;
    if (row.epoch !== seen.epoch || row.renewals !== seen.renewals) return [[]];
    row.epoch += 1;
    row.id = leader.id;
    row.identity = JSON.stringify(leader);
    row.leaseUntil = this.#now() + ttlMs;
    row.renewals += 1;
    row.told = JSON.stringify(told);
    row.boot = leader.boot;
    row.aheadMs = told.aheadMs;
    row.aheadOfDatabaseMs = now + told.aheadMs - this.#now();
    return [[{ epoch: row.epoch }]];
  }

  #renew(by: Author, { ttlMs, now }: { ttlMs: number; now: number }): readonly Row[] {
    this.#writable();
    const row = this.#row;
    if (!this.#leads(by)) return [];
    row.leaseUntil = this.#now() + ttlMs;
    row.renewals += 1;
    row.aheadOfDatabaseMs = now + (row.aheadMs ?? 0) - this.#now();
    return [{ epoch: row.epoch }];
  }

  #release(by: Author): readonly Row[] {
    this.#writable();
    if (!this.#leads(by)) return [];
    Object.assign(this.#row, { id: null, identity: null, leaseUntil: null });
    for (const listener of this.#listeners) listener();
    return [{}];
  }

  #commit(by: Author, batch: string, { expectedVersion, writes, history }: Commit): readonly Row[] {
    this.#writable();
    const row = this.#row;
    if (!this.#leads(by) || row.version !== expectedVersion) return [];
    const known = history.find(({ id }) => this.#history.some((entry) => entry.id === id));
    if (known !== undefined) throw new Refused(`duplicate key: entry ${known.id} of the history`, '23505');
    row.version += 1;
    row.batch = batch;
    for (const { kind, key, value } of writes) {
      if (value === null) this.#records.delete(`${kind}/${key}`);
      else this.#records.set(`${kind}/${key}`, { kind, key, json: JSON.stringify(value) });
    }
    for (const { id, at, value } of history) {
      this.#history.push({ id, at, json: JSON.stringify(value) });
      row.lastHistoryId = Math.max(row.lastHistoryId, id);
    }
    this.#options.onApplied({ batch, epoch: by.epoch, leads: row.epoch, version: row.version });
    return [{ version: row.version }];
  }

  #trim(upTo: number): readonly Row[] {
    this.#history = this.#history.filter(({ id }) => id > upTo);
    return [];
  }

  #entries(after: number | null, limit: number): readonly Row[] {
    const found =
      after === null
        ? this.#history.slice(-limit).toReversed()
        : this.#history.filter(({ id }) => id > after).slice(0, limit);
    return found.map(({ id, at, json }) => ({ id, at, value: json }));
  }
}
