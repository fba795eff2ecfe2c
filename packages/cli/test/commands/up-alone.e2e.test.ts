/** `dso up` without a launcher, as in a container: somebody else starts the nodes, and ends them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { until } from '@dshard/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { runDso, untilUp } from '../dso.js';
import { freePort, isAlive, orchestratorsOfEachTest, QUIET_BOT, untilServing } from '../orchestrators.js';

const scene = orchestratorsOfEachTest();
const SHARDS = 3;

function startNode(address: string): ChildProcess {
  const node = spawn(process.execPath, [QUIET_BOT], {
    cwd: scene.all.cwd,
    env: { DSO_ORCHESTRATOR: address, DSO_NODE_ID: 'by-hand' },
    stdio: 'ignore',
  });
  onTestFinished(async () => {
    if (node.exitCode !== null || node.signalCode !== null) return;
    node.kill('SIGKILL');
    await once(node, 'exit');
  });
  return node;
}

// SIGTERM is what Docker, systemd and Kubernetes say when an orchestrator is replaced: the whole bot ended with it.
test.each(['SIGTERM', 'SIGINT'] as const)(
  'on %s an orchestrator that launched no nodes goes, they run on, and the next one takes over',
  { timeout: 60_000 },
  async (signal) => {
    const args = [...(await scene.all.ports()), '--shards', `${SHARDS}`];
    const first = await scene.all.running(args);
    const node = startNode(first.address);
    const before = await untilServing(first, 1, SHARDS);
    first.dso.child.kill(signal);
    const ended = await first.dso.done;
    expect([ended.code, ended.stderr.includes('Ending the fleet')]).toEqual([0, false]);
    expect(isAlive(node.pid!)).toBe(true);

    const after = await untilServing(await scene.all.running(args), 1, SHARDS);
    expect(after.nodes.map(({ id, pid }) => [id, pid])).toEqual([['by-hand', node.pid]]);
    expect(after.nodes.map(({ id }) => id)).toEqual(before.nodes.map(({ id }) => id));
  },
);

test('--keep-sessions is asked for by name: shards are parked, and the nodes end', { timeout: 60_000 }, async () => {
  const args = [...(await scene.all.ports()), '--shards', `${SHARDS}`, '--keep-sessions'];
  const first = await scene.all.running(args);
  const node = startNode(first.address);
  await untilServing(first, 1, SHARDS);
  first.dso.child.kill('SIGTERM');
  expect((await first.dso.done).code).toBe(0);
  await until(() => !isAlive(node.pid!), { what: 'the node to end' });
});

test('dso asks the one that leads, of an orchestrator and its standby', { timeout: 60_000 }, async () => {
  const leader = await scene.all.running([...(await scene.all.ports()), '--shards', `${SHARDS}`]);
  const http = `http://127.0.0.1:${await freePort()}`;
  const elsewhere = ['--listen', '127.0.0.1:0', '--http', http.replace('http://', '')];
  const standby = scene.all.up(['--shards', `${SHARDS}`, '--standby', ...elsewhere]);
  const probed = (path: string): Promise<number | null> =>
    fetch(`${http}${path}`).then(
      ({ status }) => status,
      () => null,
    );
  await until(async () => (await probed('/livez')) === 200, { what: 'the standby to live' });
  expect(await probed('/readyz')).toBe(503);
  const status = await runDso(['--address', `${http},${leader.http}`, 'status', '--json']);
  expect([status.code, status.stderr]).toEqual([0, '']);

  leader.dso.child.kill('SIGTERM');
  const second = await untilUp(standby);
  const later = await runDso(['--address', `${leader.http},${second.http}`, 'status', '--json']);
  expect([later.code, later.stderr]).toEqual([0, '']);
});
