import { afterAll, beforeAll, expect, test } from 'vitest';
import { PostgresPair, until } from '../src/index.js';

let pair: PostgresPair;
beforeAll(async () => {
  pair = await PostgresPair.start();
  await pair.primary.sql('CREATE TABLE t (n integer)');
}, 60_000);
afterAll(() => pair.close());

const rows = async (): Promise<unknown[]> => (await pair.primary.sql('SELECT n FROM t ORDER BY n')).map(({ n }) => n);

test('what a primary with a synchronous standby has kept outlives restarts, a fail-over and another one back', async () => {
  await pair.primary.sql('INSERT INTO t VALUES (1)');
  await pair.restartPrimary();
  expect(await rows()).toEqual([1]);
  const [first, second] = [pair.primary.address, pair.standby.address];
  await until(async () => (await pair.primary.sql('SELECT FROM pg_stat_replication')).length > 0, {
    what: 'the standby to follow again',
    timeoutMs: 30_000,
  });
  await pair.primary.sql('INSERT INTO t VALUES (2)');
  await pair.failOver();
  expect(pair.primary.address).toBe(second);
  await pair.primary.sql('INSERT INTO t VALUES (3)');
  expect(await rows()).toEqual([1, 2, 3]);
  await pair.rejoin();
  await pair.failOver();
  expect(pair.primary.address).toBe(first);
  expect(await rows()).toEqual([1, 2, 3]);
  expect(pair.url).toBe(`postgres://dso@${first},${second}/postgres`);
}, 120_000);
