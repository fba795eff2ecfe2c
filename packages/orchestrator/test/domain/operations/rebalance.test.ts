import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OperatorCommand } from '../../../src/domain/state/commands.js';
import { drain, World } from '../world.js';
import type { WorldOptions } from '../world.js';

const rebalance: OperatorCommand = { kind: 'startOperation', plan: { kind: 'rebalance' }, answer: 'ended' };

/** All shards on `a`; what is automatic is on unless `options` say otherwise. */
function fleet(others: readonly string[], options: WorldOptions = {}): World {
  const world = new World({ totalShards: 12, rebalance: 'join', ...options }).start();
  world.join('a');
  world.pass(25_000);
  for (const id of others) world.join(id);
  world.settle();
  return world;
}

function loads(world: World): number[] {
  const connected = [...world.nodes.values()].filter(({ alive, connection }) => alive && connection !== null);
  return connected.map(({ running }) => running.size).toSorted((a, b) => a - b);
}

function moves(world: World): number {
  return world.recorded('migrationStarted').length;
}

describe('shards are spread without anybody asking', () => {
  test('when nodes join: filled to the average, live, with no move too many, and nothing after that', () => {
    const world = fleet(['b', 'c']);
    world.pass(10_000);
    expect([loads(world), moves(world)]).toEqual([[4, 4, 4], 8]);
    expect(['b', 'c'].map((id) => world.nodes.get(id)?.identifies)).toEqual([[], []]);
    world.join('d');
    world.pass(10_000);
    expect([loads(world), moves(world)]).toEqual([[3, 3, 3, 3], 11]);
    world.pass(3 * 3_600_000);
    expect(moves(world)).toBe(11);
  });

  test('node dies; its replacement gets its share', () => {
    const world = fleet(['b', 'c']);
    world.pass(10_000);
    world.kill(world.nodes.get('c')!);
    world.pass(10_000);
    expect(loads(world)).toEqual([6, 6]);
    world.join('c');
    world.pass(10_000);
    expect(loads(world)).toEqual([4, 4, 4]);
    expect(moves(world)).toBe(8 + 4);
  });

  test('fleet restarted, 3 nodes: even, though the first one took all shards', () => {
    const world = fleet(['b', 'c'], { rebalance: 'off' });
    world.pass(60_000);
    expect(loads(world)).toEqual([0, 0, 12]);
    world.state = { ...world.state, settings: { ...world.state.settings, rebalance: 'join' } };
    world.crash();
    for (const node of world.nodes.values()) world.connect(node);
    world.pass(60_000);
    expect(loads(world)).toEqual([4, 4, 4]);
  });

  test.each<[string, WorldOptions, (world: World) => void]>([
    ['it is switched off', { rebalance: 'off' }, () => undefined],
    [
      'most nodes are silent',
      { heartbeatIntervalMs: 5_000 },
      (world) => {
        for (const id of ['b', 'c']) world.nodes.get(id)!.mute.add('heartbeat');
        for (const id of ['b', 'c']) world.disconnect(world.nodes.get(id)!);
      },
    ],
    [
      'nodes run different versions',
      {},
      (world) => {
        world.disconnect(world.nodes.get('c')!);
        world.disconnect(world.nodes.get('b')!);
        world.connect(world.nodes.get('b')!, { version: 'v9' });
      },
    ],
    [
      'the nodes are cordoned',
      {},
      (world) => {
        for (const node of ['b', 'c']) world.command({ kind: 'cordonNode', node });
      },
    ],
    ['every node has shards of its own', { bucketsPerNode: 12 }, () => undefined],
  ])('not while %s', (_, options, make) => {
    const world = fleet(['b', 'c'], options);
    make(world);
    world.pass(20_000);
    expect(moves(world)).toBe(0);
  });

  test('not while a shard is down, but as soon as all are up', () => {
    const world = fleet([], { maxNodeDowntimeMs: 20_000 });
    world.ask({ kind: 'stopShard', shard: 0 });
    world.nodes.get('a')?.mute.add('startShards').add('resumeShards');
    world.join('b');
    const before = world.now;
    world.pass(5_000);
    expect(world.now - before).toBeGreaterThanOrEqual(5_000);
    world.nodes.get('a')?.mute.clear();
    world.pass(120_000);
    expect(loads(world)).toEqual([6, 6]);
  });

  test('makes way at once for what an operator asks for; what is under way arrives', () => {
    const world = fleet(['b', 'c'], { migrationsPerNode: 1 });
    for (const id of ['b', 'c']) world.nodes.get(id)!.mute.add('transferOpen');
    world.pass(10_000);
    expect([...world.state.operations.values()].map(({ kind }) => kind)).toEqual(['rebalance']);
    const request = world.command(drain('a', null));
    expect([...world.state.operations.values()].map(({ kind }) => kind)).toEqual(['drain']);
    for (const id of ['b', 'c']) {
      const node = world.nodes.get(id)!;
      node.mute.clear();
      for (const message of node.received.filter(({ kind }) => kind === 'transferOpen')) node.receive(message);
    }
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect(world.truth()['a']).toBeUndefined();
    expect(world.recorded('operationEnded')[0]).toMatchObject({ level: 'info', by: 'automatic' });
  });

  test('mends what has far more than the average, a few shards at a time, and not again for a while', () => {
    const world = fleet(['b', 'c'], { totalShards: 30, rebalance: 'off' });
    world.ask(rebalance);
    for (const shard of world.truth()['b']!) world.ask({ kind: 'migrateShard', shard, destination: 'a' });
    world.ask({ kind: 'migrateShard', shard: world.truth()['a']![0]!, destination: 'b' });
    world.pass(11 * 60_000);
    const before = moves(world);
    world.state = { ...world.state, settings: { ...world.state.settings, rebalance: 'join' } };
    world.pass(60_000);
    expect(moves(world) - before).toBe(1);
    world.pass(5 * 60_000);
    expect(moves(world) - before).toBe(2);
  });

  test('moves that fail are not tried over and over: after five minutes again, or when a node joins', () => {
    const world = fleet(['b']);
    world.nodes.get('b')?.fail.add('transferOpen');
    world.pass(60_000);
    const tried = moves(world);
    expect(world.recorded('operationEnded')).toHaveLength(1);
    world.pass(3 * 60_000);
    expect([loads(world), moves(world)]).toEqual([[0, 12], tried]);
    world.join('c');
    world.pass(10_000);
    expect(world.truth()['c']).toHaveLength(4);
    world.nodes.get('b')?.fail.clear();
    world.pass(6 * 60_000);
    expect(loads(world)).toEqual([4, 4, 4]);
  });

  test('nodes that come and go do not keep shards on the move', () => {
    const world = fleet(['b'], { totalShards: 4 });
    for (let turn = 0; turn < 20; turn += 1) {
      world.pass(10_000);
      world.kill(world.nodes.get('b')!);
      world.pass(10_000);
      world.join('b');
    }
    // In ten minutes a handful at most, of two shards each.
    expect(moves(world)).toBeLessThanOrEqual(12);
  });
});

