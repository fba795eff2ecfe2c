/**
 * The file's layout. `application_id` says that the file is one of ours, `user_version` which layout it has. A newer
 * layout than this version knows is refused, an older one is brought up to date step by step, each step in a
 * transaction of its own.
 */
import type Database from 'libsql';
import { printable } from '@dshard/protocol';

/** `dsho` in ASCII. */
const APPLICATION_ID = 0x64_73_68_6f;

/** `STEPS[n]` turns layout n into layout n + 1. */
const STEPS: readonly string[] = [
  `CREATE TABLE leader (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     epoch INTEGER NOT NULL,
     version INTEGER NOT NULL,
     last_history_id INTEGER NOT NULL,
     identity TEXT,
     since INTEGER,
     lease_until INTEGER
   );
   INSERT INTO leader VALUES (1, 0, 0, 0, NULL, NULL, NULL);
   CREATE TABLE records (
     kind TEXT NOT NULL,
     key TEXT NOT NULL,
     value TEXT NOT NULL,
     PRIMARY KEY (kind, key)
   ) WITHOUT ROWID;
   CREATE TABLE history (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, value TEXT NOT NULL);
   PRAGMA application_id = ${APPLICATION_ID};`,
  `UPDATE records SET kind = 'crash', value = replace(value, '"deaths":', '"crashes":') WHERE kind = 'trial';`,
  // A lease by the machine's clock, as they were until here, says nothing by the monotonic time.
  `ALTER TABLE leader ADD COLUMN time_line TEXT;
   UPDATE leader SET lease_until = 0;`,
];

/**
 * Text of the file, read as bytes (`CAST(… AS BLOB)`): the library ends the process at text that is no UTF-8, which one
 * damaged byte makes of any text. Throws as for a damaged file.
 */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw Object.assign(new Error('it holds text that is no UTF-8', { cause }), { code: 'SQLITE_CORRUPT' });
  }
}

/** @returns why this is no file for us, or null. Changes nothing. */
export function problemOf(database: Database.Database): string | null {
  const check = 'SELECT CAST(quick_check AS BLOB) AS said FROM pragma_quick_check(1)';
  const { said = null } = (database.prepare(check).get() ?? {}) as { said?: Uint8Array };
  const found = said === null ? 'it cannot be checked' : textOf(said);
  if (found !== 'ok') return `it is damaged (${printable(found)})`;
  const layout = numberOf(database, 'user_version');
  const application = numberOf(database, 'application_id');
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_master').get() as { tables: number };
  if (application !== APPLICATION_ID && (tables > 0 || application !== 0)) {
    return 'it is a database of another program';
  }
  if (layout <= STEPS.length) return null;
  return `a newer version of the orchestrator wrote it (layout ${layout}, this one knows ${STEPS.length})`;
}

/** Brings the layout up to date. */
export function migrate(database: Database.Database): void {
  const layout = numberOf(database, 'user_version');
  for (let step = layout; step < STEPS.length; step += 1) {
    database.exec('BEGIN IMMEDIATE');
    try {
      // Another process may have taken the step meanwhile.
      if (numberOf(database, 'user_version') === step) {
        database.exec(`${STEPS[step]} PRAGMA user_version = ${step + 1};`);
      }
      database.exec('COMMIT');
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }
}

function numberOf(database: Database.Database, pragma: 'user_version' | 'application_id'): number {
  const [row] = database.pragma(pragma) as { [name: string]: number }[];
  return row?.[pragma] ?? 0;
}
