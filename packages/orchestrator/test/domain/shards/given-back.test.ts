/**
 * What a node gives back when it stops a shard. A node that took a shard over replays what the one before may have
 * handled; stopped in the middle of that, its cursor is not the end of what was handled. It says so, and the next one
 * is told that events may repeat.
 *
 * The story (found by the simulator): a node resumed the shard of a dead one, was told to shut down before user code
 * had the replay, and the next node handed the rest over unmarked, for the cursor counted as exact.
 */
import { describe, expect, test } from 'vitest';
import type { ModelNode } from '../model-node.js';
import { World } from '../world.js';

type Fleet = { world: World; a: ModelNode };

/** All shards run on `a`; `b` is empty. */
function fleet(): Fleet {
  const world = new World().start();
  const a = world.join('a');
  world.pass(25_000);
  world.join('b');
  world.settle();
  return { world, a };
}

/** Shard 0 is being taken over by `a`, which was not heard to have resumed it. */
function starting(): Fleet {
  const { world, a: dead } = fleet();
  const a = world.nodes.get('b') as ModelNode;
  a.mute.add('resumeShards');
  world.kill(dead);
  world.settle();
  world.join('c');
  a.running.add(0);
  expect(world.shard(0)).toMatchObject({ kind: 'starting', node: 'b' });
  return { world, a };
}

const WAYS: Readonly<Record<string, (fleet: Fleet) => void>> = {
  'an operator stops it': ({ world }) => {
    expect(world.ask({ kind: 'stopShard', shard: 0 })).toMatchObject({ ok: true });
    world.pass(30_000);
  },
  'its node is shut down': ({ world, a }) => {
    expect(world.ask({ kind: 'shutdownNode', node: a.id, now: true })).toMatchObject({ ok: true });
  },
  'its node leaves by itself': ({ world, a }) => {
    a.receive({ kind: 'shutdown', final: false, sessions: [] });
    world.settle();
  },
  'its node stops it by itself': ({ world, a }) => {
    a.receive({ kind: 'stopShard', shardId: 0, session: null, epoch: Number.MAX_SAFE_INTEGER });
    world.settle();
  },
};

/** As what the last node that was given shard 0 has it. */
function takeoverOf({ world }: Fleet): string | undefined {
  const told = [...world.nodes.keys()].flatMap((id) => world.toldToResume(id));
  const last = told.findLast(({ shardId }) => shardId === 0);
  expect(last).not.toHaveProperty('redelivers');
  return last?.takeover;
}

/** A node is only told that it was succeeded once it runs the shard. */
const ONLY_RUNNING: ReadonlySet<string> = new Set(['its node stops it by itself']);

const rows = Object.entries(WAYS).flatMap(([way, act]) => {
  const running = { way, act, kind: 'running', make: fleet };
  return ONLY_RUNNING.has(way) ? [running] : [running, { way, act, kind: 'starting', make: starting }];
});

describe.each(rows)('$way while it is $kind', ({ act, make }) => {
  test.each([
    ['at rest', 'exact'],
    ['in the middle of a replay', 'checkpoint'],
  ])('the next node has a shard that was %s as %s', (where, takeover) => {
    const made = make();
    if (where === 'in the middle of a replay') made.a.redelivering.add(0);
    act(made);
    expect(made.world.shard(0)).toMatchObject({ kind: 'running' });
    expect(takeoverOf(made)).toBe(takeover);
  });
});
