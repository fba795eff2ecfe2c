import type { JobMark } from '@dshard/protocol';
import { leakGuard } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CronOptions } from '../../src/index.js';
import { EXTENDED } from '../fake-orchestrator.js';
import { world } from './fleet-world.js';

leakGuard({ beforeEach, afterEach });

const MINUTE_MS = 60_000;

/** A node that leads, an orchestrator with one mark, and what happened, in order. The clock begins at a full minute. */
async function withJob(options: CronOptions = {}, latest = 0, run: () => unknown = () => undefined) {
  const lead = await world();
  const { orchestrator, node, clock, tell } = lead;
  const log: string[] = [];
  const errors: string[] = [];
  node.on('error', ({ message }) => errors.push(message));
  const begin = clock.now();
  const marks = { latest, isAway: false };
  orchestrator.onMessage = (peer, message) => {
    if (message.kind !== 'jobMark' || marks.isAway) return;
    const { markId, dueAt } = message;
    const isNew = dueAt > marks.latest;
    if (dueAt > 0) log.push(`mark ${minutes(dueAt)}${isNew ? '' : ' again'}`);
    if (isNew) marks.latest = dueAt;
    peer.send({ kind: 'jobMarked', markId, isNew, latest: marks.latest });
  };
  const minutes = (at: number): number => Math.round((at - begin) / MINUTE_MS);
  const takeOff = node.fleet.cron(
    'post',
    '* * * * *',
    ({ dueAt }) => {
      log.push(`run ${minutes(dueAt.getTime())}`);
      return run();
    },
    options,
  );
  await tell({ kind: 'startShards', shardIds: [0] });
  return { ...lead, log, errors, marks, begin, takeOff };
}

