import { describe, expect, test } from 'vitest';
import { forgetNode } from '../../../src/domain/fleet/lost.js';
import { Transaction } from '../../../src/domain/state/transaction.js';
import { operationOf } from '../../../src/http/operation-status.js';
import { drain, World } from '../world.js';
import type { WorldOptions } from '../world.js';

/** All shards on `a`; `b` and `c` are empty. */
function threeNodes(options: WorldOptions = {}): World {
  const world = new World({ totalShards: 8, ...options }).start();
  world.join('a');
  world.pass(25_000);
  world.join('b');
  world.join('c');
  world.settle();
  return world;
}

function identifies(world: World): number[] {
  return [...world.nodes.values()].flatMap(({ id, identifies: theirs }) => (id === 'a' ? [] : theirs));
}

describe('a drain without a destination', () => {
  test('spreads the shards over all other nodes, live, those with the fewest first', () => {
    const world = threeNodes();
    expect(world.ask(drain('a', null))).toMatchObject({ ok: true, data: { moved: 8, failed: 0, destination: null } });
    expect([world.truth()['b']?.length, world.truth()['c']?.length, world.truth()['a']]).toEqual([4, 4, undefined]);
    expect(identifies(world)).toEqual([]);
    expect(world.nodes.get('a')?.alive).toBe(true);
  });

  test('evens out what the others have already', () => {
    const world = threeNodes();
    for (const shard of [0, 1]) world.ask({ kind: 'migrateShard', shard, destination: 'b' });
    world.ask(drain('a', null));
    expect([world.truth()['b']?.length, world.truth()['c']?.length]).toEqual([4, 4]);
  });

  test('takes several nodes at once, and puts no shard of one on another', () => {
    const world = threeNodes();
    world.join('d');
    for (const shard of [0, 1, 2, 3]) world.ask({ kind: 'migrateShard', shard, destination: 'b' });
    expect(world.ask(drain(['a', 'b'], null, { shutdown: true }))).toMatchObject({ ok: true, data: { moved: 8 } });
    expect([world.truth()['c']?.length, world.truth()['d']?.length]).toEqual([4, 4]);
    expect(['a', 'b'].map((id) => world.nodes.get(id)?.alive)).toEqual([false, false]);
    expect(identifies(world)).toEqual([]);
  });

  test('gives nothing to a node that is cordoned, being drained, or kept for another operation', () => {
    const world = threeNodes({ totalShards: 4 });
    world.join('d');
    world.join('e');
    world.ask({ kind: 'cordonNode', node: 'b' });
    world.nodes.get('d')?.mute.add('transferOpen');
    world.ask({ kind: 'migrateShard', shard: 0, destination: 'c' });
    world.command(drain('c', 'd'));
    world.settle();
    world.ask(drain('a', null));
    expect(world.truth()).toEqual({ c: [0], e: [1, 2, 3] });
  });

  test('keeps to maxShardsPerNode, and says so when it gives up', () => {
    const world = threeNodes({ maxShardsPerNode: 3, budgetTimeoutMs: 5_000 });
    world.pass(60_000);
    expect(world.truth()).toEqual({ a: [0, 1, 2], b: [3, 4, 5], c: [6, 7] });
    const request = world.command(drain('a', null));
    world.pass(1_000);
    expect(operationOf(world.state, [...world.state.operations.keys()][0]!, world.now)).toMatchObject({
      waitsFor: expect.stringContaining('maxShardsPerNode'),
    });
    world.pass(30_000);
    expect(world.replies.get(request)).toMatchObject({
      error: { code: 'DSO_OPERATION_FAILED', message: expect.stringContaining('maxShardsPerNode') },
    });
    expect([world.truth()['b']?.length, world.truth()['c']?.length]).toEqual([3, 3]);
  });

  test('launches a node where there is no other, and is refused where none can be launched', () => {
    const alone = new World().start();
    alone.join('a');
    alone.pass(25_000);
    expect(alone.ask(drain('a', null))).toMatchObject({
      error: { code: 'DSO_NO_FREE_NODE', message: expect.stringContaining('4 shards of node a') },
    });
    const launching = new World({ canLaunch: true }).start();
    launching.pass(25_000);
    expect(launching.ask(drain('launched-1', null))).toMatchObject({ ok: true, data: { moved: 4 } });
    expect(launching.truth()).toEqual({ 'launched-2': [0, 1, 2, 3] });
  });

  test('goes on when one of several origins is lost, and says which one it was', () => {
    const world = threeNodes({ maxNodeDowntimeMs: 600_000 });
    for (const shard of [0, 1, 2, 3]) world.ask({ kind: 'migrateShard', shard, destination: 'b' });
    world.nodes.get('c')?.mute.add('transferOpen');
    const request = world.command(drain(['a', 'b'], null));
    world.settle();
    const c = world.nodes.get('c')!;
    world.disconnect(world.nodes.get('b')!);
    c.mute.clear();
    for (const message of c.received.filter(({ kind }) => kind === 'transferOpen')) c.receive(message);
    world.pass(60_000);
    expect(world.replies.get(request)).toMatchObject({
      error: { code: 'DSO_OPERATION_FAILED', message: expect.stringContaining('node b was lost') },
    });
    expect(world.truth()['c']).toEqual([4, 5, 6, 7]);
  });

  test('goes on after a restart of the orchestrator', () => {
    const world = threeNodes({ migrationsPerNode: 1 });
    world.nodes.get('b')?.mute.add('transferOpen');
    world.command(drain('a', null, { deadline: 3_600_000 }));
    world.settle();
    world.crash();
    for (const node of world.nodes.values()) {
      node.mute.clear();
      world.connect(node);
    }
    world.pass(60_000);
    expect([world.truth()['b']?.length, world.truth()['c']?.length]).toEqual([4, 4]);
    expect(world.recorded('operationEnded').at(-1)).toMatchObject({ fields: { outcome: 'done' } });
  });
});

