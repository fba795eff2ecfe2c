import type { MessageOf } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { recordsOf } from '../../../src/domain/durable/writes.js';
import { restoredState } from '../../../src/domain/durable/restore.js';
import { MAX_JOBS } from '../../../src/domain/jobs/marks.js';
import { OLDER_CAPABILITIES } from '../model-node.js';
import { World } from '../world.js';

function fleet() {
  const world = new World({ totalShards: 2 }).start();
  const a = world.join('a');
  const b = world.join('b');
  world.settle();
  return { world, a, b };
}

const mark = (dueAt: number, markId = `${dueAt}`, name = 'post'): MessageOf<'jobMark'> => ({
  kind: 'jobMark',
  markId,
  name,
  dueAt,
});

describe('the mark of a job', () => {
  test('is set once for each time, whoever asks', () => {
    const { world, a, b } = fleet();
    const due = world.now;
    a.send(mark(due, 'a1'));
    world.settle();
    b.send(mark(due, 'b1'));
    b.send(mark(due - 1, 'b2'));
    b.send(mark(due + 1, 'b3'));
    world.settle();
    a.send(mark(0, 'a2'));
    world.settle();
    expect(world.sentTo('a', 'jobMarked')).toEqual([
      { kind: 'jobMarked', markId: 'a1', isNew: true, latest: due },
      { kind: 'jobMarked', markId: 'a2', isNew: false, latest: due + 1 },
    ]);
    expect(world.sentTo('b', 'jobMarked')).toEqual([
      { kind: 'jobMarked', markId: 'b1', isNew: false, latest: due },
      { kind: 'jobMarked', markId: 'b2', isNew: false, latest: due },
      { kind: 'jobMarked', markId: 'b3', isNew: true, latest: due + 1 },
    ]);
  });

  test('survives a restart of the orchestrator', () => {
    const { world, a } = fleet();
    a.send(mark(world.now));
    world.settle();
    const { state } = restoredState(world.state.settings, recordsOf(world.state), world.now);
    expect([...state.jobs]).toEqual([['post', world.now]]);
  });

  test('cannot be set ahead of time, which would keep the job from running until then', () => {
    const { world, a } = fleet();
    a.send(mark(world.now + 3_600_000, 'ahead'));
    world.settle();
    expect(world.sentTo('a', 'jobMarked')).toEqual([{ kind: 'jobMarked', markId: 'ahead', isNew: false, latest: 0 }]);
    expect(world.state.jobs.size).toBe(0);
  });

  test('is one of a bounded number: the longest ago is forgotten', () => {
    const { world, a } = fleet();
    const due = world.now;
    for (let job = 0; job <= MAX_JOBS; job += 1) a.send(mark(due - MAX_JOBS + job, `${job}`, `job ${job}`));
    world.settle();
    expect(world.state.jobs.size).toBe(MAX_JOBS);
    expect(world.state.jobs.has('job 0')).toBe(false);
  });

  test('is not for a node that does not name the capability', () => {
    const { world } = fleet();
    const old = world.join({ id: 'old', capabilities: OLDER_CAPABILITIES.filter((name) => name !== 'jobs') });
    old.send(mark(world.now));
    world.settle();
    expect(world.sentTo('old', 'jobMarked')).toEqual([]);
  });
});

test('a fleet that is not responsible for shard 0 is told which shard leads', () => {
  const world = new World({ totalShards: 8, responsibleForShards: [5, 4, 6] }).start();
  world.join('a');
  world.settle();
  expect(world.sentTo('a', 'identified')).toMatchObject([{ leadShard: 4 }]);
});

describe('the machine’s clock', () => {
  const HOUR_MS = 3_600_000;
  const message = (world: World, from: MessageOf<'jobMark'>, wallClockAheadMs: number) =>
    world.feed({ kind: 'message', connection: connectionOf(world, 'a'), message: from, wallClockAheadMs });
  const connectionOf = (world: World, id: string): string => {
    const { connection } = world.state.nodes.get(id)!;
    if (connection.kind !== 'connected') throw new Error(`${id} is away`);
    return connection.connection;
  };

  test('decides what is due ahead of time, not the time that everything else is decided by', () => {
    const { world } = fleet();
    message(world, mark(world.now + HOUR_MS, 'ahead'), HOUR_MS);
    message(world, mark(world.now, 'behind'), -HOUR_MS);
    world.settle();
    expect(world.sentTo('a', 'jobMarked')).toMatchObject([{ isNew: true }, { isNew: false, latest: 0 }]);
  });

  test('that was wrong when a mark was set keeps no job from running when it is right again', () => {
    const { world } = fleet();
    message(world, mark(world.now + HOUR_MS, 'wrong'), HOUR_MS);
    message(world, mark(world.now, 'right'), 0);
    world.settle();
    expect(world.sentTo('a', 'jobMarked')[1]).toMatchObject({ markId: 'right', isNew: true, latest: world.now });
  });
});