describe('a job on a schedule', () => {
  test('is marked, then run, at each time that it is due', async () => {
    const { clock, log, close } = await withJob();
    await clock.run(2 * MINUTE_MS);
    expect(log).toEqual(['mark 1', 'run 1', 'mark 2', 'run 2']);
    await close();
  });

  test('is not run where another process has marked it', async () => {
    const { clock, log, close, begin, marks } = await withJob();
    marks.latest = begin + MINUTE_MS;
    await clock.run(2 * MINUTE_MS);
    expect(log).toEqual(['mark 1 again', 'mark 2', 'run 2']);
    await close();
  });

  test('is asked for again until the orchestrator answers, and is run once', async () => {
    const { clock, log, close, marks } = await withJob();
    marks.isAway = true;
    await clock.run(MINUTE_MS + 20_000);
    expect(log).toEqual([]);
    marks.isAway = false;
    await clock.run(10_000);
    expect(log).toEqual(['mark 1', 'run 1']);
    await close();
  });

  test('ends with the leadership, and goes on with it', async () => {
    const { clock, log, close, tell } = await withJob();
    await clock.run(MINUTE_MS);
    await tell({ kind: 'stopShard', shardId: 0, session: null });
    await clock.run(2 * MINUTE_MS);
    expect(log).toEqual(['mark 1', 'run 1']);
    await tell({ kind: 'startShards', shardIds: [0] });
    await clock.run(MINUTE_MS);
    expect(log).toEqual(['mark 1', 'run 1', 'mark 4', 'run 4']);
    await close();
  });

  test('is logged when it fails, and not begun again', async () => {
    const fail = (): Promise<void> => Promise.reject(new Error('top.gg is away'));
    const { clock, log, errors, close } = await withJob({}, 0, fail);
    await clock.run(MINUTE_MS);
    expect(log).toEqual(['mark 1', 'run 1']);
    expect(errors).toEqual(['The job "post" failed: top.gg is away']);
    await close();
  });

  test('is marked after the run where it is to run at least once, and one run makes up for what was missed', async () => {
    const { clock, log, close } = await withJob({ atLeastOnce: true });
    await clock.run(MINUTE_MS);
    expect(log).toEqual(['run 1', 'mark 1']);
    await close();
    // The mark of 1970 and a bit: a very long outage.
    const late = await withJob({ atLeastOnce: true }, 1);
    await late.clock.run(10);
    expect(late.log).toHaveLength(2);
    expect(late.log[1]).toBe('mark 0');
    await late.clock.run(MINUTE_MS);
    expect(late.log.slice(2)).toEqual(['run 1', 'mark 1']);
    await late.close();
  });

  test('is left out once when it is due while the last run goes on', async () => {
    let end = (): void => undefined;
    const slow = (): Promise<void> =>
      new Promise((resolve) => {
        end = resolve;
      });
    const { clock, log, close } = await withJob({}, 0, slow);
    await clock.run(3 * MINUTE_MS);
    expect(log).toEqual(['mark 1', 'run 1']);
    end();
    await clock.run(MINUTE_MS);
    expect(log).toEqual(['mark 1', 'run 1', 'mark 4', 'run 4']);
    end();
    await close();
  });

  test.each([
    ['a schedule that is none', 'x', 'every now and then', undefined, 'the schedule "every now and then"'],
    ['a time zone that is none', 'x', '* * * * *', 'Mars/Olympus', 'time zone "Mars/Olympus"'],
    ['no name', '', '* * * * *', undefined, '1 to 256 characters'],
    ['a name that is taken', 'post', '* * * * *', undefined, 'a job with the name "post" already'],
  ])('is refused with %s', async (_, name, spec, timezone, says) => {
    const { node, close } = await withJob();
    const register = (): unknown => node.fleet.cron(name, spec, () => 1, timezone === undefined ? {} : { timezone });
    expect(register).toThrow(
      expect.objectContaining({ code: 'DSO_JOB_INVALID', message: expect.stringContaining(says) }),
    );
    await close();
  });

  test('is run no more when it was taken off, and its name is free', async () => {
    const { clock, log, node, close, takeOff } = await withJob();
    takeOff();
    node.fleet.cron('post', '* * * * *', () => log.push('new'));
    await clock.run(MINUTE_MS);
    expect(log).toEqual(['mark 1', 'new']);
    await close();
  });

  test('says so when the orchestrator keeps no marks', async () => {
    const { node, clock, orchestrator, tell, close, errors } = await withJob();
    orchestrator.greeting = { ...EXTENDED, capabilities: ['calls'] };
    orchestrator.peer.cut();
    await clock.run(MINUTE_MS);
    expect(errors[0]).toBe('The job "post" waits: the orchestrator keeps no marks of jobs. Update it.');
    expect(orchestrator.peer.of('jobMark')).toEqual([] satisfies JobMark[]);
    expect(node.status.kind).toBe('established');
    await tell({ kind: 'stopShard', shardId: 0, session: null });
    await close();
  });
});

describe('a machine’s clock that is set', () => {
  // Runs were due by the time of the day that had been reached: after an hour back nothing ran for an hour.
  test('back by an hour does not delay a job by an hour', async () => {
    const { clock, log, close, marks } = await withJob();
    await clock.run(2 * MINUTE_MS);
    clock.stepWallClock(-60 * MINUTE_MS);
    // As the orchestrator does with a mark of a time that is not yet.
    marks.latest = 0;
    await clock.run(3 * MINUTE_MS);
    // The clock is looked at once a minute.
    expect(log.slice(4)).toEqual(['mark -56', 'run -56', 'mark -55', 'run -55']);
    await close();
  });

  test('forward by an hour leaves out what was due in that hour, and goes on', async () => {
    const { clock, log, close } = await withJob();
    await clock.run(MINUTE_MS);
    clock.stepWallClock(60 * MINUTE_MS);
    await clock.run(3 * MINUTE_MS);
    expect(log.slice(0, 2)).toEqual(['mark 1', 'run 1']);
    expect(log.slice(-2)).toEqual(['mark 64', 'run 64']);
    await close();
  });
});
