import { FaultProxy, packagedPostgres, until } from '@dshard/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LeaderIdentity, StateStore } from '../../../src/ports/state-store.js';
import { leading } from '../store-conformance.js';
import { postgresFor } from './server.js';

const postgres = postgresFor(packagedPostgres);

const identity = (id: string): LeaderIdentity => ({
  id,
  host: 'host-1',
  pid: 42,
  process: null,
  boot: 'boot',
  since: 0,
});
const TERMS = { now: 1_000, ttlMs: 10_000, aheadMs: 500, isDead: () => false, isAlive: () => false };

async function proxied(): Promise<FaultProxy> {
  const proxy = await FaultProxy.to(postgres.server.address);
  onTestFinished(() => proxy.close());
  return proxy;
}

const urlBy = (proxy: FaultProxy): string => `postgres://dso@${proxy.address}/postgres`;

const one = (value: number): { kind: string; key: string; value: { value: number } } => ({
  kind: 'shard',
  key: '1',
  value: { value },
});

async function valueIn(store: StateStore): Promise<unknown> {
  const loaded = await store.load();
  return loaded.ok ? loaded.records[0]?.value : loaded;
}

describe('connections', () => {
  test('all of them ended by the server between any two calls are no failure', async () => {
    const store = postgres.opened(postgres.newSchema());
    const killed = async (): Promise<void> => {
      await postgres.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
        AND backend_type = 'client backend'`);
    };
    const { epoch } = await leading(store);
    await killed();
    expect(await store.renew(epoch, { now: 2_000, ttlMs: 10_000 })).toEqual({ ok: true });
    for (let version = 0; version < 5; version += 1) {
      await killed();
      const commit = { epoch, expectedVersion: version, writes: [one(version)], history: [] };
      expect(await store.commit(commit)).toEqual({ ok: true, version: version + 1 });
      await killed();
      expect(await valueIn(store)).toEqual({ value: version });
    }
    await killed();
    expect(await store.release(epoch)).toEqual({ ok: true });
  });

  test('a line that is half open fails each call within its deadlines, and another line works at once', async () => {
    const proxy = await proxied();
    const schema = postgres.newSchema();
    const store = postgres.opened(schema, { url: urlBy(proxy), statementTimeoutMs: 2_000 });
    const { epoch } = await leading(store);
    proxy.set({ swallow: true });
    const commit = { epoch, expectedVersion: 0, writes: [one(1)], history: [] };
    const failed = await Promise.all([
      store.commit(commit),
      store.renew(epoch, { now: 2_000, ttlMs: 10_000 }),
      store.load(),
      store.history({ after: null, limit: 1 }),
    ]);
    for (const failure of failed) {
      expect(failure).toMatchObject({ ok: false, reason: 'broken', message: expect.stringContaining('2000 ms') });
    }
    proxy.set({ swallow: false });
    expect(await store.commit(commit)).toEqual({ ok: true, version: 1 });
  });

  test('a server that is restarted is found again, and holds what was committed', async () => {
    const store = postgres.opened(postgres.newSchema());
    const { epoch } = await leading(store);
    const commit = { epoch, expectedVersion: 0, writes: [one(1)], history: [] };
    expect(await store.commit(commit)).toEqual({ ok: true, version: 1 });
    await postgres.server.stop('SIGQUIT');
    expect(await store.load()).toMatchObject({
      ok: false,
      reason: 'broken',
      message: expect.stringMatching(new RegExp(`^The store postgres \\(${postgres.server.address}/postgres, schema`)),
    });
    await postgres.server.start();
    expect(await valueIn(store)).toEqual({ value: 1 });
    expect(await store.commit({ ...commit, expectedVersion: 1, writes: [one(2)] })).toEqual({ ok: true, version: 2 });
  });

  test('of several hosts the first that can be written is used', async () => {
    const gone = await proxied();
    gone.set({ refuse: true });
    const url = `postgres://dso@${gone.address},${postgres.server.address}/postgres`;
    const store = postgres.opened(postgres.newSchema(), { url });
    expect(await leading(store)).toMatchObject({ epoch: 1 });
  });

  test('nothing of a URL but its hosts and the name of the database is said', async () => {
    const gone = await proxied();
    gone.set({ refuse: true });
    const url = `postgres://alice:s3cret@${gone.address}/bots?password=s3cret`;
    const store = postgres.opened('x', { url });
    expect(store.name).toBe(`postgres (${gone.address}/bots, schema x)`);
    expect(JSON.stringify(await store.load())).not.toMatch(/s3cret|alice/);
  });

  test('nothing is set for a session and no transaction stays open, so that a transaction pooler may stand in between', async () => {
    const store = postgres.opened(postgres.newSchema());
    const { epoch } = await leading(store);
    await store.commit({ epoch, expectedVersion: 0, writes: [one(1)], history: [] });
    await store.load();
    const sessions = await postgres.sql(
      `SELECT state FROM pg_stat_activity WHERE application_name = 'dshardorchestrator'`,
    );
    expect(sessions.map(({ state }) => state)).toEqual(['idle', 'idle', 'idle']);
    expect(await postgres.sql('SELECT count(*)::int AS held FROM pg_locks WHERE locktype = $$advisory$$')).toEqual([
      { held: 0 },
    ]);
  });
});

describe('a commit whose answer is lost', () => {
  // The server waits for a standby that is not there: the commit is made, and not answered.
  async function withoutStandby(): Promise<() => Promise<void>> {
    const end = async (): Promise<void> => {
      await postgres.sql('ALTER SYSTEM RESET synchronous_standby_names');
      await postgres.sql('SELECT pg_reload_conf()');
    };
    await postgres.sql(`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`);
    await postgres.sql('SELECT pg_reload_conf()');
    onTestFinished(end);
    const waits = async (): Promise<boolean> => {
      const [row] = await postgres.sql('SHOW synchronous_standby_names');
      return row?.['synchronous_standby_names'] === 'nobody';
    };
    await until(waits, { what: 'the server to wait for a standby' });
    return end;
  }

  test('is looked up by its batch: it took effect', async () => {
    const store = postgres.opened(postgres.newSchema());
    const { epoch } = await leading(store);
    await withoutStandby();
    const committing = store.commit({
      epoch,
      expectedVersion: 0,
      writes: [one(1)],
      history: [{ id: 1, at: 1, value: {} }],
    });
    const waiting = `FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;
    await until(async () => (await postgres.sql(`SELECT pid ${waiting}`)).length === 1, { what: 'the commit to wait' });
    await postgres.sql(`SELECT pg_terminate_backend(pid) ${waiting}`);
    expect(await committing).toEqual({ ok: true, version: 1 });
    expect(await store.load()).toMatchObject({ version: 1, lastHistoryId: 1, records: [one(1)] });
  });

  test('is made by the second attempt where it did not take effect', async () => {
    const schema = postgres.newSchema();
    const store = postgres.opened(schema);
    const { epoch } = await leading(store);
    // Who holds the row of the leader makes the commit wait; then its connection is ended.
    const holding = postgres.sql(`BEGIN; SELECT FROM ${schema}.leader FOR UPDATE; SELECT pg_sleep(60); COMMIT`);
    const held = holding.catch(() => undefined);
    const asleep = `FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
    await until(async () => (await postgres.sql(`SELECT pid ${asleep}`)).length === 1, { what: 'the row to be held' });
    const committing = store.commit({ epoch, expectedVersion: 0, writes: [one(1)], history: [] });
    const waiting = `FROM pg_stat_activity WHERE wait_event_type = 'Lock'`;
    await until(async () => (await postgres.sql(`SELECT pid ${waiting}`)).length === 1, { what: 'the commit to wait' });
    await postgres.sql(`SELECT pg_terminate_backend(pid) ${waiting}`);
    await postgres.sql(`SELECT pg_terminate_backend(pid) ${asleep}`);
    await held;
    expect(await committing).toEqual({ ok: true, version: 1 });
    expect(await valueIn(store)).toEqual({ value: 1 });
  });

  test('fails where the row of the leader is held for longer than its deadline, and does nothing later', async () => {
    const schema = postgres.newSchema();
    const store = postgres.opened(schema, { statementTimeoutMs: 1_000 });
    const { epoch } = await leading(store);
    const holding = postgres.sql(`BEGIN; SELECT FROM ${schema}.leader FOR UPDATE; SELECT pg_sleep(60); COMMIT`);
    const held = holding.catch(() => undefined);
    const asleep = `FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
    await until(async () => (await postgres.sql(`SELECT pid ${asleep}`)).length === 1, { what: 'the row to be held' });
    const commit = { epoch, expectedVersion: 0, writes: [one(1)], history: [] };
    expect(await store.commit(commit)).toMatchObject({ ok: false, reason: 'broken' });
    await postgres.sql(`SELECT pg_terminate_backend(pid) ${asleep}`);
    await held;
    expect(await store.load()).toMatchObject({ ok: true, version: 0, records: [] });
    expect(await store.commit({ ...commit, writes: [one(2)] })).toEqual({ ok: true, version: 1 });
  });
});

describe('the schema', () => {
  test('is made once, however many begin at once, and one of them leads', async () => {
    const schema = postgres.newSchema();
    const stores = Array.from({ length: 6 }, () => postgres.opened(schema));
    const results = await Promise.all(stores.map(async (store, index) => store.acquire(identity(`${index}`), TERMS)));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect(results.filter((result) => !result.ok && result.reason === 'led')).toHaveLength(5);
    expect(await postgres.sql(`SELECT layout FROM ${schema}.layout`)).toEqual([{ layout: 1 }]);
  });

  test('of a newer version is refused, in a sentence, and left as it is', async () => {
    const schema = postgres.newSchema();
    const store = postgres.opened(schema);
    const { epoch } = await leading(store);
    await store.close();
    await postgres.sql(`UPDATE ${schema}.layout SET layout = 1000`);
    const refused = {
      ok: false,
      reason: 'broken',
      message: expect.stringMatching(
        /cannot be used: a newer version of the orchestrator wrote it \(layout 1000, this one knows \d+\); run that version, or another schema\.$/,
      ),
    };
    const older = postgres.opened(schema);
    expect(await older.acquire(identity('b'), { ...TERMS, isDead: () => true })).toMatchObject(refused);
    expect(await older.load()).toMatchObject(refused);
    expect(await older.renew(epoch, { now: 1, ttlMs: 1 })).toMatchObject(refused);
    expect(await postgres.sql(`SELECT epoch::int, layout FROM ${schema}.leader, ${schema}.layout`)).toEqual([
      { epoch: 1, layout: 1000 },
    ]);
  });

  test('is not used where a commit that was answered could be lost', async () => {
    const store = postgres.opened(postgres.newSchema(), {
      url: `${postgres.server.url}?options=-csynchronous_commit%3Doff`,
    });
    expect(await store.acquire(identity('a'), TERMS)).toMatchObject({
      ok: false,
      message: expect.stringContaining('synchronous_commit is off'),
    });
  });

  test('that may not be written says so', async () => {
    await postgres.sql('CREATE ROLE reader LOGIN');
    const url = postgres.server.url.replace('dso@', 'reader@');
    const schema = postgres.newSchema();
    await leading(postgres.opened(schema));
    const store = postgres.opened(schema, { url });
    expect(await store.acquire(identity('b'), TERMS)).toMatchObject({ ok: false, reason: 'readOnly' });
  });

  test('keeps any text, quotes and backslashes and all of Unicode', async () => {
    const store = postgres.opened(postgres.newSchema());
    const { epoch } = await leading(store);
    const value = { text: `'"\\ \\' $$ ; -- \u0000 \ud800 😀 ü E'\\n` };
    const writes = [{ kind: `it's`, key: `a\\'b"ü`, value }];
    await store.commit({ epoch, expectedVersion: 0, writes, history: [{ id: 1, at: 1.5, value }] });
    expect(await store.load()).toMatchObject({ records: writes });
    expect(await store.history({ after: 0, limit: 1 })).toMatchObject({ entries: [{ id: 1, at: 1.5, value }] });
  });
});

describe('leadership', () => {
  test('a standby is woken when the leader releases', async () => {
    const schema = postgres.newSchema();
    const [leader, standby] = [postgres.opened(schema), postgres.opened(schema)];
    const { epoch } = await leading(leader);
    expect(await standby.acquire(identity('b'), TERMS)).toMatchObject({ reason: 'led' });
    let woken = 0;
    const cancel = standby.onWake?.(() => (woken += 1));
    const listens = `SELECT FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`;
    await until(async () => (await postgres.sql(listens)).length === 1, { what: 'the standby to listen' });
    await leader.release(epoch);
    await until(() => woken === 1, { what: 'the standby to be woken' });
    cancel?.();
    expect(await standby.acquire(identity('b'), TERMS)).toMatchObject({ epoch: 2, before: 'released' });
  });

  // The answer to the acquisition was lost: the store was led by an orchestrator that did not know that it leads.
  test('whoever acquired the store and was not told is told by the next attempt', async () => {
    const proxy = await proxied();
    const schema = postgres.newSchema();
    await leading(postgres.opened(schema));
    const store = postgres.opened(schema, { url: urlBy(proxy), statementTimeoutMs: 2_000 });
    const terms = { ...TERMS, isDead: ({ id }: { id: string }) => id === 'a', isAlive: () => true };
    expect(await store.load()).toMatchObject({ ok: true });
    await postgres.sql(`CREATE FUNCTION ${schema}.slow() RETURNS trigger LANGUAGE plpgsql AS
        $f$ BEGIN PERFORM pg_sleep(1.2); RETURN NEW; END $f$;
      CREATE TRIGGER slow BEFORE UPDATE ON ${schema}.leader FOR EACH ROW EXECUTE FUNCTION ${schema}.slow()`);
    const asked = store.acquire(identity('b'), terms);
    const asleep = `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
    await until(async () => (await postgres.sql(asleep)).length === 1, { what: 'the acquisition to be under way' });
    proxy.set({ swallow: true });
    const led = async (): Promise<boolean> =>
      (await postgres.sql(`SELECT id FROM ${schema}.leader`))[0]?.['id'] === 'b';
    await until(led, { what: 'the acquisition to have taken effect' });
    proxy.set({ swallow: false });
    expect(await asked).toMatchObject({
      ok: true,
      epoch: 2,
      before: 'crashed',
      predecessor: { id: 'a' },
      aheadMs: 500,
    });
  });
});
