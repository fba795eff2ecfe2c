import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import type { Dso } from '../dso.js';
import { untilUp } from '../dso.js';
import {
  isAlive,
  orchestratorsOfEachTest,
  QUIET_BOT,
  sorted,
  statusOf,
  untilServing,
  type Running,
} from '../orchestrators.js';

const scene = orchestratorsOfEachTest();
const LEASE_MS = 10_000;
/** A stall beyond the lease, and the time to take over; a busy machine adds to it. */
const STALL = { timeoutMs: 60_000 };

async function arguments_(): Promise<string[]> {
  return [...(await scene.all.ports()), '--bot', QUIET_BOT, '--nodes', '2', '--shards', '4'];
}

async function leaderAndStandby(more: readonly string[] = []): Promise<{ leader: Running; standby: Dso }> {
  const args = [...(await arguments_()), ...more];
  const leader = await scene.all.running(args);
  await untilServing(leader, 2, 4);
  const standby = scene.all.up([...args, '--standby']);
  await until(() => standby.stderr.includes('standby'), { what: 'the standby to wait' });
  return { leader, standby };
}

/** The same nodes, the same processes, all shards: what leads now has lost nothing. */
async function expectSameFleet(where: Pick<Running, 'http'>, pids: readonly number[]): Promise<void> {
  const { nodes } = await untilServing(where, 2, 4);
  const connected = nodes.filter(({ connection }) => connection === 'connected');
  expect(sorted(connected.map(({ pid }) => pid ?? 0))).toEqual(pids);
}

const nodePids = (): number[] => scene.all.pids();

describe('a standby on the same host', () => {
  // Both ended: the leader because it was superseded, the standby because the leader still had the lock and the ports.
  test('takes over from a leader that stands still, waits for what it holds, and serves when it wakes up and ends', async () => {
    const { leader, standby } = await leaderAndStandby();
    const pids = nodePids();
    leader.dso.child.kill('SIGSTOP');
    await until(() => standby.stderr.includes('stood still for longer than its lease'), { what: 'the wait', ...STALL });
    expect(standby.stderr).toMatch(new RegExp(`process id ${leader.dso.child.pid}.*kill -9 ${leader.dso.child.pid}`));
    expect(standby.child.exitCode).toBeNull();
    leader.dso.child.kill('SIGCONT');

    expect((await leader.dso.done).code).toBe(1);
    expect(leader.dso.stderr).toContain('DSO_LEADERSHIP_LOST');
    const second = await untilUp(standby);
    await expectSameFleet(second, pids);
    expect(pids.every(isAlive)).toBe(true);
    expect((await statusOf(second)).store).toMatchObject({ epoch: 2, state: 'open' });
  });

  test('becomes the leader in turn with a leader that is a standby, too: whoever wakes up waits again', async () => {
    const { leader, standby } = await leaderAndStandby(['--standby']);
    const pids = nodePids();
    leader.dso.child.kill('SIGSTOP');
    await until(() => standby.stderr.includes('stood still'), { what: 'the wait', ...STALL });
    leader.dso.child.kill('SIGCONT');
    await expectSameFleet(await untilUp(standby), pids);
    await until(() => leader.dso.stderr.includes('is its standby'), { what: 'the first to wait as a standby' });

    standby.child.kill('SIGKILL');
    await standby.done;
    await until(() => leader.dso.stdout.split('\n').length === 3, { what: 'the first to lead again' });
    await expectSameFleet(leader, pids);
    expect((await statusOf(leader)).store).toMatchObject({ epoch: 3, state: 'open' });
  });

  test('takes over within seconds from a leader that was killed, and from a stalled one that is killed then', async () => {
    const { leader, standby } = await leaderAndStandby();
    const pids = nodePids();
    leader.dso.child.kill('SIGKILL');
    const second = { dso: standby, ...(await untilUp(standby)) };
    await expectSameFleet(second, pids);

    const third = scene.all.up([...(await arguments_()), '--standby']);
    await until(() => third.stderr.includes('is its standby'), { what: 'the third to wait' });
    standby.child.kill('SIGSTOP');
    await until(() => third.stderr.includes('stood still'), { what: 'the wait', ...STALL });
    standby.child.kill('SIGKILL');
    await expectSameFleet(await untilUp(third), pids);
  });

  test('goes on waiting when it was the one that stood still, and both are there after both were restarted', async () => {
    const { leader, standby } = await leaderAndStandby();
    const pids = nodePids();
    standby.child.kill('SIGSTOP');
    const { now } = await statusOf(leader);
    await until(async () => (await statusOf(leader)).now > now + LEASE_MS + 2_000, { what: '12 s', ...STALL });
    standby.child.kill('SIGCONT');
    await expectSameFleet(leader, pids);
    expect((await statusOf(leader)).store).toMatchObject({ epoch: 1, state: 'open' });
    expect(standby.child.exitCode).toBeNull();

    leader.dso.child.kill('SIGHUP');
    standby.child.kill('SIGHUP');
    expect([(await leader.dso.done).code, (await standby.done).code]).toEqual([0, 0]);
    const args = await arguments_();
    const pair = [scene.all.up([...args, '--standby']), scene.all.up([...args, '--standby'])];
    const first = await until(() => pair.find(({ stdout }) => stdout.includes('\n')), { what: 'one to lead' });
    await expectSameFleet(await untilUp(first), pids);
    expect(pair.map(({ child }) => child.exitCode)).toEqual([null, null]);
  });
});