describe('a drain with a deadline', () => {
  test('moves nothing further when its time is up, lets what is under way arrive, and says what stays', () => {
    const world = threeNodes({ migrationsPerNode: 1 });
    const b = world.nodes.get('b')!;
    b.mute.add('transferOpen');
    const request = world.command(drain('a', null, { deadline: 10_000, shutdown: true }));
    world.pass(9_000);
    expect(world.replies.has(request)).toBe(false);
    world.pass(2_000);
    b.mute.clear();
    for (const message of b.received.filter(({ kind }) => kind === 'transferOpen')) b.receive(message);
    world.settle();
    expect(world.replies.get(request)).toMatchObject({
      error: {
        code: 'DSO_OPERATION_FAILED',
        message: expect.stringMatching(/its deadline of 10 s has passed\. Node a keeps 7 shards/),
      },
    });
    expect(world.nodes.get('a')?.alive).toBe(true);
  });

  test('keeps its deadline through a restart of the orchestrator', () => {
    const world = threeNodes({ migrationsPerNode: 1, migrationStepTimeoutMs: 3_000 });
    for (const id of ['b', 'c']) world.nodes.get(id)?.mute.add('transferOpen');
    world.command(drain('a', null, { deadline: 10_000 }));
    world.settle();
    world.crash();
    for (const node of world.nodes.values()) world.connect(node);
    world.pass(15_000);
    expect(world.recorded('operationEnded').at(-1)?.text).toMatch(/its deadline of 10 s has passed/);
  });
});

