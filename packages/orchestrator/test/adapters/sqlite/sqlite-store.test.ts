import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import { until } from '@dshard/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sqliteStore } from '../../../src/adapters/sqlite/sqlite-store.js';
import type { StateStore } from '../../../src/ports/state-store.js';
import { leading, storeConformance } from '../store-conformance.js';

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'dso-store-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function openedAt(path: string, more: { maxPages?: number } = {}): StateStore {
  const store = sqliteStore({ path, ...more });
  onTestFinished(async () => store.close());
  return store;
}

function altered(path: string, sql: string): void {
  const database = new Database(path);
  database.exec(sql);
  database.close();
}

/**
 * A disk of a megabyte, where the system lets us have one. Elsewhere only the bound on pages shows what a full disk
 * does.
 */
function smallDisk(): string | null {
  const path = mkdtempSync(join(tmpdir(), 'dso-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' });
  if (status === 0) return path;
  rmSync(path, { recursive: true });
  return null;
}

const probe = smallDisk();
if (probe !== null) removeDisk(probe);

function removeDisk(path: string): void {
  spawnSync('umount', ['--lazy', path], { stdio: 'ignore' });
  rmSync(path, { recursive: true, force: true });
}

storeConformance('sqlite', probe !== null, () => {
  const disk = smallDisk() ?? directory();
  if (probe !== null) onTestFinished(() => removeDisk(disk));
  const path = join(disk, 'state.db');
  return {
    open: (options = {}) => sqliteStore({ path, ...options }),
    fill: () => {
      const filler = join(disk, 'filler');
      try {
        for (;;) appendFileSync(filler, Buffer.alloc(4_096));
      } catch {
        // No space left on the device: that is what is wanted.
      }
      return () => rmSync(filler);
    },
  };
});

