/**
 * Clocks that are set, per process: Debian's libfaketime tells a process another time of the day, and leaves the
 * monotonic clock alone, as the system does when somebody sets the machine's clock.
 */
import { join } from 'node:path';
import { SettableClock, until } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import {
  historyOf,
  orchestratorsOfEachTest,
  QUIET_BOT,
  statusOf,
  untilServing,
  type Running,
} from '../orchestrators.js';
import { untilUp } from '../dso.js';

const HOUR_S = 3_600;
const scene = orchestratorsOfEachTest();

const clockNamed = (name: string): SettableClock => new SettableClock(join(scene.all.cwd, `${name}.clock`));

const SETTINGS = ['--set', 'heartbeat=500ms', '--set', 'maxNodeDowntime=3s'];

async function arguments_(): Promise<string[]> {
  return [...(await scene.all.ports()), '--bot', QUIET_BOT, '--nodes', '2', '--shards', '4', ...SETTINGS];
}

const nodePids = (): number[] => scene.all.pids();

/** Long enough for a lease and for every deadline of the settings, by the clock that nobody sets. */
async function aWhile(ms: number): Promise<void> {
  const end = performance.now() + ms;
  await until(() => performance.now() >= end, { what: `${ms} ms`, timeoutMs: ms + 20_000 });
}

/** What would not be in the history if nobody had touched the clock. */
const CONSEQUENCES =
  /silent|lost|vacant|crash|quarantin|alarm|suspend|store|takeOver|shutdown|Gone|Exited|Failed|identif/i;

async function consequencesSince(where: Pick<Running, 'http'>, id: number): Promise<string[]> {
  const history = await historyOf(where);
  return history.filter((entry) => entry.id > id && CONSEQUENCES.test(entry.name)).map(({ text }) => text);
}

async function lastEntry(where: Pick<Running, 'http'>): Promise<number> {
  return (await historyOf(where)).at(-1)?.id ?? 0;
}

describe.skipIf(!SettableClock.isAvailable())('a clock that is set by an hour', () => {
  test.each([
    ['forward', HOUR_S],
    ['back', -HOUR_S],
  ])(
    '%s at the orchestrator, its standby and its nodes has no consequence, but that people are told the new time',
    async (_how, seconds) => {
      const clock = clockNamed('all');
      const leader = await scene.all.running(await arguments_(), clock.environment);
      const before = await untilServing(leader, 2, 4);
      const standby = scene.all.up([...(await arguments_()), '--standby'], clock.environment);
      await until(() => standby.stderr.includes('is its standby'), { what: 'the standby to wait' });
      const id = await lastEntry(leader);
      const pids = nodePids();

      // The nodes inherit the clock of the orchestrator that launched them.
      clock.set(seconds);
      await aWhile(12_000);

      const after = await untilServing(leader, 2, 4);
      expect(await consequencesSince(leader, id)).toEqual([]);
      expect(nodePids()).toEqual(pids);
      expect(after.store).toMatchObject({ epoch: 1, state: 'open' });
      expect(standby.child.exitCode).toBeNull();
      const ahead = (status: typeof after): number => Math.round((status.now - Date.now()) / 60_000) * 60 + 0;
      expect([ahead(before), ahead(after)]).toEqual([0, seconds]);
      expect(Math.round((after.startedAt - before.startedAt) / 60_000) * 60).toBe(seconds);
      expect(Math.round((after.nodes[0]!.since - before.nodes[0]!.since) / 60_000) * 60).toBe(seconds);

      // The standby is as good as before.
      leader.dso.child.kill('SIGKILL');
      const second = await untilUp(standby);
      await untilServing(second, 2, 4);
      expect(nodePids()).toEqual(pids);
    },
  );

  test.each([
    ['forward', HOUR_S],
    ['back', -HOUR_S],
  ])(
    '%s while the orchestrator restarts ends nothing, and the next run goes on with the epochs of the first',
    async (_how, seconds) => {
      const clock = clockNamed('orchestrator');
      const first = await scene.all.running(await arguments_(), clock.environment);
      const { nodes } = await untilServing(first, 2, 4);
      const id = await lastEntry(first);
      first.dso.child.kill('SIGKILL');
      await first.dso.done;
      clock.set(seconds);
      const pids = nodePids();

      const second = await scene.all.running(await arguments_(), clock.environment);
      const after = await untilServing(second, 2, 4);
      expect(after.graceUntil).toBeNull();
      expect(after.nodes.map((node) => node.id).toSorted()).toEqual(nodes.map((node) => node.id).toSorted());
      await aWhile(5_000);
      expect(await consequencesSince(second, id)).toEqual([]);
      expect(nodePids()).toEqual(pids);
    },
  );

  test.each([
    ['forward', HOUR_S],
    ['back', -HOUR_S],
  ])(
    '%s at the leader alone, or at the standby alone, makes nobody succeed a leader that lives',
    async (_how, seconds) => {
      const clocks = [clockNamed('leader'), clockNamed('standby')];
      const leader = await scene.all.running(await arguments_(), clocks[0]!.environment);
      await untilServing(leader, 2, 4);
      const standby = scene.all.up([...(await arguments_()), '--standby'], clocks[1]!.environment);
      await until(() => standby.stderr.includes('is its standby'), { what: 'the standby to wait' });
      const id = await lastEntry(leader);
      for (const clock of clocks) {
        clock.set(seconds);
        await aWhile(12_000);
        expect((await statusOf(leader)).store).toMatchObject({ epoch: 1, state: 'open' });
      }
      expect(await consequencesSince(leader, id)).toEqual([]);
      expect([leader.dso.child.exitCode, standby.child.exitCode]).toEqual([null, null]);
    },
  );
});
