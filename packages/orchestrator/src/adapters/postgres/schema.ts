/**
 * The tables, in a schema of their own. A row says which layout the schema has: a newer one than this version knows is
 * refused, an older one is brought up to date step by step, each step in a transaction that checks that nobody else has
 * taken it.
 */
import { Refused, type Row } from './connection.js';
import { IS_STANDBY, type Greeting, type Link } from './link.js';

/** `STEPS[n]` turns layout n into layout n + 1. `S` is the schema. */
const STEPS: readonly string[] = [
  `CREATE TABLE S.leader (
     one boolean PRIMARY KEY CHECK (one),
     epoch bigint NOT NULL,
     version bigint NOT NULL,
     last_history_id bigint NOT NULL,
     batch text,
     id text,
     identity text,
     lease_until timestamptz,
     renewals bigint NOT NULL,
     told text,
     boot text,
     ahead_ms double precision,
     ahead_of_database_ms double precision
   ) WITH (fillfactor = 50);
   INSERT INTO S.leader (one, epoch, version, last_history_id, renewals) VALUES (true, 0, 0, 0, 0);
   CREATE TABLE S.records (kind text, key text, value text NOT NULL, PRIMARY KEY (kind, key));
   CREATE TABLE S.history (id bigint PRIMARY KEY, at double precision NOT NULL, asked_for boolean NOT NULL,
     value text NOT NULL);`,
];

const SERVER = `SELECT pg_is_in_recovery() AS standby, current_setting('synchronous_commit') AS durable`;

/** For whoever makes the schema. */
export const SERVER_GREETING: Greeting = { sql: SERVER, check: ([rows]) => checkServer(rows?.[0]) };

export function greetingOf(schema: string): Greeting {
  return {
    sql: `${SERVER}; SELECT layout FROM ${schema}.layout`,
    check: ([rows, layouts]) => {
      checkServer(rows?.[0]);
      checkLayout(Number(layouts?.[0]?.['layout']));
    },
  };
}

/** Makes the schema where there is none, and brings its layout up to date. */
export async function migrate(link: Link, schema: string): Promise<void> {
  const [found] = await link.ask(`SELECT to_regclass('${schema}.layout') IS NOT NULL AS there`);
  if (found?.[0]?.['there'] !== true) await begin(link, schema);
  const [layouts] = await link.ask(`SELECT layout FROM ${schema}.layout`);
  const layout = Number(layouts?.[0]?.['layout']);
  checkLayout(layout);
  for (let step = layout; step < STEPS.length; step += 1) {
    const statements = STEPS[step]?.replaceAll(/\bS\./g, `${schema}.`);
    await link.ask(
      `DO $step$ BEGIN
         UPDATE ${schema}.layout SET layout = ${step + 1} WHERE layout = ${step};
         IF FOUND THEN ${statements} END IF;
       END $step$`,
    );
  }
}

/** Two who begin at once are in each other's way; the second finds what the first made. */
async function begin(link: Link, schema: string): Promise<void> {
  const sql = `CREATE SCHEMA IF NOT EXISTS ${schema};
    CREATE TABLE IF NOT EXISTS ${schema}.layout (one boolean PRIMARY KEY CHECK (one), layout integer NOT NULL);
    INSERT INTO ${schema}.layout VALUES (true, 0) ON CONFLICT DO NOTHING`;
  for (let attempts = 1; ; attempts += 1) {
    try {
      await link.ask(sql);
      return;
    } catch (error) {
      const isRace = error instanceof Refused && ['23505', '42P06', '42P07'].includes(error.code);
      if (!isRace || attempts === 5) throw error;
    }
  }
}

/** Throws a sentence about what is not fit for us. */
function checkServer(server: Row | undefined): void {
  if (server?.['standby'] === true) throw new Refused('it is a standby, which cannot be written', IS_STANDBY);
  if (server?.['durable'] !== 'off') return;
  const wayOut = 'ALTER ROLE … SET synchronous_commit = on mends that';
  throw new Refused(`synchronous_commit is off, so what it answered to have kept could be lost; ${wayOut}`, 'DSO01');
}

function checkLayout(layout: number): void {
  if (layout <= STEPS.length) return;
  const known = `layout ${layout}, this one knows ${STEPS.length}`;
  throw new Refused(
    `a newer version of the orchestrator wrote it (${known}); run that version, or another schema`,
    'DSO02',
  );
}