test('rates that swing by a tenth move nothing, also where a heavy shard makes the weights uneven', () => {
  const world = fleet(['b', 'c'], { rebalance: 'auto' });
  world.pass(20_000);
  const counts = Array.from({ length: 12 }, () => 0);
  const before = moves(world);
  for (let minute = 0; minute < 180; minute += 1) {
    for (const node of world.nodes.values()) {
      for (const shard of node.running) {
        const usual = shard === 0 ? 29 : 10;
        const swing = minute % 2 === shard % 2 ? 1.1 : 0.9;
        counts[shard] = (counts[shard] ?? 0) + Math.round(usual * swing * 60);
        node.phases.set(shard, { events: counts[shard] });
      }
    }
    world.pass(60_000);
  }
  expect(moves(world) - before).toBe(0);
});

describe('dso rebalance', () => {
  test('spreads shards to within one, and says so; asked again there is nothing to do', () => {
    const world = fleet(['b', 'c', 'd', 'e'], { rebalance: 'off' });
    expect(world.ask(rebalance)).toMatchObject({
      ok: true,
      message: expect.stringMatching(/^Moved 9 shards .*5 nodes with 2 to 3 shards/),
      data: { moved: 9, failed: 0 },
    });
    expect(loads(world)).toEqual([2, 2, 2, 3, 3]);
    expect(world.ask(rebalance)).toMatchObject({ ok: true, data: { operation: null } });
    expect(moves(world)).toBe(9);
  });

  test('keeps the shards of a bucket together, and to maxShardsPerNode', () => {
    const world = fleet(['b', 'c'], { rebalance: 'off', bucketSize: 4 });
    world.ask(rebalance);
    expect(loads(world)).toEqual([4, 4, 4]);
    for (const shards of Object.values(world.truth())) {
      expect(new Set(shards.map((shard) => Math.floor(shard / 4))).size).toBe(1);
    }
  });

  test('is refused while something else says where shards go', () => {
    const world = fleet(['b', 'c'], { rebalance: 'off' });
    world.nodes.get('c')?.mute.add('transferOpen');
    world.command(drain('a', 'c'));
    world.settle();
    expect(world.ask(rebalance)).toMatchObject({ ok: false, error: { code: 'DSO_NODE_BUSY' } });
  });

  test('tries a shard twice, then says which ones did not move', () => {
    const world = fleet(['b'], { rebalance: 'off' });
    world.nodes.get('b')?.fail.add('transferOpen');
    expect(world.ask(rebalance)).toMatchObject({
      error: { code: 'DSO_OPERATION_FAILED', message: expect.stringContaining('could not move') },
    });
    expect(world.state.operations.size).toBe(0);
    expect(loads(world)).toEqual([0, 12]);
  });

  test('is cancelled like every operation, and goes on after a restart of the orchestrator', () => {
    const world = fleet(['b', 'c'], { rebalance: 'off', migrationsPerNode: 1 });
    for (const id of ['b', 'c']) world.nodes.get(id)!.mute.add('transferOpen');
    world.command(rebalance);
    world.settle();
    world.crash();
    for (const node of world.nodes.values()) {
      node.mute.clear();
      world.connect(node);
    }
    world.pass(60_000);
    expect(loads(world)).toEqual([4, 4, 4]);
    for (const id of ['b', 'c'])
      for (const shard of world.truth()[id]!) world.ask({ kind: 'migrateShard', shard, destination: 'a' });
    for (const id of ['b', 'c']) world.nodes.get(id)!.mute.add('transferOpen');
    const request = world.command(rebalance);
    world.settle();
    const [operation] = world.state.operations.keys();
    world.command({ kind: 'cancelOperation', operation: operation! });
    world.pass(120_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_OPERATION_CANCELLED' } });
  });
});

/** The promise in one sentence: whatever joins, leaves and dies, moves stop, and every node has its share. */
test('moves stop, and the spread is at most one, after any joins and losses', () => {
  const step = fc.record({ kind: fc.constantFrom('join', 'kill', 'back', 'pass'), pick: fc.nat({ max: 9 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.constantFrom(4, 7, 12, 16), (steps, totalShards) => {
      const world = fleet(['b'], { totalShards, maxNodeDowntimeMs: 5_000 });
      let next = 0;
      for (const { kind, pick } of steps) {
        const alive = [...world.nodes.values()].filter((node) => node.alive);
        const dead = [...world.nodes.values()].filter((node) => !node.alive);
        if (kind === 'join' && alive.length < 6) world.join(`n${(next += 1)}`);
        if (kind === 'kill' && alive.length > 1) world.kill(alive[pick % alive.length]!);
        if (kind === 'back' && dead.length > 0) world.join(dead[pick % dead.length]!.id);
        world.pass(kind === 'pass' ? 60_000 : 3_000);
      }
      world.pass(15 * 60_000);
      const settled = moves(world);
      const [least = 0] = loads(world);
      expect((loads(world).at(-1) ?? 0) - least).toBeLessThanOrEqual(1);
      world.pass(3_600_000);
      expect(moves(world)).toBe(settled);
    }),
    { numRuns: 15 },
  );
});

test('what moved a moment ago is remembered over a restart of the orchestrator', () => {
  const world = new World({ rebalance: 'join', totalShards: 8 });
  world.join('a');
  world.start();
  world.pass(40_000);
  world.join('b');
  world.pass(60_000);
  const { moved, begunAt } = world.state.balance;
  expect(moved.size).toBe(4);
  world.crash();
  expect(world.state.balance).toMatchObject({ moved, begunAt });
});

test('zones and hosts of nodes that are away are remembered over a restart of the orchestrator', () => {
  const world = new World({ totalShards: 2 });
  world.join('a', { host: 'h1', zone: 'z1' });
  world.start();
  world.pass(40_000);
  world.crash();
  expect(world.state.nodes.get('a')).toMatchObject({ host: 'h1', zone: 'z1' });
});
