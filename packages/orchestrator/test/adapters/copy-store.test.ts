import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packagedPostgres } from '@dshard/testkit';
import { silentLogger, systemClock, systemRandom } from '@dshard/transport';
import { expect, onTestFinished, test } from 'vitest';
import { copyStore, type StoreAddress } from '../../src/copy-store.js';
import { ownIdentity } from '../../src/adapters/process-launcher/process-identity.js';
import { sqliteStore } from '../../src/adapters/sqlite/sqlite-store.js';
import type { StateStore } from '../../src/ports/state-store.js';
import { postgresFor } from './postgres/server.js';
import { leading } from './store-conformance.js';

const postgres = postgresFor(packagedPostgres);

function file(name = 'state.db'): string {
  const path = mkdtempSync(join(tmpdir(), 'dso-copy-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, name);
}

const ENTRIES = Array.from({ length: 2_500 }, (_, index) => ({
  id: 2 * index + 1,
  at: 1.5 * index,
  value: { by: index % 7 === 0 ? 'alice' : 'automatic', text: `it's ${index} ü` },
}));
const RECORDS = Array.from({ length: 300 }, (_, index) => ({
  kind: 'shard',
  key: `${index}`,
  value: { list: [index, null] },
}));

async function filled(path: string): Promise<void> {
  const store = sqliteStore({ path });
  const { epoch } = await leading(store);
  await store.commit({ epoch, expectedVersion: 0, writes: RECORDS, history: ENTRIES });
  await store.release(epoch);
  await store.close();
}

async function contentOf(store: StateStore): Promise<unknown> {
  onTestFinished(async () => store.close());
  const loaded = await store.load();
  const history = await store.history({ after: 0, limit: 10_000 });
  if (!loaded.ok || !history.ok) throw new Error('It cannot be read.');
  const records = loaded.records.toSorted((a, b) => Number(a.key) - Number(b.key));
  return { records, lastHistoryId: loaded.lastHistoryId, entries: history.entries };
}

const CONTENT = { records: RECORDS, lastHistoryId: 4_999, entries: ENTRIES };
const database = (schema: string): StoreAddress => ({ kind: 'postgres', url: postgres.server.url, schema });

test('everything goes from SQLite to PostgreSQL and back, the line of time included', async () => {
  const [path, back, schema] = [file(), file(), postgres.newSchema()];
  await filled(path);
  const there = await copyStore({ kind: 'sqlite', path }, database(schema), silentLogger);
  expect(there).toEqual({
    from: `sqlite (${path})`,
    to: expect.stringMatching(/^postgres \(127.*schema test_/),
    records: 300,
    entries: 2_500,
  });
  expect(await contentOf(postgres.open(schema))).toEqual(CONTENT);
  await copyStore(database(schema), { kind: 'sqlite', path: back }, silentLogger);
  expect(await contentOf(sqliteStore({ path: back }))).toEqual(CONTENT);
  expect(await contentOf(sqliteStore({ path }))).toEqual(CONTENT);
});

test('a store that an orchestrator leads is not copied, nor copied to', async () => {
  const [path, schema] = [file(), postgres.newSchema()];
  await filled(path);
  const store = sqliteStore({ path });
  onTestFinished(async () => store.close());
  const own = ownIdentity(systemRandom(), systemClock());
  const terms = {
    now: systemClock().monotonicMs(),
    ttlMs: 60_000,
    aheadMs: 0,
    isDead: () => false,
    isAlive: () => true,
  };
  expect(await store.acquire(own, terms)).toMatchObject({ ok: true });
  const copying = copyStore({ kind: 'sqlite', path }, database(schema), silentLogger);
  await expect(copying).rejects.toMatchObject({ code: 'DSO_STORE_LED' });
});

test('a store that remembers something is not copied to, and is left as it is', async () => {
  const [path, other] = [file(), file()];
  await filled(path);
  await filled(other);
  const copying = copyStore({ kind: 'sqlite', path }, { kind: 'sqlite', path: other }, silentLogger);
  await expect(copying).rejects.toMatchObject({
    code: 'DSO_STORE_NOT_EMPTY',
    message: expect.stringMatching(/is not empty \(300 record\(s\), history up to 4999\)\. Name another/),
  });
  expect(await contentOf(sqliteStore({ path: other }))).toEqual(CONTENT);
});

test('a file that is not there is not made by the attempt to copy it', async () => {
  const path = file();
  const copying = () => copyStore({ kind: 'sqlite', path }, database(postgres.newSchema()), silentLogger);
  await expect(copying()).rejects.toThrow(`There is no file ${path} to copy.`);
  await expect(copying()).rejects.toThrow(`There is no file ${path} to copy.`);
});
