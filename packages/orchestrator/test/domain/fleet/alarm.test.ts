import { describe, expect, test } from 'vitest';
import { World } from '../world.js';
import { cutOffFrom, fleetOn, powerOff, shardsOn, startsOf } from './hosts.js';

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

// It was refused before, with "ask again then": two commands where people are in a hurry.
test('an operator who reads the alarm before a silent node is cut off is obeyed at once', () => {
  const world = fleet({ heartbeatIntervalMs: 5_000 });
  for (const id of ['a', 'b']) world.nodes.get(id)!.alive = false;
  world.pass(11_000);
  expect(world.state.alarm).toMatchObject({ silent: ['a', 'b'] });
  expect(world.state.nodes.get('a')?.connection.kind).toBe('connected');
  expect(world.ask({ kind: 'takeOverNode', node: 'a' })).toMatchObject({ ok: true, data: { shards: [0, 1] } });
  expect(world.closed.at(-1)).toMatchObject({ code: 'DSO_NODE_DECLARED_DEAD' });
  world.pass(1_000);
  expect(world.state.nodes.get('a')?.connection).toMatchObject({ kind: 'disconnected', gone: true });
  for (const shard of [0, 1]) expect(world.shard(shard)).toMatchObject({ kind: 'running' });
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

describe('on several hosts', () => {
  const THREE = { h1: ['a', 'b'], h2: ['c', 'd'], h3: ['e', 'f'] };

  // Before hosts were looked at: three of four nodes ended with their host, the alarm held everything up, and somebody
  // had to get up and say of each node that it is dead.
  test('a host that is lost is taken over after the usual wait, though most nodes were on it', () => {
    const world = fleetOn({ h1: ['a', 'b', 'c'], h2: ['d'] }, { maxNodeDowntimeMs: 30_000 });
    powerOff(world, 'a', 'b', 'c');
    world.pass(60_000);
    expect(world.recorded('alarmRaised')).toEqual([]);
    expect(world.truth()).toEqual({ d: [0, 1, 2, 3, 4, 5, 6, 7] });
    expect(world.nodes.get('d')!.identifies).toEqual([]);
  });

  test('one of three hosts takes its share with it and no more, and the others resume that', () => {
    const world = fleetOn(THREE, { maxNodeDowntimeMs: 30_000 });
    powerOff(world, 'c', 'd');
    world.pass(60_000);
    expect(shardsOn(world, 'a', 'b', 'e', 'f')).toEqual([...Array(12).keys()]);
    for (const id of ['a', 'b', 'e', 'f']) expect(world.truth()[id]).toHaveLength(3);
    expect(world.recorded('alarmRaised')).toEqual([]);
  });

  test('most hosts silent at once: nothing is taken over, and the alarm names them and what to do', () => {
    const world = fleetOn(THREE, { maxNodeDowntimeMs: 30_000 });
    powerOff(world, 'a', 'b', 'c', 'd');
    world.pass(LONG_MS);
    expect(world.state.alarm).toMatchObject({ silent: ['a', 'b', 'c', 'd'], hosts: ['h1', 'h2'] });
    const [raised] = world.recorded('alarmRaised');
    expect(raised?.text).toContain('2 of 3 hosts are silent (h1, h2; 4 of 6 nodes)');
    expect(raised?.text).toContain('`dso takeover --host h1`');
    expect(world.state.shards.slice(0, 8).every(({ kind }) => kind === 'unreachable')).toBe(true);
  });

  test('most nodes of each host are silent: that is us, too', () => {
    const world = fleetOn({ h1: ['a', 'b', 'c'], h2: ['d', 'e', 'f'] }, { maxNodeDowntimeMs: 30_000 });
    cutOffFrom(world, 'a', 'b', 'd', 'e');
    world.pass(LONG_MS);
    expect(world.state.alarm).toMatchObject({ hosts: ['h1', 'h2'] });
  });

  test('two small hosts of three are taken over while most nodes are heard', () => {
    const world = fleetOn({ h1: ['a'], h2: ['b'], h3: ['c', 'd', 'e'] }, { maxNodeDowntimeMs: 30_000 });
    powerOff(world, 'a', 'b');
    world.pass(60_000);
    expect(world.recorded('alarmRaised')).toEqual([]);
    expect(shardsOn(world, 'c', 'd', 'e')).toEqual([...Array(10).keys()]);
  });

  test('nodes that name no host stand for themselves, beside those that do', () => {
    const world = fleetOn({ h1: ['a'], '': ['b', 'c', 'd'] }, { maxNodeDowntimeMs: 30_000 });
    cutOffFrom(world, 'b', 'c', 'd');
    expect(world.state.alarm).toMatchObject({ hosts: ['node b', 'node c', 'node d'] });
    expect(world.recorded('alarmRaised').at(-1)?.text).toContain('`dso takeover <node>`');
  });

  // The orchestrator is on h1, and the link to the two others is cut.
  test('hosts that come back from a partition keep what is theirs, and nothing is doubled', () => {
    const world = fleetOn(THREE, { maxNodeDowntimeMs: 30_000 });
    const before = startsOf(world);
    cutOffFrom(world, 'c', 'd', 'e', 'f');
    world.pass(LONG_MS);
    for (const id of ['c', 'd', 'e', 'f']) world.connect(world.nodes.get(id)!);
    world.pass(5_000);
    expect(world.state.alarm).toBeNull();
    expect(world.truth()).toEqual({ a: [0, 1], b: [2, 3], c: [4, 5], d: [6, 7], e: [8, 9], f: [10, 11] });
    expect(startsOf(world)).toEqual(before);
  });

  test('a host that was cut off for too long comes back, lets go, and gets its share by a rebalance', () => {
    const world = fleetOn(THREE, { maxNodeDowntimeMs: 30_000, rebalance: 'join' });
    cutOffFrom(world, 'e', 'f');
    world.pass(60_000);
    expect(shardsOn(world, 'a', 'b', 'c', 'd')).toEqual([...Array(12).keys()]);
    for (const id of ['e', 'f']) world.connect(world.nodes.get(id)!);
    world.settle();
    expect(shardsOn(world, 'e', 'f')).toEqual([]);
    world.pass(60_000);
    const all = [...world.nodes.keys()];
    expect(shardsOn(world, ...all)).toEqual([...Array(12).keys()]);
    for (const id of all) expect(world.truth()[id]).toHaveLength(2);
    expect(world.recorded('shardConflict').map(({ fields }) => fields['shard'])).toEqual([8, 9, 10, 11]);
  });
});
