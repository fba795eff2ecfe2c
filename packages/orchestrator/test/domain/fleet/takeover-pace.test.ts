import { describe, expect, test } from 'vitest';
import { World } from '../world.js';
import type { WorldOptions } from '../world.js';

/** `count` shards on `a`, whose nodes `b` and `c` are empty and take their time to resume what they are given. */
function fleet(count: number, options: WorldOptions = {}): World {
  const gateway = { shards: count, maxConcurrency: count };
  const world = new World({ totalShards: count, gateway, ...options }).start();
  world.join('a');
  world.pass(60_000);
  for (const id of ['b', 'c']) world.join(id).mute.add('resumeShards');
  world.pass(6_000);
  expect(world.truth()).toEqual({ a: [...Array(count).keys()] });
  return world;
}

function startingOn(world: World, id: string): number[] {
  return world.state.shards.flatMap((shard, n) => (shard.kind === 'starting' && shard.node === id ? [n] : []));
}

/** Everything that is being resumed now is resumed. */
function resumeAll(world: World): void {
  const under = new Map(['b', 'c'].map((id) => [id, startingOn(world, id)]));
  for (const [id, shards] of under) {
    const node = world.nodes.get(id)!;
    for (const shard of shards) {
      node.running.add(shard);
      node.send({ kind: 'startShards', shardIds: [shard] });
    }
  }
  world.settle();
}

describe('the shards of a node that died', () => {
  test.each([
    { shards: 96, takeoversPerNode: 16, rounds: 3 },
    { shards: 30, takeoversPerNode: 16, rounds: 1 },
    { shards: 10, takeoversPerNode: 1, rounds: 5 },
  ])(
    '$shards are resumed $takeoversPerNode at once by each of two survivors',
    ({ rounds, shards, takeoversPerNode }) => {
      const world = fleet(shards, { takeoversPerNode });
      world.kill(world.nodes.get('a')!);
      world.settle();
      let count = 0;
      for (; world.state.shards.some(({ kind }) => kind !== 'running'); count += 1) {
        const under = [startingOn(world, 'b').length, startingOn(world, 'c').length];
        expect(Math.max(...under)).toBeLessThanOrEqual(takeoversPerNode);
        // Neither waits while the other one works.
        expect(Math.abs(under[0]! - under[1]!)).toBeLessThanOrEqual(1);
        resumeAll(world);
      }
      // No round more than it takes.
      expect(count).toBe(rounds);
      const loads = ['b', 'c'].map((id) => world.placement()[id]?.length ?? 0);
      expect(Math.abs(loads[0]! - loads[1]!)).toBeLessThanOrEqual(1);
      for (const id of ['b', 'c']) expect(world.nodes.get(id)!.identifies).toEqual([]);
    },
  );

  test('do not all go to the node that is empty because it is new', () => {
    const world = fleet(40, { takeoversPerNode: 5 });
    for (const shard of [0, 1, 2, 3, 4, 5, 6, 7]) world.ask({ kind: 'migrateShard', shard, destination: 'b' });
    world.kill(world.nodes.get('a')!);
    world.settle();
    expect([startingOn(world, 'b').length, startingOn(world, 'c').length]).toEqual([5, 5]);
  });
});