describe('the file', () => {
  test('is nobody else’s to read, nor are those beside it, in a directory of its own', async () => {
    const path = join(directory(), 'new', 'state.db');
    const store = openedAt(path);
    await leading(store);
    const modes = [path, `${path}-wal`, `${path}-shm`].map((file) => statSync(file).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
  });

  test('says so when it can grow no more, leaves nothing behind, and still has what it had', async () => {
    const path = join(directory(), 'state.db');
    const store = openedAt(path, { maxPages: 20 });
    const { epoch } = await leading(store);
    const write = (size: number) => [{ kind: 'shard', key: '1', value: { a: 'x'.repeat(size) } }];
    await store.commit({ epoch, expectedVersion: 0, writes: write(10), history: [] });
    const refused = await store.commit({ epoch, expectedVersion: 1, writes: write(300_000), history: [] });
    expect(refused).toMatchObject({ ok: false, reason: 'full', message: expect.stringMatching(/state\.db .*space/) });
    expect(await store.load()).toMatchObject({ version: 1, records: write(10) });
    expect(await store.commit({ epoch, expectedVersion: 1, writes: write(11), history: [] })).toMatchObject({
      ok: true,
    });
  });

  test.each([
    ['garbage', (path: string) => writeFileSync(path, 'no database '.repeat(500)), /not a database/],
    ['another program’s database', (path: string) => altered(path, 'CREATE TABLE theirs (a)'), /another program/],
    [
      'a newer version’s',
      (path: string) => {
        void sqliteStore({ path }).close();
        altered(path, 'PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE)');
      },
      /newer version.*layout 99/,
    ],
    [
      'a damaged one',
      (path: string) => {
        void sqliteStore({ path }).close();
        const content = readFileSync(path);
        writeFileSync(path, content.fill(0x5a, 4_096, content.length));
      },
      /damaged|malformed/,
    ],
  ])('is refused by name, with the way out, when it is %s', (_what, damage, why) => {
    const path = join(directory(), 'state.db');
    damage(path);
    const before = readFileSync(path);
    expect(() => sqliteStore({ path })).toThrow(
      expect.objectContaining({
        code: 'DSO_STORE_UNUSABLE',
        message: expect.stringMatching(new RegExp(`${path} cannot be used: .*${why.source}.*Move it away`)),
      }),
    );
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  // A shard that was quarantined before the update would be started again by it, and kill a node.
  // One damaged byte made text that is no UTF-8, at which the database library ended the process (SIGABRT), without a
  // sentence. (npm run hostile, store, seed 4711.)
  test.each([
    ['a record', "UPDATE records SET value = CAST(x'227ffff022' AS TEXT)"],
    ['a key', "UPDATE records SET key = CAST(x'ff' AS TEXT)"],
    ['the history', "UPDATE history SET value = CAST(x'22ff22' AS TEXT)"],
    ['the leader', "UPDATE leader SET identity = CAST(x'ff' AS TEXT)"],
  ])('says that it is damaged when %s is no text any more, and no process ends of it', async (_, sql) => {
    const path = join(directory(), 'state.db');
    const store = openedAt(path);
    const { epoch } = await leading(store);
    const { version: expectedVersion = 0 } = (await store.load()) as { version?: number };
    const history = [{ id: 1, at: 1, value: { text: 'x' } }];
    const writes = [{ kind: 'node', key: 'a', value: { cordoned: true } }];
    expect(await store.commit({ epoch, expectedVersion, writes, history })).toMatchObject({ ok: true });
    await store.close();
    altered(path, sql);
    const again = openedAt(path);
    const found = await Promise.all([again.load(), again.history({ after: null, limit: 10 })]);
    expect(found).toContainEqual(
      expect.objectContaining({ reason: 'broken', message: expect.stringContaining('damaged') }),
    );
  });

  test('keeps what quarantined a shard when an older version wrote it', async () => {
    const path = join(directory(), 'state.db');
    void sqliteStore({ path }).close();
    const crashes = [{ node: 'web-1', at: 5 }];
    const before = JSON.stringify({ deaths: crashes, quarantinedAt: 7 });
    altered(
      path,
      `INSERT INTO records VALUES ('trial', '3', '${before}'); ALTER TABLE leader DROP COLUMN time_line; PRAGMA user_version = 1;`,
    );
    expect(await openedAt(path).load()).toMatchObject({
      records: [{ kind: 'crash', key: '3', value: { crashes, quarantinedAt: 7 } }],
    });
  });

  test('is refused by name in a place where no file can be', () => {
    const place = join(directory(), 'file');
    writeFileSync(place, '');
    expect(() => sqliteStore({ path: join(place, 'state.db') })).toThrow(
      expect.objectContaining({ code: 'DSO_STORE_UNUSABLE', message: expect.stringContaining(place) }),
    );
  });

  test.each([
    ['deleted', (path: string) => rmSync(path)],
    [
      'replaced',
      (path: string) => {
        rmSync(path);
        writeFileSync(path, '');
      },
    ],
  ])('is not written any more when it was %s by somebody else', async (how, change) => {
    const path = join(directory(), 'state.db');
    const store = openedAt(path);
    const { epoch } = await leading(store);
    change(path);
    const refused = await store.commit({ epoch, expectedVersion: 0, writes: [], history: [] });
    expect(refused).toMatchObject({ ok: false, reason: 'broken', message: expect.stringContaining(how) });
  });

  test('fails when another process locks it for long, and works again afterwards', async () => {
    const path = join(directory(), 'state.db');
    const store = openedAt(path);
    const { epoch } = await leading(store);
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    const commit = { epoch, expectedVersion: 0, writes: [], history: [] };
    expect(await store.commit(commit)).toMatchObject({ ok: false, reason: 'broken' });
    other.exec('ROLLBACK');
    other.close();
    expect(await store.commit(commit)).toEqual({ ok: true, version: 1 });
  });
});

const dist = fileURLToPath(new URL('../../../dist/adapters/sqlite/sqlite-store.js', import.meta.url));

/** A process of its own that runs `body` with `store` on the same file. */
function child(path: string, body: string): ChildProcess & { lines(): string[] } {
  const program = `
    import { sqliteStore } from ${JSON.stringify(dist)};
    const store = sqliteStore({ path: ${JSON.stringify(path)} });
    const identity = { id: String(process.pid), host: 'h', pid: process.pid, process: null, boot: 'boot', since: 1_767_225_600_000 };
    ${body}`;
  const started = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void started.kill('SIGKILL'));
  let text = '';
  started.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return Object.assign(started, { lines: () => text.split('\n').slice(0, -1) });
}

describe('processes', () => {
  test('kill -9 in the middle of commits leaves whole commits only, and every one that was answered', async () => {
    const path = join(directory(), 'state.db');
    for (let round = 0; round < 3; round += 1) {
      // Each commit writes its number into fifty records and one entry of the history.
      const writer = child(
        path,
        `const { epoch } = store.acquire(identity, { now: performance.now(), ttlMs: 1, aheadMs: 0, isDead: () => true, isAlive: () => false });
         for (let { version } = store.load(); ; version += 1) {
           const writes = Array.from({ length: 50 }, (_, key) => ({ kind: 'shard', key: String(key), value: { n: version + 1 } }));
           const history = [{ id: version + 1, at: 0, value: { n: version + 1 } }];
           const result = store.commit({ epoch, expectedVersion: version, writes, history });
           if (!result.ok) throw new Error(result.message);
           process.stdout.write(result.version + '\\n');
           if (version % 5 === 0) await new Promise(setImmediate);
         }`,
      );
      const first = Number((await until(() => writer.lines()[0], { what: 'a commit' })) ?? 0);
      await until(() => Number(writer.lines().at(-1)) > first + 20 + round * 7, { what: 'commits' });
      writer.kill('SIGKILL');
      await once(writer, 'close');

      const store = sqliteStore({ path });
      const loaded = await store.load();
      if (!loaded.ok) throw new Error(loaded.message);
      expect(loaded.version).toBeGreaterThanOrEqual(Number(writer.lines().at(-1)));
      expect(loaded.records).toHaveLength(50);
      expect(new Set(loaded.records.map(({ value }) => (value as { n: number }).n))).toEqual(new Set([loaded.version]));
      expect(loaded.lastHistoryId).toBe(loaded.version);
      expect(await store.history({ after: null, limit: 1 })).toMatchObject({ entries: [{ id: loaded.version }] });
      await store.close();
    }
  });

  test('lose no commit when they lead in turn, and only one leads of many that want to at once', async () => {
    const path = join(directory(), 'state.db');
    await sqliteStore({ path }).close();
    const acquire = `store.acquire(identity, { now: Number(process.hrtime.bigint()) / 1e6, ttlMs: 60_000, aheadMs: 0, isDead: () => false, isAlive: () => false })`;
    const rivals = Array.from({ length: 4 }, () => child(path, `console.log(${acquire}.ok);`));
    await Promise.all(rivals.map((rival) => once(rival, 'close')));
    expect(rivals.flatMap((rival) => rival.lines()).toSorted()).toEqual(['false', 'false', 'false', 'true']);

    const store = sqliteStore({ path });
    const { epoch } = await leading(store, 9e15);
    await store.release(epoch);
    const takingTurns = Array.from({ length: 2 }, () =>
      child(
        path,
        `for (let done = 0; done < 20; ) {
           const mine = ${acquire};
           if (!mine.ok) { await new Promise(setImmediate); continue; }
           const { version } = store.load();
           const n = (store.load().records[0]?.value.n ?? 0) + 1;
           const writes = [{ kind: 'shard', key: '0', value: { n } }];
           if (store.commit({ epoch: mine.epoch, expectedVersion: version, writes, history: [] }).ok) done += 1;
           store.release(mine.epoch);
         }`,
      ),
    );
    await Promise.all(takingTurns.map((each) => once(each, 'close')));
    expect(await store.load()).toMatchObject({ version: 40, records: [{ value: { n: 40 } }] });
    await store.close();
  });
});
