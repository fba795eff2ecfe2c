import { describe, expect, test } from 'vitest';
import { drain, World } from '../world.js';
import type { WorldOptions } from '../world.js';

/** Shards 0–3 on `a`; `b` is empty. */
function twoNodes(options: WorldOptions & { baseLevel?: boolean } = {}): World {
  const { baseLevel = false, ...settings } = options;
  const world = new World(settings).start();
  world.join({ id: 'a', baseLevel });
  world.pass(25_000);
  world.join({ id: 'b', baseLevel });
  return world;
}

const draining = drain('a', 'b');

describe('a node gives up its shards', () => {
  test.each([
    ['ours', false, 4],
    ['base level, one at a time', true, 1],
  ])('moves all of them to the destination between nodes that are %s', (_, baseLevel, atOnce) => {
    const world = twoNodes({ baseLevel });
    const b = world.nodes.get('b')!;
    b.mute.add('transferOpen').add('prepareMigration');
    const request = world.command(draining);
    world.settle();
    expect(world.state.migrations.size).toBe(atOnce);
    b.mute.clear();
    const unanswered = b.received.filter(({ kind }) => kind === 'transferOpen' || kind === 'prepareMigration');
    for (const message of unanswered) b.receive(message);
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true, data: { moved: 4, failed: 0 } });
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expect(b.identifies).toEqual([]);
    expect(world.state.nodes.get('a')?.connection.kind).toBe('connected');
  });

  test('is shut down after that when that was asked for', () => {
    const world = twoNodes();
    expect(world.ask(drain('a', 'b', { shutdown: true }))).toMatchObject({
      ok: true,
      data: { moved: 4, shutdown: true },
    });
    expect(world.nodes.get('a')?.alive).toBe(false);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
  });

  test('is done at once when it has none', () => {
    const world = twoNodes();
    expect(world.ask(drain('b', 'a'))).toMatchObject({
      ok: true,
      data: { moved: 0 },
    });
  });

  test('gives up also those that are still starting when it begins', () => {
    const world = new World().start();
    const a = world.join('a');
    a.mute.add('startShards');
    world.settle();
    world.join('b');
    const request = world.command(draining);
    world.settle();
    expect(world.replies.has(request)).toBe(false);
    a.mute.clear();
    for (const message of a.received.filter(({ kind }) => kind === 'startShards')) a.receive(message);
    world.pass(25_000);
    expect(world.replies.get(request)).toMatchObject({ ok: true, data: { moved: 4 } });
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
  });

  test('gets no new ones meanwhile', () => {
    const world = twoNodes({ maxNodeDowntimeMs: 1_000 });
    const b = world.nodes.get('b')!;
    world.ask({ kind: 'stopShard', shard: 0 });
    b.mute.add('transferOpen');
    world.command(drain('a', 'b'));
    world.pass(2_000);
    expect(world.shard(0)).toMatchObject({ node: 'b' });
  });
});

describe('a shard that does not move', () => {
  test('is tried once more before it is given up', () => {
    const world = twoNodes();
    const b = world.nodes.get('b')!;
    b.fail.add('transferOpen');
    const request = world.command(draining);
    while (world.recorded('migrationFailed').length === 0) expect(world.deliver(() => 0)).toBe(true);
    b.fail.clear();
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true, data: { moved: 4 } });
  });

  test('stays when it failed twice, is named, and the node is not shut down', () => {
    const world = twoNodes();
    world.nodes.get('b')?.fail.add('transferOpen');
    const result = world.ask(drain('a', 'b', { shutdown: true }));
    expect(result).toMatchObject({ ok: false, error: { code: 'DSO_OPERATION_FAILED', fault: 'fleet' } });
    expect(JSON.stringify(result)).toContain('0, 1, 2, 3');
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
    expect(world.sentTo('a', 'shutdown')).toEqual([]);
  });
});

describe('a drain ends with a reason', () => {
  test.each([
    ['its destination is lost', 'b', { a: [0, 1, 2, 3] }],
    ['its origin is lost', 'a', { b: [0, 1, 2, 3] }],
  ] as const)('fails when %s, and leaves the shards where they are', (_, lost, left) => {
    const world = twoNodes();
    world.nodes.get('b')?.mute.add('transferOpen');
    const request = world.command(draining);
    world.settle();
    world.nodes.get('b')?.mute.clear();
    world.kill(world.nodes.get(lost)!);
    world.pass(30_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_OPERATION_FAILED' } });
    expect(world.truth()).toEqual(left);
  });

  test.each([
    ['an unknown node', drain('z', 'b'), 'DSO_UNKNOWN_NODE'],
    ['the same node', drain('a', 'a'), 'DSO_SAME_NODE'],
    ['a node that is drained already', draining, 'DSO_NODE_BUSY'],
    ['a node that is being filled', drain('b', 'a'), 'DSO_NODE_BUSY'],
  ])('is refused when it would be of %s', (_, command, code) => {
    const world = twoNodes();
    world.nodes.get('b')?.mute.add('transferOpen');
    world.ask(draining);
    expect(world.ask(command)).toMatchObject({ ok: false, error: { code } });
    expect(world.state.operations.size).toBe(1);
  });
});