describe('the ports', () => {
  test('of a stranger are not waited for: its process is named', async () => {
    const stranger = createServer().listen(0, '127.0.0.1');
    await until(() => stranger.listening, { what: 'the stranger' });
    const { port } = stranger.address() as { port: number };
    for (const [flag, other] of [
      ['--http', '--listen'],
      ['--listen', '--http'],
    ] as const) {
      const dso = scene.all.up(['--shards', '1', flag, `127.0.0.1:${port}`, other, '127.0.0.1:0']);
      const { code, stderr } = await dso.done;
      expect(code).toBe(1);
      expect(stderr).toMatch(new RegExp(`another program has port ${port} already .process ${process.pid}, .*${flag}`));
    }
    stranger.close();
  });
});

describe('the lock of the data directory', () => {
  /** With a store and ports of its own: nothing but the lock keeps it off. */
  const rival = (): Dso =>
    scene.all.up([
      '--command',
      'true',
      '--shards',
      '1',
      '--no-http',
      '--listen',
      '127.0.0.1:0',
      '--set',
      'store.path=other.db',
    ]);

  // A lock that named nobody was taken for that of a dead process.
  test('that was written over is mended by its holder, and whoever wants it waits for that and is refused', async () => {
    const first = await scene.all.running(await arguments_());
    writeFileSync(join(scene.all.dataDir, 'orchestrator.lock'), 'scribble');
    const { code, stderr } = await rival().done;
    expect([code, stderr]).toEqual([1, expect.stringContaining(`process id ${first.dso.child.pid} uses the data`)]);
    expect(first.dso.stderr).toContain('was written over by somebody else while it was in use; it is made anew');
  });

  test('that was deleted is made anew by its holder, and keeps others off again', async () => {
    const first = await scene.all.running(await arguments_());
    rmSync(join(scene.all.dataDir, 'orchestrator.lock'));
    await until(() => first.dso.stderr.includes('was deleted by somebody else'), { what: 'the lock to be mended' });
    const { code, stderr } = await rival().done;
    expect([code, stderr]).toEqual([1, expect.stringContaining(`process id ${first.dso.child.pid} uses the data`)]);
  });

  test('that names nobody, and that nobody mends, is taken over', async () => {
    const first = await scene.all.running(await arguments_());
    first.dso.child.kill('SIGKILL');
    await first.dso.done;
    writeFileSync(join(scene.all.dataDir, 'orchestrator.lock'), '');
    await scene.all.running(await arguments_());
  });
});
