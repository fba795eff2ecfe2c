/**
 * An orchestrator that crashed and is started again on its store: whom it waits for, what it places, and what goes on.
 */
import { describe, expect, test } from 'vitest';
import { restoredState } from '../../../src/domain/durable/restore.js';
import type { OrchestratorState } from '../../../src/domain/state/state.js';
import { drain, rollout, World } from '../world.js';

/** Two nodes with two shards each, and everything started. */
function fleet(options: ConstructorParameters<typeof World>[0] = {}): World {
  const world = new World({ expectedNodes: null, maxShardsPerNode: null, ...options }).start();
  world.join('a');
  world.join('b');
  world.pass(60_000);
  expect(world.placement()).toEqual({ a: [0, 2], b: [1, 3] });
  return world;
}

const kinds = ({ shards }: OrchestratorState): string[] =>
  shards.map((shard) => ('node' in shard ? `${shard.kind} ${shard.node}` : shard.kind));

describe('after a crash', () => {
  test('shards are unreachable at their nodes, and the grace is over as soon as those are back', () => {
    const world = fleet();
    world.crash();
    expect(kinds(world.state)).toEqual(['unreachable a', 'unreachable b', 'unreachable a', 'unreachable b']);
    expect(world.state.awaitedNodes).toEqual(['a', 'b']);
    world.connect(world.nodes.get('a')!);
    world.settle();
    expect(world.state.graceUntil).not.toBeNull();
    const sent = world.sent.length;
    world.connect(world.nodes.get('b')!);
    world.settle();
    expect(world.state.graceUntil).toBeNull();
    expect(world.placement()).toEqual({ a: [0, 2], b: [1, 3] });
    // Nobody was told to start or stop anything.
    expect(world.sent.slice(sent).filter(({ message }) => /start|stop|prepare/i.test(message.kind))).toEqual([]);
  });

  test('the shards of a node that died meanwhile are placed at once, those of one that is silent after its downtime', () => {
    const dead = fleet();
    dead.crash();
    dead.connect(dead.nodes.get('a')!);
    dead.settle();
    expect(dead.placement()).toEqual({ a: [0, 2] });
    dead.feed({ kind: 'processExited', node: 'b', description: 'ended' });
    dead.pass(0);
    expect(kinds(dead.state).filter((kind) => kind.endsWith(' b'))).toEqual([]);

    const silent = fleet();
    silent.crash();
    silent.connect(silent.nodes.get('a')!);
    silent.pass(silent.state.settings.maxNodeDowntimeMs - 1_000);
    expect(kinds(silent.state).filter((kind) => kind === 'unreachable b')).toHaveLength(2);
    silent.pass(60_000);
    expect(silent.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  // Found by `npm run chaos -- --only orchestrator-kill-in-move`: after 12 s without an orchestrator a node waited 4 s
  // for its next attempt to connect, maxNodeDowntime was 3 s, and its shards were taken over while it served them:
  // thousands of events came twice.
  test('a node that is late, but not later than the grace, keeps its shards however short maxNodeDowntime is', () => {
    const world = fleet({ maxNodeDowntimeMs: 3_000, startupGraceMs: 5_000 });
    world.crash();
    world.connect(world.nodes.get('a')!);
    const sent = world.sent.length;
    world.pass(4_500);
    world.connect(world.nodes.get('b')!);
    world.settle();
    world.pass(10_000);
    expect(world.placement()).toEqual({ a: [0, 2], b: [1, 3] });
    expect(world.sent.slice(sent).filter(({ message }) => /start|stop|prepare/i.test(message.kind))).toEqual([]);
  });

  test('a shard nobody ever had is placed without waiting for the grace', () => {
    const world = new World({ expectedNodes: null, totalShards: 2, ensureAllShardsRunning: true }).start();
    world.join('a', {});
    world.pass(60_000);
    world.records.delete('shard/1');
    world.nodes.get('a')!.running.delete(1);
    world.join('b');
    world.crash();
    expect(kinds(world.state)).toEqual(['unreachable a', 'vacant']);
    world.connect(world.nodes.get('b')!);
    world.settle();
    expect(world.state.graceUntil).not.toBeNull();
    expect(kinds(world.state)[1]).toMatch(/(starting|running) b/);
  });

  test('cordons are kept as they were', () => {
    const world = fleet();
    world.ask({ kind: 'cordonNode', node: 'a' });
    world.crash();
    for (const node of world.nodes.values()) world.connect(node);
    world.settle();
    expect(world.state.nodes.get('a')?.intent).toEqual({ kind: 'cordoned' });
  });

  test('a permit that was granted is not granted again before its window is over', () => {
    const world = new World({ expectedNodes: null, totalShards: 2, gateway: { shards: 2, maxConcurrency: 1 } }).start();
    const node = world.join('a');
    world.pass(15_000);
    const granted = (): number => world.sentTo('a', 'identifyGranted').length;
    // Right after a grant, whichever it was.
    node.send({ kind: 'identifyRequest', shardId: 1 });
    world.settle();
    world.pass(6_000);
    const before = granted();
    expect(before).toBeGreaterThan(0);
    node.mute.add('identifyGranted');
    node.send({ kind: 'identifyRequest', shardId: 0 });
    world.pass(6_000);
    expect(granted()).toBe(before + 1);
    world.crash();
    world.connect(node);
    node.send({ kind: 'identifyRequest', shardId: 1 });
    world.pass(40_000);
    expect(granted()).toBe(before + 1);
    world.pass(40_000);
    expect(granted()).toBe(before + 2);
  });

  test('ids go on where they were', () => {
    const world = fleet();
    world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    const next = world.state.nextId;
    expect(next).toBeGreaterThan(1);
    world.crash();
    expect(world.state.nextId).toBe(next);
  });

  test('a drain goes on where it was, with the shard that was on its way', () => {
    const world = fleet({ migrationsPerNode: 1 });
    world.command(drain('a', 'b', { shutdown: true }));
    for (let i = 0; i < 4; i += 1) world.deliver(() => 0);
    expect(world.state.migrations.size).toBe(1);
    world.crash();
    expect(world.state.operations.size).toBe(1);
    for (const node of world.nodes.values()) world.connect(node);
    world.pass(120_000);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expect(world.state.operations.size).toBe(0);
    expect(world.nodes.get('a')).toMatchObject({ alive: false });
  });

  test.each([3, 30, 60, 90, 130])('a rollout completes, crashed after %i deliveries', (deliveries) => {
    const world = new World({ expectedNodes: null, canLaunch: true, nodes: 2 }).start();
    world.pass(60_000);
    const old = Object.keys(world.placement()).toSorted();
    expect(old).toHaveLength(2);
    world.command(rollout);
    for (let i = 0; i < deliveries; i += 1) world.deliver(() => 0);
    world.crash();
    // A copy: nodes are launched as these connect.
    for (const node of Array.from(world.nodes.values())) if (node.alive && !node.ended) world.connect(node);
    world.pass(300_000);
    expect(world.state.operations.size).toBe(0);
    expect(Object.keys(world.placement()).filter((node) => old.includes(node))).toEqual([]);
    expect(world.truth()).toEqual(world.placement());
    expect(kinds(world.state).every((kind) => kind.startsWith('running'))).toBe(true);
  });
});

describe('the total', () => {
  const restored = (world: World, totalShards: number | null, dead: string[] = []) =>
    restoredState({ ...world.state.settings, totalShards }, [...world.records.values()], world.now, dead);

  test('binds as it was while nodes may run with it, and the operator is told', () => {
    const world = fleet();
    const { state, warnings } = restored(world, 8);
    expect(state.totalShards).toBe(4);
    expect(warnings).toEqual([expect.stringMatching(/total of 4 shards.*configuration says 8/)]);
  });

  test('is decided anew when nobody can run with the old one', () => {
    const world = fleet();
    const { state, warnings } = restored(world, 8, ['a', 'b']);
    expect(state).toMatchObject({ totalShards: null, awaitedNodes: [], recalled: true });
    expect(warnings).toEqual([]);
    // Discord's word counts when no session of the old total can be resumed any more.
    expect(restored(world, null, ['a', 'b']).state.totalShards).toBe(4);
    world.now += 600_000;
    expect(restored(world, null, ['a', 'b']).state.totalShards).toBeNull();
    expect(restored(world, 4, ['a', 'b']).state.totalShards).toBe(4);
  });
});

test('records that make no sense are left out, and named', () => {
  const world = fleet();
  const bad = [
    { kind: 'shard', key: '0', value: { node: 7 } },
    { kind: 'shard', key: '1', value: { node: 'b', known: { sessionId: 1 }, checkpoint: null } },
    { kind: 'node', key: 'a', value: 'serving' },
    { kind: 'fleet', key: 'ids', value: { nextId: -3 } },
  ];
  for (const record of bad) world.records.set(`${record.kind}/${record.key}`, record);
  const { state, warnings } = restoredState(world.state.settings, [...world.records.values()], world.now);
  expect(kinds(state)).toEqual(['vacant', 'vacant', 'unreachable a', 'unreachable b']);
  expect(warnings).toHaveLength(bad.length);
  expect(warnings[0]).toContain('fleet/ids');
});

test('a session with a sequence beyond 2^53 comes back as it was', () => {
  const world = fleet();
  const session = { sessionId: 's', sequence: 9_007_199_254_740_993n, resumeGatewayUrl: 'ws://r/' };
  const known = { sessionId: 's', sequence: '9007199254740993', resumeGatewayUrl: 'ws://r/', at: 5 };
  world.records.set('shard/0', { kind: 'shard', key: '0', value: { node: 'a', known, checkpoint: null } });
  const { state } = restoredState(world.state.settings, [...world.records.values()], world.now);
  expect(state.shards[0]).toMatchObject({ kind: 'unreachable', known: { session, at: 5 } });
});

test('the cursor of a shard whose node was away is resumed from when that node turns out to be dead', () => {
  const world = fleet();
  world.nodes.get('b')!.heartbeat(1);
  world.settle();
  world.disconnect(world.nodes.get('b')!);
  const before = world.shard(1);
  const checkpoint = before.kind === 'unreachable' ? before.checkpoint : null;
  expect(checkpoint).not.toBeNull();
  const restored = (dead: string[]) =>
    restoredState(world.state.settings, [...world.records.values()], world.now, dead).state.shards[1];
  expect(restored([])).toMatchObject({ kind: 'unreachable', node: 'b', checkpoint });
  expect(restored(['b'])).toMatchObject({ kind: 'vacant', known: checkpoint });
});

describe('times of a run that had another clock', () => {
  const YEAR_MS = 365 * 24 * 3_600_000;
  const record = (kind: string, key: string, value: object) => ({ kind, key, value: value as never });

  test('that are later than now count as now, and nothing is waited for longer than from now on', () => {
    const { settings } = fleet().state;
    const now = 1_767_225_600_000;
    const later = now + YEAR_MS;
    const session = { sessionId: 's', sequence: 1, resumeGatewayUrl: 'wss://here', at: later };
    const { state, warnings } = restoredState(
      settings,
      [
        record('fleet', 'total', { totalShards: 4 }),
        record('fleet', 'ids', { nextId: 7, nextEpoch: later }),
        record('fleet', 'identifies', {
          maxConcurrency: 2,
          budget: { total: 1_000, remaining: 3, resetAt: later },
          ledger: { used: 997, until: later },
          allowed: 0,
        }),
        record('identify', '0', { holder: null, freeAt: later }),
        record('identify', '1', { holder: { node: 'a', shard: 1 }, freeAt: later }),
        record('shard', '0', { node: null, epoch: 5, since: later, notBefore: later + 30_000, known: session }),
        record('shard', '1', { node: 'a', epoch: 6, before: null, known: session, checkpoint: session }),
        record('crash', '2', { crashes: [{ node: 'b', at: later }], quarantinedAt: later }),
        record('crashLoop', 'version v1', {
          version: 'v1',
          reported: null,
          wasUp: true,
          inARow: 4,
          total: 9,
          since: later,
          lastAt: later,
          notBefore: later + 8_000,
          reason: 'it died',
        }),
        record('raised', 'crashLoop', {
          key: 'crashLoop',
          kind: 'crashLoop',
          since: later,
          raisedAt: later,
          reason: 'it dies',
          shards: [],
          nodes: [],
        }),
        record('host', 'h1', { cordoned: { since: later, by: 'alice' }, deadSince: later }),
      ],
      now,
    );
    expect(warnings).toEqual([]);
    expect(state.identifies.keys[0]).toEqual({ holder: null, freeAt: now + settings.identifyWindowMs });
    expect(state.identifies.keys[1]).toMatchObject({ freeAt: now + settings.identifyTimeoutMs });
    expect(state.identifies).toMatchObject({
      budget: { remaining: 3, resetAt: now + 86_400_000 },
      ledger: { used: 997, until: now + 86_400_000 },
    });
    expect(state.shards[0]).toMatchObject({ kind: 'vacant', since: now, notBefore: now + 30_000, known: { at: now } });
    expect(state.shards[1]).toMatchObject({ kind: 'unreachable', known: { at: now }, checkpoint: { at: now } });
    expect(state.crashRecords.get(2)).toMatchObject({ crashes: [{ at: now }], quarantinedAt: now });
    expect(state.crashLoops.get('v1')).toMatchObject({ since: now, lastAt: now, notBefore: now + 8_000, inARow: 4 });
    expect(state.raisedAlarms.get('crashLoop')).toMatchObject({ since: now, raisedAt: now });
    expect(state.hosts.get('h1')).toEqual({ cordoned: { since: now, by: 'alice' }, deadSince: now });
  });

  test('never make an epoch that is lower than one that was given: the store’s word counts, not the clock’s', () => {
    const { settings } = fleet().state;
    const now = 1_767_225_600_000;
    const ids = record('fleet', 'ids', { nextId: 7, nextEpoch: now + YEAR_MS });
    expect(restoredState(settings, [ids], now).state).toMatchObject({
      epoch: now + YEAR_MS,
      nextEpoch: now + YEAR_MS + 1,
    });
    expect(restoredState(settings, [ids], now + 2 * YEAR_MS).state.epoch).toBe(now + 2 * YEAR_MS);
  });
});
