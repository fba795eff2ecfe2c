/**
 * Moving one shard where a node knows no live migration (for that see `live-migration.test.ts`): the steps on the wire,
 * and what happens when the origin, the destination, time or an operator gets in the way at each of them. What must be
 * true whatever gets in the way is tested with random events in `decide.property.test.ts`.
 */
import { describe, expect, test } from 'vitest';
import { World } from '../world.js';
import { scene, stuckIn, ALL_STEPS } from './older-scenes.js';
import type { Scene } from './stuck-migration.js';

describe('a shard moves', () => {
  test('goes through the steps in the order of the protocol, with its user events, and the origin is told at the end', () => {
    const { world, a, b } = scene();
    world.sent.length = 0;
    expect(world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' })).toMatchObject({ ok: true });
    expect(world.sent.filter(({ message }) => message.kind !== 'heartbeatAck')).toMatchObject([
      { node: 'a', message: { kind: 'prepareMigration', origin: true, shardId: 0, session: null } },
      {
        node: 'b',
        message: { kind: 'prepareMigration', origin: false, shardId: 0, session: { sessionId: 'session-0' } },
      },
      { node: 'a', message: { kind: 'startMigration', shardId: 0 } },
      { node: 'b', message: { kind: 'userEvent', eventId: 100, body: new Uint8Array([0]) } },
      { node: 'b', message: { kind: 'userEvent', eventId: 100, body: new Uint8Array([1]) } },
      { node: 'b', message: { kind: 'allUserDataSent', numEvents: 2 } },
    ]);
    expect(world.truth()).toEqual({ a: [1, 2, 3], b: [0] });
    expect(world.placement()).toEqual(world.truth());
    expect([a.retained.size, b.resumes, b.identifies]).toEqual([0, [0], []]);
    expect(world.recorded('migrationCompleted')[0]?.fields).toMatchObject({
      origin: 'a',
      destination: 'b',
      userEvents: 2,
    });
  });

  test('moves between base-level nodes with base-level messages only', () => {
    const { world } = scene({ baseLevel: true });
    world.sent.length = 0;
    world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    expect(world.sent.map(({ node, message }) => [node, message.kind])).toEqual([
      ['a', 'prepareMigration'],
      ['b', 'prepareMigration'],
      ['a', 'startMigration'],
      ['b', 'userEvent'],
      ['b', 'userEvent'],
      ['b', 'allUserDataSent'],
    ]);
    expect(world.sentTo('b', 'allUserDataSent')).toEqual([{ kind: 'allUserDataSent', numEvents: 2 }]);
    expect(world.truth()).toEqual({ a: [1, 2, 3], b: [0] });
  });

  test.each([
    ['a', 'b'],
    ['b', 'a'],
  ])('moves between a base-level node and one of ours, each in its own words (%s → %s)', (origin, destination) => {
    const world = new World({ totalShards: 2 }).start();
    world.join({ id: 'a', baseLevel: true });
    world.join('b');
    world.pass(20_000);
    world.ask({ kind: 'startShards', node: origin, shards: [0] });
    const from =
      world.shard(0).kind === 'running' ? Object.entries(world.placement()).find(([, s]) => s.includes(0))?.[0] : '';
    if (from === destination) world.ask({ kind: 'migrateShard', shard: 0, destination: origin });
    world.sent.length = 0;
    expect(world.ask({ kind: 'migrateShard', shard: 0, destination })).toMatchObject({ ok: true });
    expect(world.sentTo(destination, 'userEvent')).toHaveLength(2);
    expect(world.sentTo(destination, 'allUserDataSent')).toEqual([{ kind: 'allUserDataSent', numEvents: 2 }]);
    expect(world.truth()).toEqual(world.placement());
  });
});

describe('an operation that is refused', () => {
  test.each<[string, string, () => Scene, Parameters<World['ask']>[0]]>([
    ['an unknown destination', 'DSO_UNKNOWN_NODE', scene, { kind: 'migrateShard', shard: 0, destination: 'z' }],
    ['a shard beyond the total', 'DSO_UNKNOWN_SHARD', scene, { kind: 'migrateShard', shard: 4, destination: 'b' }],
    ['the node it is on', 'DSO_SAME_NODE', scene, { kind: 'migrateShard', shard: 0, destination: 'a' }],
    [
      'a shard that moves',
      'DSO_SHARD_BUSY',
      () => stuckIn('closing'),
      { kind: 'migrateShard', shard: 0, destination: 'b' },
    ],
    [
      'a destination that is away',
      'DSO_NODE_NOT_CONNECTED',
      () => {
        const made = scene();
        made.world.disconnect(made.b);
        return made;
      },
      { kind: 'migrateShard', shard: 0, destination: 'b' },
    ],
    [
      'a destination that shuts down',
      'DSO_NODE_SHUTTING_DOWN',
      () => {
        const made = scene();
        made.b.mute.add('shutdown');
        made.world.ask({ kind: 'shutdownNode', node: 'b', now: true });
        return made;
      },
      { kind: 'migrateShard', shard: 0, destination: 'b' },
    ],
    [
      'a shard nobody runs',
      'DSO_SHARD_NOT_RUNNING',
      () => {
        const made = scene();
        made.world.ask({ kind: 'stopShard', shard: 0 });
        return made;
      },
      { kind: 'migrateShard', shard: 0, destination: 'b' },
    ],
  ])('is refused for %s with the code %s', (_, code, make, command) => {
    const { world } = make();
    const before = world.state.shards;
    expect(world.ask(command)).toMatchObject({ ok: false, error: { code } });
    expect(world.state.shards).toEqual(before);
  });

  test('a migration beyond the limits is not refused, but waits for its turn', () => {
    const { world, a } = scene({ migrationsPerNode: 2 });
    a.mute.add('startMigration');
    const requests = [0, 1].map((shard) => world.command({ kind: 'migrateShard', shard, destination: 'b' }));
    world.settle();
    expect(world.state.migrations.size).toBe(1);
    expect(world.state.waitingMigrations.map(({ shard }) => shard)).toEqual([1]);
    expect(world.ask({ kind: 'migrateShard', shard: 1, destination: 'b' })).toMatchObject({
      error: { code: 'DSO_SHARD_BUSY', fault: 'conflict' },
    });
    a.mute.clear();
    world.pass(19_000);
    // The one that was begun times out in a second; the other still gets its turn.
    world.now += 1_000;
    world.tick();
    world.settle();
    expect(world.truth()).toEqual(world.placement());
    expect(requests.map((request) => world.replies.get(request)?.ok)).toEqual([false, true]);
  });

  test('a wait for a busy node is bounded, and ends in a refusal', () => {
    const { world, a } = scene({ baseLevel: true, migrationStepTimeoutMs: 10_000 });
    a.userEventsPerShard = 0;
    a.mute.add('startMigration');
    world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    const waiting = world.command({ kind: 'migrateShard', shard: 1, destination: 'b' });
    for (let i = 0; i < 11; i += 1) {
      world.now += 1_000;
      a.send({ kind: 'userEvent', eventId: 100, body: new Uint8Array() });
      world.settle();
    }
    world.tick();
    expect(world.state.migrations.size).toBe(1);
    expect(world.replies.get(waiting)).toMatchObject({ error: { code: 'DSO_NODE_BUSY' } });
  });
});

describe('an operator gets in the way', () => {
  test.each(ALL_STEPS)('a shard that is stopped in %s stays stopped, and the migration is over', (step) => {
    const { world, a, b, request } = stuckIn(step);
    expect(world.ask({ kind: 'stopShard', shard: 0 })).toMatchObject({ ok: true });
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(world.shard(0).kind).toBe('vacant');
    expect([a.running.has(0), b.running.has(0)]).toEqual([false, false]);
    world.pass(30_000);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
  });

  test.each(ALL_STEPS)('a shard of base-level nodes that is stopped in %s stays stopped', (step) => {
    const { world, a, b } = stuckIn(step, { baseLevel: true });
    expect(world.ask({ kind: 'stopShard', shard: 0 })).toMatchObject({ ok: true });
    expect(world.shard(0).kind).toBe('vacant');
    expect([a.running.has(0), b.running.has(0)]).toEqual([false, false]);
  });

  test.each(ALL_STEPS)('an origin that is shut down in %s leaves everything running on the destination', (step) => {
    const { world, b } = stuckIn(step);
    world.ask({ kind: 'uncordonNode', node: 'b' });
    expect(world.ask({ kind: 'shutdownNode', node: 'a', now: true })).toMatchObject({ ok: true });
    if (step === 'resuming') b.receive({ kind: 'allUserDataSent', numEvents: 2 });
    world.pass(10_000);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
    expect(b.identifies).toEqual([]);
  });

  test.each(ALL_STEPS)('a destination that is shut down in %s leaves everything running on the origin', (step) => {
    const { world, a } = stuckIn(step);
    a.identifies = [];
    expect(world.ask({ kind: 'shutdownNode', node: 'b', now: true })).toMatchObject({ ok: true });
    world.pass(10_000);
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
    // In `closing` the origin heard of it, and its silence was only about that.
    if (step !== 'closing') expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(a.identifies).toEqual([]);
  });

  test.each(ALL_STEPS)('a fleet that is ended in %s ends, and the migration with it', (step) => {
    const { world, request } = stuckIn(step);
    expect(world.ask({ kind: 'shutdownFleet' })).toMatchObject({ ok: true });
    expect(world.state.migrations.size).toBe(0);
    expect(world.replies.has(request)).toBe(true);
    expect(world.truth()).toEqual({});
    expect(world.sentTo('a', 'shutdown')).toMatchObject([{ final: true }]);
  });
});
