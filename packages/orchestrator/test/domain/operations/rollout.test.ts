import { describe, expect, test } from 'vitest';
import { drain, rollout, World } from '../world.js';
import type { WorldOptions } from '../world.js';
import type { ModelNode } from '../model-node.js';

function twoRunning(options: WorldOptions = {}): World {
  const world = new World(options);
  world.join('a');
  world.join('b');
  world.start();
  world.pass(25_000);
  world.ask(drain('a', 'b'));
  for (const shard of [0, 2]) world.ask({ kind: 'migrateShard', shard, destination: 'a' });
  expect(world.truth()).toEqual({ a: [0, 2], b: [1, 3] });
  for (const node of world.nodes.values()) node.identifies = [];
  return world;
}

describe('a rollout', () => {
  test('replaces every node that has shards by a launched one, and no shard identifies', () => {
    const world = twoRunning({ canLaunch: true });
    const request = world.command(rollout);
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true, data: { nodes: 2 } });
    expect(world.truth()).toEqual({ 'launched-1': [0, 2], 'launched-2': [1, 3] });
    expect([...world.nodes.values()].flatMap(({ identifies }) => identifies)).toEqual([]);
    expect([world.nodes.get('a')?.alive, world.nodes.get('b')?.alive]).toEqual([false, false]);
    expect(world.state.operations.size).toBe(0);
  });

  test('starts what is down on the new node when the rest of its bucket is to move there: neither waits for the other', () => {
    const world = new World({ canLaunch: true, bucketSize: 2, maxUnavailable: { count: 1 }, maxNodeDowntimeMs: 4_000 });
    world.join('a');
    world.start();
    world.pass(25_000);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    world.nodes.get('a')!.mute.add('transferOpen');
    const request = world.command(rollout);
    world.settle();
    expect(world.state.migrations.size).toBe(1);
    world.command({ kind: 'stopShard', shard: 3 });
    world.pass(6_000);
    expect(world.truth()).toEqual({ a: [0, 1, 2], 'launched-1': [3] });
    world.nodes.get('a')!.mute.clear();
    world.pass(120_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect(world.truth()).toEqual({ 'launched-1': [0, 1, 2, 3] });
  });

  test('keeps as many nodes up as are to be, not one more', () => {
    const world = new World({ canLaunch: true, nodes: 2 }).start();
    world.pass(25_000);
    expect(world.truth()).toEqual({ 'launched-1': [0, 1], 'launched-2': [2, 3] });
    expect(world.ask(rollout)).toMatchObject({
      ok: true,
    });
    world.pass(60_000);
    expect(world.truth()).toEqual({ 'launched-3': [0, 1], 'launched-4': [2, 3] });
    expect(world.recorded('nodeLaunching')).toHaveLength(4);
  });

  test('uses an empty node that is there already', () => {
    const world = twoRunning();
    world.join('free');
    const result = world.ask(rollout);
    // One free node for two nodes: the first is replaced, the second has nowhere to go.
    expect(result).toMatchObject({ ok: false, error: { code: 'DSO_OPERATION_FAILED' } });
    expect(world.truth()).toEqual({ b: [1, 3], free: [0, 2] });
  });

  test('counts what is yet to come as of the new node: a shard that was down goes to one with fewer', () => {
    const world = new World({ totalShards: 6, maxUnavailable: { count: 1 }, maxNodeDowntimeMs: 4_000 });
    for (const node of ['a', 'b']) world.join(node);
    world.start();
    world.pass(40_000);
    world.ask(drain('a', 'b'));
    for (const shard of [0, 2, 4]) world.ask({ kind: 'migrateShard', shard, destination: 'a' });
    expect(world.truth()).toEqual({ a: [0, 2, 4], b: [1, 3, 5] });
    world.join('free');
    world.nodes.get('a')!.mute.add('transferOpen');
    world.command(rollout);
    world.settle();
    const b = world.nodes.get('b')!;
    b.mute.add('stopShard');
    world.command({ kind: 'stopShard', shard: 5 });
    b.running.delete(5);
    b.send({ kind: 'stopShard', shardId: 5, session: null });
    world.pass(6_000);
    expect(world.truth()).toEqual({ a: [0, 2, 4], b: [1, 3, 5] });
  });

  test('moves nothing to an empty node that is as old: that one is replaced first', () => {
    const world = twoRunning({ canLaunch: true, nodes: 3 });
    world.pass(60_000);
    const before = [...world.nodes.values()].filter(({ alive }) => alive);
    expect(before.filter(({ running }) => running.size === 0).length).toBeGreaterThan(0);
    expect(world.ask(rollout)).toMatchObject({
      ok: true,
      data: { nodes: before.length },
    });
    world.pass(60_000);
    expect(before.some(({ alive }) => alive)).toBe(false);
    expect([...world.nodes.values()].filter(({ alive }) => alive)).toHaveLength(3);
    expect(Object.values(world.truth()).filter((shards) => shards.length > 0)).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  test('goes to an empty node of another version before it launches one', () => {
    const world = twoRunning({ canLaunch: true });
    world.join('new', { version: 'v2' });
    expect(world.ask(rollout)).toMatchObject({
      ok: true,
      data: { nodes: 2 },
    });
    expect(world.truth()).toEqual({ new: [0, 2], 'launched-1': [1, 3] });
  });

  // Found by the demo of two orchestrators on a busy machine: all shards had started on the one node that was there
  // first, and the rollout moved them to the empty one beside it, of the old version, which it then left.
  test('goes to nodes of another version first where others start the nodes', () => {
    const world = new World();
    world.join('a', { version: 'v1' });
    world.start();
    world.pass(25_000);
    world.join('old-empty', { version: 'v1' });
    world.join('new', { version: 'v2' });
    expect(world.ask(rollout)).toMatchObject({ ok: true });
    expect(world.truth()).toMatchObject({ new: [0, 1, 2, 3] });
  });

  test('gives what has not been started yet to the new node, and nothing to an empty one that is as old', () => {
    const gateway = { shards: 4, maxConcurrency: 16, total: 1_000, remaining: 0, resetAfterMs: 120_000 };
    const world = new World({ canLaunch: true, gateway });
    world.join({ id: 'old', baseLevel: true });
    world.start();
    world.pass(25_000);
    world.join({ id: 'spare', baseLevel: true });
    world.settle();
    // All wait for their IDENTIFYs, so there is nothing to move.
    for (const shard of world.state.shards) expect(shard).toMatchObject({ node: 'old', step: 'queued' });
    world.version('v2');
    expect(world.ask(rollout)).toMatchObject({ ok: true, data: { nodes: 2, moved: 0 } });
    world.gateway = { ...gateway, remaining: 1_000 };
    world.pass(120_000);
    expect(world.truth()).toEqual({ 'launched-1': [0, 1, 2, 3] });
    expect([...world.nodes.values()].flatMap(({ id, alive }) => (alive ? [id] : []))).toEqual(['launched-1']);
  });

  test('is refused when there is nowhere to go', () => {
    const world = twoRunning();
    expect(world.ask(rollout)).toMatchObject({
      error: { code: 'DSO_NO_FREE_NODE', fault: 'conflict' },
    });
  });

  test('is done when there is nothing to replace', () => {
    expect(new World().start().ask(rollout)).toMatchObject({ ok: true });
  });

  test('refuses a second one, and says how far the first is', () => {
    const world = twoRunning({ canLaunch: true, launches: 'hang' });
    world.ask(rollout);
    expect(world.ask(rollout)).toMatchObject({
      error: { code: 'DSO_ROLLOUT_RUNNING' },
    });
    expect([...world.state.operations.values()][0]).toMatchObject({
      done: [],
      waiting: ['b'],
      phase: 'surging',
      pairs: [{ old: 'a', new: null }],
    });
  });

  test.each(['fail', 'die', 'hang'] as const)(
    'stops when a new node does not come up (%s), and leaves all running',
    (launches) => {
      const world = twoRunning({ canLaunch: true, launches });
      const request = world.command(rollout);
      world.pass(60_000);
      expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_OPERATION_FAILED' } });
      expect(world.truth()).toEqual({ a: [0, 2], b: [1, 3] });
      expect(world.state.operations.size).toBe(0);
    },
  );

  test('stops when a node does not shut down, and says so', () => {
    const world = twoRunning({ canLaunch: true });
    world.nodes.get('a')?.mute.add('shutdown');
    const request = world.command(rollout);
    world.pass(20_000);
    expect(JSON.stringify(world.replies.get(request))).toContain('did not shut down in time');
    expect(world.truth()).toEqual({ b: [1, 3], 'launched-1': [0, 2] });
  });

  // An old node whose connection was lost for a moment when its last shard had moved was said not to have shut down in
  // time. Nobody had told it to; it came back, and stayed.
  describe('when an old node is away at the end', () => {
    /** The last shard of `a` has moved, and `a` has no connection. */
    function away(): { world: World; request: string; a: ModelNode } {
      const world = twoRunning({ canLaunch: true, maxNodeDowntimeMs: 4_000 });
      const a = world.nodes.get('a')!;
      const request = world.command(rollout);
      while (world.truth()['launched-1'] === undefined && world.deliver(() => 0));
      world.nodes.get('launched-1')!.mute.add('transferActivate');
      world.settle();
      expect(world.truth()['a']).toBeUndefined();
      world.disconnect(a);
      world.nodes.get('launched-1')!.mute.clear();
      for (const message of world.sentTo('launched-1', 'transferActivate').slice(-1))
        world.nodes.get('launched-1')!.receive(message);
      world.settle();
      return { world, request, a };
    }

    test('waits for the node, and tells it when it is back', () => {
      const { world, request, a } = away();
      expect(world.replies.get(request)).toBeUndefined();
      world.connect(a);
      world.pass(1_000);
      expect(world.replies.get(request)).toMatchObject({ ok: true });
      expect(a.alive).toBe(false);
    });

    test('says so when it does not come back in time', () => {
      const { world, request } = away();
      world.pass(5_000);
      expect(JSON.stringify(world.replies.get(request))).toContain(
        'node a is away, and could not be told to shut down',
      );
    });
  });

  test('skips a node that died before its turn', () => {
    const world = twoRunning({ canLaunch: true });
    world.nodes.get('a')?.mute.add('transferOpen');
    const request = world.command(rollout);
    world.settle();
    world.kill(world.nodes.get('b')!);
    world.nodes.get('a')?.mute.clear();
    world.pass(60_000);
    // The two moves that were stuck failed once, and were tried again.
    expect(world.replies.get(request)).toMatchObject({ ok: true, data: { nodes: 2 } });
    expect(world.nodes.get('a')?.alive).toBe(false);
    expect(
      Object.values(world.truth())
        .flat()
        .toSorted((x, y) => x - y),
    ).toEqual([0, 1, 2, 3]);
  });
});

function rolloutsOf(world: World): unknown[] {
  return world.recorded('operationStarted').filter(({ fields }) => fields['kind'] === 'rollout');
}

describe('a rollout that a bot asks for', () => {
  function asked(options: WorldOptions) {
    const world = twoRunning({ canLaunch: true, ...options });
    world.nodes.get('a')!.send({ kind: 'rolloutRequest', requestId: '7' });
    world.settle();
    return { world, answers: world.sentTo('a', 'rolloutAnswer') };
  }

  test('is refused unless the settings allow it, and the setting is named', () => {
    const { world, answers } = asked({});
    expect(answers).toMatchObject([{ requestId: '7', code: 'DSO_NODES_MAY_NOT_ROLLOUT' }]);
    expect(answers[0]).toMatchObject({ message: expect.stringContaining('nodesMayRollout') });
    expect(rolloutsOf(world)).toEqual([]);
  });

  test('begins where the settings allow it, and the history says which bot wanted it', () => {
    const { world, answers } = asked({ nodesMayRollout: true });
    expect(answers).toMatchObject([{ code: '', message: expect.stringMatching(/Replacing 2 nodes.*operation r/) }]);
    expect(rolloutsOf(world)).toMatchObject([{ by: 'node a' }]);
    expect(world.truth()).toEqual({ 'launched-1': [0, 2], 'launched-2': [1, 3] });
  });

  test('is refused while another one is under way', () => {
    const { world, answers } = asked({ nodesMayRollout: true, launches: 'hang' });
    expect(answers).toHaveLength(1);
    world.nodes.get('b')!.send({ kind: 'rolloutRequest', requestId: '1' });
    world.settle();
    expect(world.sentTo('b', 'rolloutAnswer')).toMatchObject([{ code: 'DSO_ROLLOUT_RUNNING' }]);
  });
});
