import { packagedPostgres, PostgresServer, until } from '@dshard/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { untilUp } from '../dso.js';
import { orchestratorsOfEachTest, QUIET_BOT, sorted, statusOf, untilServing } from '../orchestrators.js';

const scene = orchestratorsOfEachTest();
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await PostgresServer.start(packagedPostgres());
});
afterAll(() => postgres.close());

let fleets = 0;
async function leaderOn(more: readonly string[] = []) {
  fleets += 1;
  const settings = {
    'store.kind': 'postgres',
    'store.url': postgres.url,
    'store.schema': `fleet_${fleets}`,
    'store.lease': '30s',
    // A busy machine is no broken database.
    'store.statementTimeout': '3s',
    heartbeat: '12s',
  };
  const args = [
    ...(await scene.all.ports()),
    '--bot',
    QUIET_BOT,
    '--nodes',
    '2',
    '--shards',
    '4',
    ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]),
    ...more,
  ];
  const leader = await scene.all.running(args);
  await untilServing(leader, 2, 4);
  return { leader, args };
}

describe('dso up on PostgreSQL', () => {
  test('a standby takes over from a leader that was killed, with the same nodes and shards', async () => {
    const { leader, args } = await leaderOn();
    const pids = scene.all.pids();
    const standby = scene.all.up([...args, '--standby']);
    await until(() => standby.stderr.includes('is its standby'), { what: 'the standby to wait' });
    leader.dso.child.kill('SIGKILL');
    await leader.dso.done;
    const second = await untilUp(standby);
    const { nodes, store } = await untilServing(second, 2, 4);
    expect(store).toMatchObject({
      epoch: 2,
      state: 'open',
      name: expect.stringMatching(/^postgres \(127\.0\.0\.1:\d+\/postgres/),
    });
    expect(sorted(nodes.filter(({ connection }) => connection === 'connected').map(({ pid }) => pid ?? 0))).toEqual(
      pids,
    );
  });

  test('while the database is away nothing is changed and the bot runs on; when it is back the leader goes on', async () => {
    const { leader } = await leaderOn();
    const pids = scene.all.pids();
    await postgres.stop('SIGQUIT');
    const state = async (): Promise<string> => (await statusOf(leader)).store.state;
    await until(async () => (await state()) === 'suspended', { what: 'the leader to notice', timeoutMs: 60_000 });
    await postgres.start();
    await until(async () => (await state()) === 'open', { what: 'the leader to go on', timeoutMs: 60_000 });
    expect((await statusOf(leader)).store.epoch).toBe(1);
    await untilServing(leader, 2, 4);
    expect(scene.all.pids()).toEqual(pids);
  });
});