/** The time was up while no orchestrator ran; the next one began a move before it looked at the time. */
test('a drain whose time is up when the orchestrator is back moves nothing further', () => {
  const world = threeNodes({ migrationsPerNode: 1 });
  for (const id of ['b', 'c']) world.nodes.get(id)?.mute.add('transferOpen');
  world.command(drain('a', null, { deadline: 10_000 }));
  world.settle();
  world.now += 20_000;
  world.crash();
  for (const node of world.nodes.values()) {
    node.mute.clear();
    world.connect(node);
  }
  world.pass(60_000);
  expect(world.truth()).toEqual({ a: [0, 1, 2, 3, 4, 5, 6, 7] });
  expect(world.recorded('operationEnded').at(-1)?.text).toMatch(/its deadline of 10 s has passed/);
});

describe('shutting down a node', () => {
  /** Of 12 shards beside an empty node, 12 identified anew, and their caches were lost. */
  test('shutdownnode beside an empty node drains the node first: nothing is identified', () => {
    const world = new World({ totalShards: 12 }).start();
    world.join('a');
    world.pass(25_000);
    world.join('b');
    expect(world.ask({ kind: 'shutdownNode', node: 'a', now: false })).toMatchObject({ ok: true, data: { moved: 12 } });
    expect(world.nodes.get('a')?.alive).toBe(false);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] });
    expect(identifies(world)).toEqual([]);
  });

  test('does at once where the node is empty, or is shutting down already', () => {
    const world = threeNodes();
    expect(world.ask({ kind: 'shutdownNode', node: 'b', now: false })).toMatchObject({ ok: true });
    expect(world.recorded('operationStarted')).toEqual([]);
    world.nodes.get('c')?.mute.add('shutdown');
    const first = world.command({ kind: 'shutdownNode', node: 'c', now: true });
    const second = world.command({ kind: 'shutdownNode', node: 'c', now: false });
    world.kill(world.nodes.get('c')!);
    expect([first, second].map((request) => world.replies.get(request)?.ok)).toEqual([true, true]);
  });

  test('leaves the node as it is when no other can take its shards, and names the hard way', () => {
    const world = new World().start();
    world.join('a');
    world.pass(25_000);
    expect(world.ask({ kind: 'shutdownNode', node: 'a', now: false })).toMatchObject({
      error: { code: 'DSO_NO_FREE_NODE', message: expect.stringContaining('--now') },
    });
    expect(world.nodes.get('a')?.alive).toBe(true);
  });

  test('at once says what that costs', () => {
    const world = threeNodes();
    expect(world.ask({ kind: 'shutdownNode', node: 'a', now: true })).toMatchObject({
      ok: true,
      message: expect.stringMatching(/8 shards stopped with it, .*without what was in its memory/),
    });
  });
});

test('what a drain launched may be there before the nodes of an earlier run are back', () => {
  const world = new World({ canLaunch: true, startupGraceMs: 10_000, skipStartupGraceMaxShards: 0 });
  for (const id of ['a', 'b']) world.join(id);
  world.start();
  world.pass(25_000);
  world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
  world.crash();
  world.connect(world.nodes.get('a')!);
  const request = world.command({ kind: 'shutdownNode', node: 'a', now: false });
  world.settle();
  expect(world.state.graceUntil).not.toBeNull();
  expect(world.nodes.get('launched-1')?.alive).toBe(true);
  world.connect(world.nodes.get('b')!);
  world.pass(120_000);
  expect(world.replies.get(request)).toMatchObject({ ok: true });
  expect(world.truth()['a']).toBeUndefined();
});

// The last shard was long on the way, its node gone, and the node forgotten, though the drain still named it.
test('a node is not forgotten while a drain has to do with it', () => {
  const world = threeNodes({ totalShards: 1 });
  world.nodes.get('b')!.mute.add('transferOpen');
  world.nodes.get('c')!.mute.add('transferOpen');
  world.command(drain('a', null));
  world.settle();
  const tx = new Transaction(world.state, world.now);
  const node = tx.node('a')!;
  expect(tx.shardsOf('a')).toEqual([]);
  forgetNode(tx, node);
  expect(tx.node('a')).toBeDefined();
});
