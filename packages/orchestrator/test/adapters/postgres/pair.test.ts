import { PostgresPair, until } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { postgresStore } from '../../../src/adapters/postgres/postgres-store.js';

const LEADER = { id: 'a', host: 'tower', pid: 1, process: null, boot: 'boot', since: 0 };
const TERMS = { now: 1_000, ttlMs: 600_000, aheadMs: 500, isDead: () => false, isAlive: () => false };

let pair: PostgresPair;
beforeAll(async () => {
  pair = await PostgresPair.start();
}, 60_000);
afterAll(() => pair.close());

// With two hosts in the URL the next one was taken twice after one that turned out to be a standby: so the same standby
// was asked again and again, and a leader whose primary had been restarted did not find it for ever.
test('the primary is found again after a restart, and after a fail-over to the other host', async () => {
  const store = postgresStore({ url: pair.url, clock: systemClock(), schema: 'pair', statementTimeoutMs: 5_000 });
  onTestFinished(async () => store.close());
  const acquired = await store.acquire(LEADER, TERMS);
  if (!acquired.ok) throw new Error('Nobody else is there.');
  const { epoch } = acquired;
  const put = (expectedVersion: number) =>
    store.commit({ epoch, expectedVersion, writes: [{ kind: 'k', key: 'a', value: expectedVersion }], history: [] });
  expect(await put(0)).toEqual({ ok: true, version: 1 });

  const first = pair.primary;
  await first.stop('SIGQUIT');
  expect(await put(1)).toMatchObject({ ok: false, reason: 'broken' });
  await first.start();
  await until(async () => (await store.load()).ok, { what: 'the primary to be found by reads', timeoutMs: 20_000 });
  await until(async () => (await put(1)).ok, { what: 'the primary to be found by commits', timeoutMs: 20_000 });

  await pair.failOver();
  await until(async () => (await store.load()).ok, { what: 'the new primary', timeoutMs: 20_000 });
  expect(await store.load()).toMatchObject({ ok: true, version: 2, records: [{ kind: 'k', key: 'a', value: 1 }] });
  expect(await until(async () => put(2), { what: 'a commit' })).toEqual({ ok: true, version: 3 });
}, 120_000);
