import { describe, expect, test } from 'vitest';
import { disruptionOf } from '../../../src/domain/migration/limits.js';
import type { Settings } from '../../../src/domain/state/settings.js';
import { drain, World } from '../world.js';
import type { WorldOptions } from '../world.js';

const draining = drain('a', 'b');

/** Eight shards on `a`; `b` and `c` are empty. */
function fleet(options: WorldOptions = {}): World {
  const world = new World({ totalShards: 8, migrationsPerNode: 8, ...options }).start();
  world.join('a');
  world.pass(60_000);
  world.join('b');
  world.join('c');
  expect(world.truth()).toEqual({ a: [0, 1, 2, 3, 4, 5, 6, 7] });
  return world;
}

test.each<[maxUnavailable: Settings['maxUnavailable'], limit: number]>([
  [{ percent: 25 }, 2],
  [{ percent: 26 }, 3],
  [{ percent: 100 }, 8],
  [{ percent: 1 }, 1],
  [{ count: 3 }, 3],
  [{ count: 100 }, 100],
])('maxUnavailable of %j lets %i shards of 8 be down', (maxUnavailable, limit) => {
  const world = fleet({ maxUnavailable });
  expect(disruptionOf(world.state)).toEqual({ moving: 0, down: 0, limit });
  for (const id of ['a', 'b']) world.nodes.get(id)!.mute.add('transferOpen');
  world.command(draining);
  world.settle();
  expect(world.state.migrations.size).toBe(Math.min(8, limit));
});

describe('while the budget is used up', () => {
  /** Shards 0–3 on `b`, the rest on `a`; `b` died, and `c` does not get to resume them. */
  function halfDown(): World {
    const world = fleet({ maxUnavailable: { count: 2 }, commandTimeoutMs: 200_000 });
    for (const shard of [0, 1, 2, 3]) world.ask({ kind: 'migrateShard', shard, destination: 'b' });
    // A heartbeat with their sessions.
    world.pass(6_000);
    for (const id of ['a', 'c']) world.nodes.get(id)!.mute.add('resumeShards');
    world.kill(world.nodes.get('b')!);
    world.settle();
    expect(disruptionOf(world.state)).toEqual({ moving: 0, down: 4, limit: 2 });
    return world;
  }

  test('a drain waits, and goes on when shards are up again', () => {
    const world = halfDown();
    const asked = world.command(drain('a', 'c'));
    world.pass(50_000);
    expect(world.state.migrations.size).toBe(0);
    expect(world.replies.has(asked)).toBe(false);
    for (const node of world.nodes.values()) node.mute.clear();
    for (const { node, message } of world.sent) {
      if (message.kind !== 'resumeShards') continue;
      const shards = message.shards.filter(({ shardId }) => {
        const shard = world.shard(shardId);
        return shard.kind === 'starting' && shard.node === node;
      });
      world.nodes.get(node)!.receive({ ...message, shards });
    }
    world.pass(1_000);
    expect(world.replies.get(asked)).toMatchObject({ ok: true });
    expect(world.truth()).toEqual({ c: [0, 1, 2, 3, 4, 5, 6, 7] });
  });

  test('a drain that waits for too long stops, and says what it waited for', () => {
    const world = halfDown();
    const asked = world.command(drain('a', 'c'));
    world.pass(61_000);
    expect(world.replies.get(asked)).toMatchObject({
      error: {
        code: 'DSO_OPERATION_FAILED',
        message: expect.stringMatching(/60000 ms: 0 shard\(s\) are moving and 4 are down, and maxUnavailable allows 2/),
      },
    });
  });

  test('a shard that an operator moves waits, too, but not for long', () => {
    const world = halfDown();
    const asked = world.command({ kind: 'migrateShard', shard: 7, destination: 'c' });
    world.pass(21_000);
    expect(world.replies.get(asked)).toMatchObject({ error: { code: 'DSO_BUDGET_USED_UP', fault: 'conflict' } });
    expect(world.shard(7)).toMatchObject({ kind: 'running', node: 'a' });
  });

  test('shards that are down are started nevertheless', () => {
    const world = halfDown();
    expect(world.state.shards.filter(({ kind }) => kind === 'starting')).toHaveLength(4);
  });
});

test('shards that nobody wants up do not count against it', () => {
  const world = new World({ ensureAllShardsRunning: false, maxUnavailable: { count: 1 } }).start();
  world.pass(25_000);
  expect(disruptionOf(world.state)).toMatchObject({ down: 0 });
});
