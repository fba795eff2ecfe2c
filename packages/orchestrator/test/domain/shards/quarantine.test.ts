import { describe, expect, test } from 'vitest';
import { World } from '../world.js';
import type { WorldOptions } from '../world.js';

/** Ten shards on each of three launched nodes. */
function fleet(options: WorldOptions = {}): World {
  const world = new World({
    totalShards: 30,
    canLaunch: true,
    nodes: 3,
    launchRetryMs: 1_000,
    takeoversPerNode: 4,
    gateway: { shards: 30, maxConcurrency: 16 },
    ...options,
  }).start();
  world.pass(120_000);
  expect(world.state.shards.every(({ kind }) => kind === 'running')).toBe(true);
  return world;
}

/** Every node that runs the shard dies of it. @returns how many did. */
function poison(world: World, shard: number, ms: number): number {
  let crashes = 0;
  for (let passed = 0; passed < ms; passed += 500) {
    for (const node of world.nodes.values()) {
      if (!node.alive || !node.running.has(shard)) continue;
      world.kill(node);
      crashes += 1;
    }
    world.pass(500);
  }
  return crashes;
}

const up = (world: World): number => world.state.shards.filter(({ kind }) => kind === 'running').length;

describe('a shard that kills node after node', () => {
  test('is quarantined, reported, and not passed on; everything else runs', () => {
    const world = fleet();
    // The first node had run it for long: that death is not held against it.
    expect(poison(world, 7, 120_000)).toBe(4);
    expect(world.shard(7)).toMatchObject({ kind: 'vacant' });
    expect(up(world)).toBe(29);
    expect(world.recorded('shardQuarantined')).toMatchObject([{ level: 'error', fields: { shard: 7 } }]);
    expect([...world.state.crashRecords.keys()]).toEqual([7]);
  });

  test('stays quarantined over a restart, until an operator releases it', () => {
    const world = fleet();
    poison(world, 7, 120_000);
    world.crash();
    for (const node of world.nodes.values()) if (node.alive) world.connect(node);
    world.pass(60_000);
    expect(world.shard(7)).toMatchObject({ kind: 'vacant' });
    expect(up(world)).toBe(29);
    const [node] = [...world.nodes.values()].filter(({ alive }) => alive);
    expect(world.ask({ kind: 'startShards', node: node!.id, shards: [7] })).toMatchObject({
      error: { code: 'DSO_SHARD_QUARANTINED' },
    });
    expect(world.ask({ kind: 'unquarantine', shards: [7] })).toMatchObject({ ok: true });
    world.pass(30_000);
    expect(up(world)).toBe(30);
    expect(world.recorded('shardUnquarantined')).toMatchObject([{ by: 'alice', fields: { shard: 7 } }]);
    expect(world.ask({ kind: 'unquarantine', shards: [7] })).toMatchObject({
      error: { code: 'DSO_SHARD_NOT_QUARANTINED' },
    });
  });

  test('costs one more node, and no other shard, when it is released too early', () => {
    const world = fleet();
    poison(world, 7, 120_000);
    world.pass(60_000);
    expect(world.ask({ kind: 'unquarantine', shards: [7] })).toMatchObject({ ok: true });
    expect(poison(world, 7, 60_000)).toBe(1);
    expect(world.recorded('shardQuarantined').map(({ fields }) => fields['shard'])).toEqual([7, 7]);
    world.pass(60_000);
    expect(up(world)).toBe(29);
    expect([...world.state.crashRecords.keys()]).toEqual([7]);
  });

  test('is passed on for ever where that is wanted', () => {
    const world = fleet({ quarantineAfter: 0 });
    expect(poison(world, 7, 60_000)).toBeGreaterThan(5);
    expect(world.state.crashRecords.get(7)?.quarantinedAt ?? null).toBeNull();
  });
});

/** Every node dies so long after it connected, whatever it runs. */
function alwaysDie(world: World, ms: number, during: number): void {
  const born = new Map<string, number>();
  for (const end = world.now + during; world.now < end; world.pass(250)) {
    for (const node of world.nodes.values()) {
      if (!node.alive) continue;
      const at = born.get(node.id) ?? world.now;
      born.set(node.id, at);
      if (world.now - at >= ms) world.kill(node);
    }
  }
}

