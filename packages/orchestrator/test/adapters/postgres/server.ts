/** Stores on a real PostgreSQL, each in a schema of its own. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresServer, type PostgresHome } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { postgresStore, type PostgresStoreOptions } from '../../../src/adapters/postgres/postgres-store.js';
import type { StateStore } from '../../../src/ports/state-store.js';

export type TestServer = {
  readonly server: PostgresServer;
  newSchema(): string;
  /** Whoever opens it closes it. */
  open(schema: string, more?: Partial<PostgresStoreOptions>): StateStore;
  opened(schema: string, more?: Partial<PostgresStoreOptions>): StateStore;
  sql(text: string): Promise<readonly Record<string, unknown>[]>;
};

/** One server for the tests of a block. */
export function postgresFor(home: () => PostgresHome): TestServer {
  let server: PostgresServer | null = null;
  let schemas = 0;
  beforeAll(async () => {
    server = await PostgresServer.start(home());
  });
  afterAll(async () => {
    await server?.close();
  });
  const started = (): PostgresServer => {
    if (server === null) throw new Error('The server was not started.');
    return server;
  };
  const open: TestServer['open'] = (schema, more = {}) =>
    // A busy machine is no broken database.
    postgresStore({ url: started().url, clock: systemClock(), schema, statementTimeoutMs: 15_000, ...more });
  return {
    get server() {
      return started();
    },
    newSchema: () => `test_${(schemas += 1)}`,
    open,
    opened(schema, more) {
      const store = open(schema, more);
      onTestFinished(async () => store.close());
      return store;
    },
    sql: (text) => started().sql(text),
  };
}

/** A disk of two megabytes for the server, where the system lets us have one. */
export function smallDisk(
  owner: { uid: number; gid: number } | null,
): { path: string; fill(): void; empty(): void; remove(): void } | null {
  const path = mkdtempSync(join(tmpdir(), 'dso-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path], { stdio: 'ignore' });
  if (status !== 0) {
    rmSync(path, { recursive: true });
    return null;
  }
  if (owner !== null) chownSync(path, owner.uid, owner.gid);
  const filler = join(path, 'filler');
  return {
    path,
    fill() {
      try {
        for (;;) appendFileSync(filler, Buffer.alloc(4_096));
      } catch {
        // No space left on the device: that is what is wanted.
      }
    },
    empty: () => rmSync(filler),
    remove() {
      spawnSync('umount', ['--lazy', path], { stdio: 'ignore' });
      rmSync(path, { recursive: true, force: true });
    },
  };
}
