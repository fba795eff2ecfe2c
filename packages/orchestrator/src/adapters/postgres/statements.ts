/** What is said to PostgreSQL. Every write names the epoch, and does nothing under another one. */
import { askedForBound, isAskedFor } from '../../domain/state/effects.js';
import type { Commit, LeaderIdentity, Write } from '../../ports/state-store.js';

export type Statements = {
  leader: string;
  load: string;
  /** Answers the epoch, and nothing when somebody was faster, or the leader renewed its lease after all. */
  acquire(seen: { epoch: number; renewals: number }, to: Acquisition): string;
  /** Measures the time line anew: the database's clock may have been set. */
  renew(by: Author, terms: { ttlMs: number; now: number }): string;
  /** Tells whoever listens, once it is so. */
  release(by: Author): string;
  /** All of it in one statement, which the update of the leader's row lets happen or not. */
  commit(by: Author, batch: string, commit: Commit): string;
  /** Of what is beyond the bound only what somebody asked for is kept, and of that a tenth of the bound. */
  trim(batch: string, lastId: number, maxHistory: number): string;
  history(query: { after: number | null; limit: number }): string;
};

export type Acquisition = { leader: LeaderIdentity; ttlMs: number; now: number; told: { aheadMs: number } };

/** What of the leader's row is told to us. */
const LEADER = `epoch, version, last_history_id, batch, id, identity, renewals, told, boot, ahead_of_database_ms, extract(epoch FROM lease_until) * 1000 AS lease_until,
  extract(epoch FROM clock_timestamp()) * 1000 AS now, lease_until <= clock_timestamp() AS is_over`;

const NOW = 'extract(epoch FROM clock_timestamp()) * 1000';

/** `id` null: whoever asks has led nothing by itself; then the epoch has to do. */
export type Author = { epoch: number; id: string | null };

export function statementsFor(schema: string): Statements {
  const leads = ({ epoch, id }: Author): string =>
    `epoch = ${whole(epoch)}${id === null ? '' : ` AND (id IS NULL OR id = ${text(id)})`}`;
  const leader = `SELECT ${LEADER} FROM ${schema}.leader`;
  return {
    leader,
    load: `${leader}; SELECT kind, key, value FROM ${schema}.records`,

    acquire: (seen, { leader: next, ttlMs, now, told }) =>
      `UPDATE ${schema}.leader SET epoch = epoch + 1, id = ${text(next.id)}, identity = ${text(JSON.stringify(next))},
         lease_until = ${inMs(ttlMs)}, renewals = renewals + 1, told = ${text(JSON.stringify(told))},
         boot = ${next.boot === null ? 'NULL' : text(next.boot)}, ahead_ms = ${real(told.aheadMs)},
         ahead_of_database_ms = ${real(now + told.aheadMs)} - ${NOW}
       WHERE epoch = ${whole(seen.epoch)} AND renewals = ${whole(seen.renewals)} RETURNING epoch`,

    renew: (by, { ttlMs, now }) =>
      `UPDATE ${schema}.leader SET lease_until = ${inMs(ttlMs)}, renewals = renewals + 1,
         ahead_of_database_ms = ${real(now)} + ahead_ms - ${NOW}
       WHERE ${leads(by)} RETURNING epoch; ${leader}`,

    release: (by) =>
      `UPDATE ${schema}.leader SET id = NULL, identity = NULL, lease_until = NULL
       WHERE ${leads(by)} RETURNING pg_notify('${WAKE_CHANNEL}', '${schema}'); ${leader}`,

    commit(by, batch, { expectedVersion, writes, history }) {
      const lastId = history.at(-1)?.id;
      const noted = lastId === undefined ? '' : `, last_history_id = greatest(last_history_id, ${whole(lastId)})`;
      const led = `led AS (UPDATE ${schema}.leader SET version = version + 1, batch = ${text(batch)}${noted}
        WHERE ${leads(by)} AND version = ${whole(expectedVersion)} RETURNING version)`;
      const parts = [led, ...writing(schema, writes)];
      if (lastId !== undefined) parts.push(appending(schema, history));
      return `WITH ${parts.join(', ')} SELECT version FROM led; ${leader}`;
    },

    trim(batch, lastId, maxHistory) {
      const beyond = `id <= ${whole(lastId - maxHistory)}`;
      const ours = `EXISTS (SELECT FROM ${schema}.leader WHERE batch = ${text(batch)})`;
      const kept = `SELECT id FROM ${schema}.history WHERE ${beyond} AND asked_for ORDER BY id DESC
        OFFSET ${askedForBound(maxHistory)} LIMIT 1`;
      return `DELETE FROM ${schema}.history WHERE ${beyond} AND ${ours} AND (NOT asked_for OR id <= (${kept}))`;
    },

    history: ({ after, limit }) =>
      after === null
        ? `SELECT id, at, value FROM ${schema}.history ORDER BY id DESC LIMIT ${whole(limit)}`
        : `SELECT id, at, value FROM ${schema}.history WHERE id > ${whole(after)} ORDER BY id LIMIT ${whole(limit)}`,
  };
}

export const WAKE_CHANNEL = 'dshard_leader';

function writing(schema: string, writes: readonly Write[]): string[] {
  // The last of a key counts: a statement may touch a row once only.
  const byKey = new Map(writes.map((write) => [`${write.kind}/${write.key}`, write]));
  const put = [...byKey.values()].filter(({ value }) => value !== null);
  const gone = [...byKey.values()].filter(({ value }) => value === null);
  const parts: string[] = [];
  if (put.length > 0) {
    const rows = put.map(({ kind, key, value }) => [kind, key, JSON.stringify(value)]);
    parts.push(`put AS (INSERT INTO ${schema}.records SELECT w->>0, w->>1, w->>2 FROM led, ${each(rows)} AS w
      ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value)`);
  }
  if (gone.length > 0) {
    const rows = gone.map(({ kind, key }) => [kind, key]);
    parts.push(`gone AS (DELETE FROM ${schema}.records AS r USING led, ${each(rows)} AS w
      WHERE r.kind = w->>0 AND r.key = w->>1)`);
  }
  return parts;
}

function appending(schema: string, history: Commit['history']): string {
  const rows = history.map(({ id, at, value }) => [id, at, isAskedFor(value), JSON.stringify(value)]);
  return `noted AS (INSERT INTO ${schema}.history SELECT (h->>0)::bigint, (h->>1)::double precision,
    (h->>2)::boolean, h->>3 FROM led, ${each(rows)} AS h)`;
}

/** As a set of rows, each a JSON array. */
function each(rows: readonly (readonly unknown[])[]): string {
  return `json_array_elements(${text(JSON.stringify(rows))}::json)`;
}

function inMs(ms: number): string {
  return `clock_timestamp() + ${real(ms)} * interval '1 millisecond'`;
}

/** A literal that means the same whatever the server's settings are. */
function text(value: string): string {
  return ` E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function whole(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no whole number.`);
  return String(value);
}

function real(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`${value} is no number.`);
  return `(${value})`;
}