describe('a bot that dies whatever it runs', () => {
  // A crash loop of the bot quarantined 12 of 12 shards, one by one; each took a command when the bot was repaired.
  test.each([500, 4_000, 12_000])(
    'has none of its shards quarantined, and all are back by themselves (%i ms)',
    (ms) => {
      const world = fleet({
        nodes: 1,
        totalShards: 12,
        gateway: { shards: 12, maxConcurrency: 1 },
        maxNodeDowntimeMs: 10_000,
      });
      alwaysDie(world, ms, 1_800_000);
      world.pass(900_000);
      expect(up(world)).toBe(12);
      expect([...world.state.crashRecords.values()].filter(({ quarantinedAt }) => quarantinedAt !== null)).toEqual([]);
    },
  );

  test('loses a small share of its shards at most, and when more would go it is told to be the bot', () => {
    const world = fleet();
    for (const shard of [3, 17, 24]) poison(world, shard, 180_000);
    const quarantined = world.recorded('shardQuarantined').map(({ fields }) => fields['shard']);
    // One of thirty.
    expect(quarantined).toEqual([3]);
    expect(world.recorded('botBlamed')).toMatchObject([{ level: 'error', fields: { shards: [3] } }]);
    world.pass(600_000);
    expect(up(world)).toBe(30);
    expect(world.state.crashRecords.size).toBe(0);
  });
});

describe('a quarantine', () => {
  test('is lifted by a node of another version, where the shard is tried, once for each version', () => {
    const world = fleet();
    poison(world, 7, 120_000);
    expect(world.state.crashRecords.get(7)?.quarantinedAt).not.toBeNull();
    world.join('same');
    world.settle();
    expect(world.shard(7).kind).toBe('vacant');
    world.join('newer', { version: 'v2' });
    world.pass(15_000);
    expect(world.recorded('shardUnquarantined')[0]?.text).toContain('version v2 of the bot is there');
    expect(world.shard(7)).toMatchObject({ kind: 'running', node: 'newer' });
    expect(world.state.crashRecords.size).toBe(0);
  });

  test('comes back at the next crash, and the same version does not lift it again', () => {
    const world = fleet();
    poison(world, 7, 120_000);
    world.join('newer', { version: 'v2' });
    // The shard takes a moment to start there.
    world.now += 100;
    expect(poison(world, 7, 30_000)).toBe(1);
    expect(world.state.crashRecords.get(7)?.quarantinedAt).not.toBeNull();
    world.join('newest', { version: 'v2' });
    world.pass(30_000);
    expect(world.shard(7).kind).toBe('vacant');
    expect(up(world)).toBe(29);
  });

  test('is lifted by an operator for ranges and for all, and says which it was', () => {
    const world = fleet();
    poison(world, 7, 120_000);
    expect(world.ask({ kind: 'unquarantine', shards: [8, 9] })).toMatchObject({
      error: { code: 'DSO_SHARD_NOT_QUARANTINED', message: 'None of these shards is quarantined.' },
    });
    expect(world.ask({ kind: 'unquarantine', shards: [0, 1, 7, 11] })).toMatchObject({
      ok: true,
      message: 'Shard 7 may start again.',
      data: { shards: [7] },
    });
    expect(world.ask({ kind: 'unquarantine', shards: null })).toMatchObject({
      error: { message: 'No shard is quarantined.' },
    });
  });
});

test('a poisonous shard of the only node is found out, too: the others were seen to run well', () => {
  const world = fleet({ nodes: 1, totalShards: 12, gateway: { shards: 12, maxConcurrency: 16 } });
  poison(world, 7, 900_000);
  expect(world.recorded('shardQuarantined').map(({ fields }) => fields['shard'])).toEqual([7]);
  world.pass(300_000);
  expect(up(world)).toBe(11);
});

test('nodes that die for other reasons cost no shard anything', () => {
  const world = fleet();
  for (let round = 0; round < 6; round += 1) {
    const [node] = [...world.nodes.values()].filter(({ alive }) => alive);
    world.kill(node!);
    world.pass(15_000);
  }
  expect(world.recorded('shardQuarantined')).toEqual([]);
  world.pass(60_000);
  expect(world.state.crashRecords.size).toBe(0);
  expect(up(world)).toBe(30);
});

test('a node that was away and comes back did not die', () => {
  const world = fleet();
  const [first, second] = [...world.nodes.values()];
  world.ask({ kind: 'migrateShard', shard: [...first!.running][0]!, destination: second!.id });
  world.pass(1_000);
  world.disconnect(second!);
  expect(world.state.crashRecords.size).toBe(1);
  world.connect(second!);
  world.settle();
  expect(world.state.crashRecords.size).toBe(0);
});

test.each([
  ['another process under the same id: the one before died', 2, ['b']],
  ['the same process: it was only away', 1, []],
])('a crash is counted when a process died, and not when it was away: %s', (_, pid, crashes) => {
  const world = new World({ totalShards: 4 }).start();
  world.join('a');
  world.pass(25_000);
  const b = world.join('b', { pid: 1, host: 'h' });
  world.pass(1_000);
  world.ask({ kind: 'migrateShard', shard: 2, destination: 'b' });
  world.pass(1_000);
  world.kill(b, { noticed: false });
  world.join({ id: 'b', instance: pid === 1 ? b.instance : 'another' }, { pid, host: 'h' });
  expect((world.state.crashRecords.get(2)?.crashes ?? []).map(({ node }) => node)).toEqual(crashes);
});
