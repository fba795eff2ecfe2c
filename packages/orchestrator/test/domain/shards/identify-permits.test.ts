import { describe, expect, test } from 'vitest';
import { World } from '../world.js';

/**
 * When each IDENTIFY was allowed, in milliseconds from the start: for ours by a permit, for base-level nodes by
 * startShards.
 */
function timeline(world: World, ms: number): Record<number, number> {
  const began = world.now;
  const at: Record<number, number> = {};
  const look = (): void => {
    for (const node of world.nodes.values()) for (const shard of node.identifies) at[shard] ??= world.now - began;
  };
  look();
  for (let passed = 0; passed < ms; passed += 100) {
    world.pass(100);
    look();
  }
  return at;
}

describe('identify permits', () => {
  test('are granted one per key and window', () => {
    const world = new World({ totalShards: 5, gateway: { shards: 5, maxConcurrency: 2 } }).start();
    world.join('a');
    world.settle();
    expect(timeline(world, 12_000)).toEqual({ 0: 0, 1: 0, 2: 5_000, 3: 5_000, 4: 10_000 });
  });

  test('are granted from one budget to base-level nodes and ours', () => {
    const world = new World({ gateway: { shards: 4, maxConcurrency: 1 } }).start();
    world.join({ id: 'a', baseLevel: true });
    world.join('b');
    world.settle();
    const at = Object.values(timeline(world, 20_000));
    expect(at.sort((x, y) => x - y)).toEqual([0, 5_000, 10_000, 15_000]);
    expect(world.truth()).toEqual(world.placement());
    expect(Object.values(world.truth()).flat()).toHaveLength(4);
  });

  test('wait a little for Discord to say max_concurrency, then go by one', () => {
    const world = new World();
    world.feed({ kind: 'started' });
    const a = world.join('a');
    // The answer is not delivered: only messages of the node are.
    while (world.deliver((choices) => choices - 1) && world.state.gateway.kind === 'asking');
    expect(world.state.gateway.kind).toBe('known');
    world.settle();
    expect(a.identifies).toEqual([0, 1, 2, 3]);

    const failing = new World({ gateway: null }).start();
    const b = failing.join('b');
    failing.settle();
    expect(b.identifies).toEqual([0]);
  });

  test('are given up when their end is never reported', () => {
    const world = new World({ totalShards: 2, gateway: { shards: 2, maxConcurrency: 1 } }).start();
    const a = world.join('a');
    a.mute.add('identifyGranted');
    world.settle();
    expect(world.state.identifies.keys[0]?.holder).toEqual({ node: 'a', shard: 0 });
    world.pass(59_999);
    expect(world.sentTo('a', 'identifyGranted')).toHaveLength(1);
    world.pass(1);
    expect(world.sentTo('a', 'identifyGranted')).toHaveLength(2);
  });

  test('are dropped when their node is away, and its window runs', () => {
    const world = new World({ totalShards: 4, gateway: { shards: 4, maxConcurrency: 1 } }).start();
    const a = world.join('a');
    a.mute.add('identifyGranted');
    world.settle();
    expect(world.state.identifies.waiting).toHaveLength(3);
    world.disconnect(a);
    expect(world.state.identifies.waiting).toEqual([]);
    expect(world.state.identifies.keys[0]).toEqual({ holder: null, freeAt: world.now + 5_000 });
  });

  test('are cancelled by identifyFinished, also before they are granted', () => {
    const world = new World({ totalShards: 2, gateway: { shards: 2, maxConcurrency: 1 } }).start();
    const a = world.join('a');
    world.settle();
    expect(world.state.identifies.waiting.map(({ shard }) => shard)).toEqual([1]);
    a.send({ kind: 'identifyFinished', shardId: 1, ready: false });
    world.pass(20_000);
    expect(a.identifies).toEqual([0]);
  });

  test('keep the windows that run when max_concurrency changes', () => {
    const world = new World({ gateway: null }).start();
    const a = world.join('a');
    world.settle();
    expect(a.identifies).toEqual([0]);
    world.gateway = { shards: 4, maxConcurrency: 4 };
    world.pass(1_000);
    expect(world.state.identifies.maxConcurrency).toBe(4);
    expect(a.identifies).toEqual([0]);
    world.pass(4_000);
    expect(a.identifies).toEqual([0, 1, 2, 3]);
  });

  test('stop when the session-start budget is used up, until it is full again', () => {
    const world = new World({ identifyReserve: 0 });
    world.gateway = null;
    world.feed({ kind: 'started' });
    world.feed({
      kind: 'gatewayInfo',
      recommendedShards: 4,
      maxConcurrency: 4,
      identifiesTotal: 1_000,
      identifiesRemaining: 3,
      resetAfterMs: 90_000,
    });
    const a = world.join('a');
    world.pass(80_000);
    expect(a.identifies).toEqual([0, 1, 2]);
    world.pass(10_001);
    expect(a.identifies).toEqual([0, 1, 2, 3]);
  });

  test('are held for one window at the start when nodes of an earlier run may live', () => {
    // An orchestrator was killed right after it had let a node identify; the next one granted the same key at once.
    const world = new World({
      totalShards: 2,
      gateway: { shards: 2, maxConcurrency: 1 },
      expectedNodes: ['a'],
    }).start();
    world.join('a');
    world.settle();
    expect(timeline(world, 12_000)).toEqual({ 0: 5_000, 1: 10_000 });
  });

  test('start the window of their key when they are of an earlier run and end in READY', () => {
    const world = new World({ totalShards: 2, gateway: { shards: 2, maxConcurrency: 2 }, nodes: 0 }).start();
    const a = world.join('a');
    a.mute.add('identifyGranted');
    world.settle();
    a.send({ kind: 'identifyFinished', shardId: 0, ready: false });
    world.pass(10_000);
    a.send({ kind: 'identifyFinished', shardId: 0, ready: true });
    world.settle();
    expect(world.state.identifies.keys[0]).toEqual({ holder: null, freeAt: world.now + 5_000 });
  });

  test('survive the late answer to an earlier stop when they are of a queued start', () => {
    // A base-level node did not answer a resume in time; it was told to stop the shard, which then stood in the queue
    // to be started on the same node. The answer to the stop took it out of the queue, and nobody started it any more.
    const world = new World({ totalShards: 2, gateway: { shards: 2, maxConcurrency: 1 } }).start();
    const a = world.join({ id: 'a', baseLevel: true });
    world.settle();
    expect(world.shard(1)).toMatchObject({ kind: 'starting', node: 'a', step: 'queued' });
    a.send({ kind: 'stopShard', shardId: 1, session: null });
    world.pass(6_000);
    expect(world.placement()).toEqual({ a: [0, 1] });
  });
});
