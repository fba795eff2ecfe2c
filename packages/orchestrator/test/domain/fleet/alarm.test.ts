import { describe, expect, test } from 'vitest';
import { World } from '../world.js';

/** Six shards, two each on `a`, `b` and `c`. */
function fleet(options: ConstructorParameters<typeof World>[0] = {}): World {
  const world = new World({ totalShards: 6, ...options });
  for (const id of ['a', 'b', 'c']) world.join(id);
  world.start();
  world.pass(60_000);
  for (const [shard, destination] of ['a', 'a', 'b', 'b', 'c', 'c'].entries()) {
    world.ask({ kind: 'migrateShard', shard, destination });
  }
  expect(world.truth()).toEqual({ a: [0, 1], b: [2, 3], c: [4, 5] });
  return world;
}

const LONG_MS = 600_000;

function silence(world: World, ...ids: string[]): void {
  for (const id of ids) world.disconnect(world.nodes.get(id)!);
}

describe('most nodes fall silent', () => {
  test('nothing is taken from them, and an alarm says so', () => {
    const world = fleet();
    silence(world, 'a', 'b');
    expect(world.state.alarm).toMatchObject({ silent: ['a', 'b'] });
    expect(world.recorded('alarmRaised')).toMatchObject([
      { level: 'error', by: 'automatic', fields: { silent: ['a', 'b'], heard: ['c'] } },
    ]);
    world.pass(LONG_MS);
    expect(world.state.shards.slice(0, 4).map(({ kind }) => kind)).toEqual(Array(4).fill('unreachable'));
    expect(world.truth()).toEqual({ a: [0, 1], b: [2, 3], c: [4, 5] });
    expect(world.recorded('alarmRaised')).toHaveLength(1);
  });

  test('no node is launched in the place of those that are silent', () => {
    const world = fleet({ canLaunch: true, nodes: 3, expectedNodes: ['a', 'b', 'c'] });
    silence(world, 'a', 'b');
    world.pass(LONG_MS);
    expect(world.recorded('nodeLaunching')).toEqual([]);
  });

  test('no node is launched in the place of one that is still on its way back when the alarm is over', () => {
    const world = fleet({ canLaunch: true, nodes: 3, expectedNodes: ['a', 'b', 'c'], maxNodeDowntimeMs: 30_000 });
    silence(world, 'a', 'b');
    world.pass(LONG_MS);
    world.connect(world.nodes.get('a')!);
    world.pass(29_000);
    expect(world.state.alarm).toBeNull();
    expect(world.recorded('nodeLaunching')).toEqual([]);
    world.pass(2_000);
    expect(world.recorded('nodeLaunching')).toHaveLength(1);
  });

  test('no shard is moved while the alarm is on', () => {
    const world = fleet();
    for (const id of ['d', 'e']) world.join(id);
    world.ask({ kind: 'migrateShard', shard: 5, destination: 'd' });
    silence(world, 'a', 'b', 'd');
    const asked = world.command({ kind: 'migrateShard', shard: 4, destination: 'e' });
    world.pass(21_000);
    expect(world.replies.get(asked)).toMatchObject({
      error: { code: 'DSO_BUDGET_USED_UP', message: expect.stringContaining('most nodes are silent') },
    });
  });

  test('nodes that come back keep their shards, and the rest has its whole downtime again', () => {
    const world = fleet({ maxNodeDowntimeMs: 30_000 });
    silence(world, 'a', 'b');
    world.pass(LONG_MS);
    world.connect(world.nodes.get('a')!);
    world.settle();
    expect(world.state.alarm).toBeNull();
    expect(world.recorded('alarmCleared')).toMatchObject([{ fields: { silent: ['b'] } }]);
    world.pass(29_000);
    expect(world.truth()).toEqual({ a: [0, 1], b: [2, 3], c: [4, 5] });
    world.pass(2_000);
    expect(world.state.shards.slice(2, 4)).not.toContainEqual(expect.objectContaining({ kind: 'unreachable' }));
  });

  test('a node that has only gone quiet counts before it is cut off', () => {
    const world = fleet({ maxNodeDowntimeMs: 11_000, heartbeatIntervalMs: 5_000 });
    silence(world, 'a');
    // Half open: nothing comes from b any more, and nobody has noticed yet.
    const b = world.nodes.get('b')!;
    world.pass(100);
    b.alive = false;
    world.pass(LONG_MS);
    expect(world.recorded('alarmRaised')).toHaveLength(1);
    expect(world.shard(0)).toMatchObject({ kind: 'unreachable', node: 'a' });
  });

  test('an operator can say who is dead, and only those nodes are taken over', () => {
    const world = fleet();
    silence(world, 'a', 'b');
    world.nodes.get('a')!.die();
    expect(world.ask({ kind: 'takeOverNode', node: 'c' })).toMatchObject({ error: { code: 'DSO_NODE_CONNECTED' } });
    expect(world.ask({ kind: 'takeOverNode', node: 'z' })).toMatchObject({ error: { code: 'DSO_UNKNOWN_NODE' } });
    expect(world.ask({ kind: 'takeOverNode', node: 'a' })).toMatchObject({ ok: true, data: { shards: [0, 1] } });
    expect(world.recorded('nodeGone').at(-1)).toMatchObject({ by: 'alice', fields: { node: 'a' } });
    world.pass(1_000);
    expect(world.truth()).toMatchObject({ b: [2, 3], c: [0, 1, 4, 5] });
    expect(world.nodes.get('c')!.identifies).toEqual([]);
  });
});

test('an operator who reads the alarm before a silent node is cut off is told when that is', () => {
  const world = fleet({ heartbeatIntervalMs: 5_000 });
  for (const id of ['a', 'b']) world.nodes.get(id)!.alive = false;
  world.pass(11_000);
  expect(world.state.alarm).toMatchObject({ silent: ['a', 'b'] });
  expect(world.state.nodes.get('a')?.connection.kind).toBe('connected');
  expect(world.ask({ kind: 'takeOverNode', node: 'a' })).toMatchObject({
    error: { code: 'DSO_NODE_CONNECTED', message: expect.stringContaining('three heartbeats: ask again then') },
  });
  world.pass(5_000);
  expect(world.ask({ kind: 'takeOverNode', node: 'a' })).toMatchObject({ ok: true, data: { shards: [0, 1] } });
  world.pass(1_000);
  expect(world.truth()).toMatchObject({ c: [0, 1, 4, 5] });
});

describe('no alarm', () => {
  test.each<[name: string, make: (world: World) => void]>([
    ['when one of three is silent', (world) => silence(world, 'a')],
    [
      'when most are known to be dead',
      (world) => {
        for (const id of ['a', 'b']) world.kill(world.nodes.get(id)!);
      },
    ],
    ['when half of them are silent', (world) => (world.join('d'), silence(world, 'a', 'b'))],
  ])('is raised %s', (_, make) => {
    const world = fleet();
    make(world);
    expect(world.state.alarm).toBeNull();
    world.pass(LONG_MS);
    expect(world.state.shards.every(({ kind }) => kind === 'running')).toBe(true);
  });

  test('is raised while a restarted orchestrator waits for its nodes; after that, there is one', () => {
    const world = fleet();
    world.crash();
    world.pass(5_000);
    expect(world.state.alarm).toBeNull();
    world.connect(world.nodes.get('c')!);
    world.pass(30_000);
    expect(world.state.alarm).toMatchObject({ silent: ['a', 'b'] });
  });
});
