/** A connection to the database: what the store needs of a client library, and how `pg` gives it. */
import { Socket } from 'node:net';
import { messageOf, printable } from '@dshard/protocol';
import type { QueryResult } from 'pg';

/** A row as it comes: what is too large for a number is a text. */
export type Row = Readonly<Record<string, unknown>>;

/** The rows of each statement of a message. */
export type Answer = readonly (readonly Row[])[];

/** Nobody knows whether what was asked for was done. */
export class LostLink extends Error {}

/** The server refused. `code`: PostgreSQL's SQLSTATE. */
export class Refused extends Error {
  readonly code: string;

  constructor(message: string, code: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export type DatabaseConnection = {
  /** One message. Rejects with `Refused` where the server said what is wrong; after any other error nothing is sure. */
  query(sql: string): Promise<Answer>;
  /** Says goodbye. */
  end(): Promise<void>;
  /** At once, whatever is under way. */
  destroy(): void;
};

type ConnectOptions = {
  /** Gives the attempt up. */
  signal: AbortSignal;
  /** The connection is gone. */
  onLost: () => void;
  onNotice?: (payload: string) => void;
};

/** @param target a URL. */
export type Connect = (target: string, options: ConnectOptions) => Promise<DatabaseConnection>;

export const connectByPg: Connect = async (target, { signal, onLost, onNotice }) => {
  // Loaded only where it is needed.
  const pg = await import('pg');
  const socket = new Socket();
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  if (signal.aborted) socket.destroy();
  const client = new pg.Client({
    connectionString: target,
    fallback_application_name: 'dshardorchestrator',
    keepAlive: true,
    stream: () => socket,
  });
  const lose = (): void => {
    onLost();
    socket.destroy();
  };
  client.on('error', lose).on('end', lose);
  if (onNotice !== undefined) client.on('notification', ({ payload }) => onNotice(payload ?? ''));
  await client.connect().catch((error: unknown) => {
    throw settled(error);
  });
  return {
    async query(sql) {
      try {
        const results = (await client.query(sql)) as QueryResult<Row> | QueryResult<Row>[];
        return (Array.isArray(results) ? results : [results]).map(({ rows }) => rows);
      } catch (error) {
        throw settled(error);
      }
    },
    end: () => client.end(),
    destroy: () => void socket.destroy(),
  };
};

/**
 * What the server refused in words of its own is settled, unless it was on its way out: then a commit may have taken
 * effect (classes 08 and 57P of SQLSTATE).
 */
function settled(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const isServers = /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object);
  if (!isServers || code.startsWith('08') || code.startsWith('57P')) return error;
  return new Refused(printable(messageOf(error)), code, error);
}
