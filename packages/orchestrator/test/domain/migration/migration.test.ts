/**
 * Moving one shard where a node knows no live migration (for that see `live-migration.test.ts`): the steps on the wire, and what happens when the origin, the destination, time or an operator gets in the way at each
 * of them. What must be true whatever gets in the way is tested with random events in `decide.property.test.ts`.
 */
import type { MessageKind } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { OLDER_CAPABILITIES } from '../model-node.js';
import type { ModelNode, ModelNodeOptions } from '../model-node.js';
import { World } from '../world.js';
import type { WorldOptions } from '../world.js';

type Step = 'closing' | 'preparing' | 'transferring' | 'resuming';

/** Whose silence about what keeps a migration in a step. */
const HELD_BY: Record<Step, [node: 'a' | 'b', command: MessageKind]> = {
  closing: ['a', 'prepareMigration'],
  preparing: ['b', 'prepareMigration'],
  transferring: ['a', 'startMigration'],
  resuming: ['b', 'allUserDataSent'],
};

type Scene = { world: World; a: ModelNode; b: ModelNode };

function node(id: string, baseLevel: boolean): ModelNodeOptions {
  return baseLevel ? { id, baseLevel } : { id, capabilities: OLDER_CAPABILITIES };
}

/** Shards 0–3 on `a`; `b` is empty, and cordoned so that nothing is placed on it by itself. */
function scene(options: WorldOptions & { baseLevel?: boolean } = {}): Scene {
  const { baseLevel = false, ...settings } = options;
  const world = new World(settings).start();
  const a = world.join(node('a', baseLevel));
  world.pass(25_000);
  const b = world.join(node('b', baseLevel));
  world.ask({ kind: 'cordonNode', node: 'b' });
  return { world, a, b };
}

/** With the migration of shard 0 from `a` to `b` stuck in a step. */
function stuckIn(step: Step, options: WorldOptions & { baseLevel?: boolean } = {}): Scene & { request: string } {
  const made = scene(options);
  const [node, command] = HELD_BY[step];
  made[node].mute.add(command);
  const request = made.world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
  made.world.settle();
  const [migration] = made.world.state.migrations.values();
  expect(migration?.step.kind).toBe(step);
  made[node].mute.clear();
  return { ...made, request };
}

const all: Step[] = ['closing', 'preparing', 'transferring', 'resuming'];
const back: Step[] = ['closing', 'preparing', 'transferring'];

describe('a shard moves', () => {
  test('in the order of the protocol, with its user events, and the origin is told at the end', () => {
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
      { node: 'b', message: { kind: 'shardUserEvent', shardId: 0, eventId: 100, body: new Uint8Array([0]) } },
      { node: 'b', message: { kind: 'shardUserEvent', shardId: 0, eventId: 100, body: new Uint8Array([1]) } },
      { node: 'b', message: { kind: 'allUserDataSent', numEvents: 2, shardId: 0 } },
      { node: 'a', message: { kind: 'migrationFinished', shardId: 0 } },
    ]);
    expect(world.truth()).toEqual({ a: [1, 2, 3], b: [0] });
    expect(world.placement()).toEqual(world.truth());
    expect([a.held.size, b.resumes, b.identifies]).toEqual([0, [0], []]);
    expect(world.happened('migrationCompleted')[0]?.fields).toMatchObject({
      origin: 'a',
      destination: 'b',
      userEvents: 2,
    });
  });

  test('between base-level nodes with base-level messages only', () => {
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
    expect(world.sentTo('b', 'allUserDataSent')).toEqual([{ kind: 'allUserDataSent', numEvents: 2, shardId: null }]);
    expect(world.truth()).toEqual({ a: [1, 2, 3], b: [0] });
  });

  test.each([
    ['a', 'b'],
    ['b', 'a'],
  ])('between a base-level node and one of ours, each in its own words (%s → %s)', (origin, destination) => {
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
    const expected = destination === 'a' ? 'userEvent' : 'shardUserEvent';
    expect(world.sentTo(destination, expected)).toHaveLength(2);
    expect(world.sentTo(destination, 'allUserDataSent')).toEqual([
      { kind: 'allUserDataSent', numEvents: 2, shardId: destination === 'a' ? null : 0 },
    ]);
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
        made.world.ask({ kind: 'shutdownNode', node: 'b' });
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
  ])('%s: %s', (_, code, make, command) => {
    const { world } = make();
    const before = world.state.shards;
    expect(world.ask(command)).toMatchObject({ ok: false, error: { code } });
    expect(world.state.shards).toEqual(before);
  });

  test('more than the limits allow wait their turn', () => {
    const { world, a } = scene({ migrationsPerNode: 2 });
    a.mute.add('startMigration');
    const requests = [0, 1, 2].map((shard) => world.command({ kind: 'migrateShard', shard, destination: 'b' }));
    world.settle();
    expect(world.state.migrations.size).toBe(2);
    expect(world.state.waitingMigrations.map(({ shard }) => shard)).toEqual([2]);
    expect(world.ask({ kind: 'migrateShard', shard: 2, destination: 'b' })).toMatchObject({
      error: { code: 'DSO_SHARD_BUSY', fault: 'conflict' },
    });
    a.mute.clear();
    world.pass(19_000);
    // Both that were begun time out in a second; the third still gets its turn.
    world.now += 1_000;
    world.tick();
    world.settle();
    expect(world.truth()).toEqual(world.placement());
    expect(requests.map((request) => world.replies.get(request)?.ok)).toEqual([false, false, true]);
  });

  test('a wait for a busy node is bounded', () => {
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

describe('the origin is lost', () => {
  test.each(back)('in %s: the destination drops it, and the shard is resumed once the origin is known dead', (step) => {
    const { world, a, b, request } = stuckIn(step);
    world.ask({ kind: 'uncordonNode', node: 'b' });
    world.kill(a, { noticed: false });
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(world.shard(0)).toMatchObject({ kind: 'unreachable', node: 'a' });
    expect(b.prepared.size).toBe(0);
    world.feed({ kind: 'processExited', node: 'a', description: 'was killed' });
    world.pass(30_000);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    // The session it had handed over, and those of its last heartbeat, are not thrown away.
    expect(b.resumes).toEqual([0, 1, 2, 3]);
    expect(b.identifies).toEqual([]);
  });

  test('in resuming: the destination goes on without it', () => {
    const { world, a, b, request } = stuckIn('resuming');
    world.kill(a, { noticed: false });
    b.send({ kind: 'startShards', shardIds: [0] });
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect(world.shard(0)).toMatchObject({ kind: 'running', node: 'b' });
  });

  test('and comes back holding the session: it resumes the shard itself', () => {
    const { world, a } = stuckIn('preparing');
    world.disconnect(a);
    world.connect(a);
    world.settle();
    expect(a.resumes).toEqual([0]);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
  });
});

describe('the destination is lost', () => {
  test.each(back)('in %s: the origin goes on', (step) => {
    const { world, a, b, request } = stuckIn(step);
    world.kill(b);
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
    expect(a.held.size).toBe(0);
  });

  test.each(['preparing', 'transferring'] as const)('in %s: a base-level origin is given its session back', (step) => {
    const { world, a, b } = stuckIn(step, { baseLevel: true });
    a.identifies = [];
    world.kill(b);
    world.settle();
    expect(a.resumes).toEqual([0]);
    expect(a.identifies).toEqual([]);
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('in resuming: it may run the shard, so it is only resumed, by the origin, when that is out of the question', () => {
    const { world, a, b } = stuckIn('resuming');
    world.kill(b, { noticed: false });
    world.settle();
    expect(world.shard(0)).toMatchObject({
      kind: 'unreachable',
      node: 'b',
      known: { session: { sessionId: 'session-0' } },
    });
    world.feed({ kind: 'processExited', node: 'b', description: 'was killed' });
    world.settle();
    expect(a.resumes).toEqual([0]);
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('in resuming, and comes back running the shard: the migration was a success after all', () => {
    const { world, a, b } = stuckIn('resuming');
    world.disconnect(b);
    b.prepared.clear();
    b.running.add(0);
    world.connect(b);
    world.settle();
    expect(world.placement()).toEqual({ a: [1, 2, 3], b: [0] });
    expect(a.held.size).toBe(0);
  });
});

describe('a step takes too long', () => {
  test.each(back)('%s: it is called off, and the origin goes on', (step) => {
    const { world, request } = stuckIn(step);
    world.pass(20_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(world.happened('migrationFailed')[0]?.fields).toMatchObject({ step });
    // `closing`: the origin never heard of it as far as we know; the others resume from their cursor.
    expect(world.shard(0)).toMatchObject({ kind: 'running', node: 'a' });
    if (step !== 'closing') expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('resuming: it is stopped at the destination first, then resumed where its session is held', () => {
    const { world, a, b } = stuckIn('resuming');
    world.pass(20_000);
    expect(world.sentTo('b', 'stopShard')).toHaveLength(1);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
    expect([a.resumes, b.prepared.size]).toEqual([[0], 0]);
  });

  test('user events that flow are no silence', () => {
    const { world, a } = stuckIn('transferring');
    for (let i = 0; i < 5; i += 1) {
      world.pass(15_000);
      a.send({ kind: 'shardUserEvent', shardId: 0, eventId: 100, body: new Uint8Array() });
      world.settle();
    }
    a.send({ kind: 'allUserDataSent', numEvents: 5, shardId: 0 });
    world.settle();
    expect(world.placement()).toEqual({ a: [1, 2, 3], b: [0] });
  });
});

describe('a node says no', () => {
  test.each<[Step, 'a' | 'b', MessageKind]>([
    ['closing', 'a', 'prepareMigration'],
    ['preparing', 'b', 'prepareMigration'],
    ['transferring', 'a', 'startMigration'],
    ['resuming', 'b', 'allUserDataSent'],
  ])('in %s (%s): the shard runs on the origin in the end', (step, node, command) => {
    const made = scene();
    made[node].fail.add(command);
    const result = made.world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    expect(result).toMatchObject({ ok: false, error: { code: 'DSO_MIGRATION_FAILED', fault: 'fleet' } });
    if (step === 'closing') expect(made.world.shard(0)).toMatchObject({ kind: 'running', node: 'a' });
    else expect(made.world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(made.world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('user data that is not whole is not resumed', () => {
    const { world, a, b, request } = stuckIn('transferring');
    a.send({ kind: 'allUserDataSent', numEvents: 3, shardId: 0 });
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: false });
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(b.resumes).toEqual([]);
  });

  test('an origin that took the shard back by itself keeps it', () => {
    const { world, a, b, request } = stuckIn('preparing');
    a.held.delete(0);
    a.running.add(0);
    a.send({ kind: 'startShards', shardIds: [0] });
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: false });
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(b.prepared.size).toBe(0);
  });

  test('an origin that had stopped the shard meanwhile (found by random events: the shard was said to run there for ever)', () => {
    // A stop that was given up leaves the shard "running"; its answer came in the middle of the migration that was begun then.
    const { world, a, request } = stuckIn('closing', { baseLevel: true });
    a.running.delete(0);
    a.send({ kind: 'stopShard', shardId: 0, session: null });
    world.pass(5_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
  });

  test('a base-level origin that closes only after it was called off is given its session back', () => {
    const { world, a } = stuckIn('closing', { baseLevel: true });
    world.pass(20_000);
    a.running.delete(0);
    a.send({
      kind: 'prepareMigration',
      origin: true,
      shardId: 0,
      session: { sessionId: 'late', sequence: 1, resumeGatewayUrl: '' },
    });
    world.settle();
    expect(a.resumes).toEqual([0]);
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
  });

  test.each([true, false])(
    'a node that made room for a shard that does not come is told so (base level: %s)',
    (baseLevel) => {
      // Found by the simulator: prepareMigration arrived once more on the next connection, and its node stayed ready for ever.
      const { world, b } = stuckIn('closing', { baseLevel });
      world.pass(60_000);
      const session = { sessionId: 'told twice', sequence: 1, resumeGatewayUrl: '' };
      world.sent.length = 0;
      b.send({ kind: 'prepareMigration', origin: false, shardId: 1, session });
      world.settle();
      expect(world.sent).toContainEqual({
        node: 'b',
        message: expect.objectContaining({ kind: baseLevel ? 'stopShard' : 'migrationAborted', shardId: 1 }),
      });
      expect(world.placement()).toEqual(world.truth());
    },
  );
});

describe('an operator gets in the way', () => {
  test.each(all)('stops the shard in %s: it is stopped, the migration is over', (step) => {
    const { world, a, b, request } = stuckIn(step);
    expect(world.ask({ kind: 'stopShard', shard: 0 })).toMatchObject({ ok: true });
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(world.shard(0).kind).toBe('vacant');
    expect([a.running.has(0), b.running.has(0)]).toEqual([false, false]);
    world.pass(30_000);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
  });

  test.each(all)('stops the shard in %s, base level', (step) => {
    const { world, a, b } = stuckIn(step, { baseLevel: true });
    expect(world.ask({ kind: 'stopShard', shard: 0 })).toMatchObject({ ok: true });
    expect(world.shard(0).kind).toBe('vacant');
    expect([a.running.has(0), b.running.has(0)]).toEqual([false, false]);
  });

  test.each(all)('shuts the origin down in %s: everything runs on the destination', (step) => {
    const { world, b } = stuckIn(step);
    world.ask({ kind: 'uncordonNode', node: 'b' });
    expect(world.ask({ kind: 'shutdownNode', node: 'a' })).toMatchObject({ ok: true });
    if (step === 'resuming') b.receive({ kind: 'allUserDataSent', numEvents: 2, shardId: 0 });
    world.pass(10_000);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
    expect(b.identifies).toEqual([]);
  });

  test.each(all)('shuts the destination down in %s: everything runs on the origin', (step) => {
    const { world, a } = stuckIn(step);
    a.identifies = [];
    expect(world.ask({ kind: 'shutdownNode', node: 'b' })).toMatchObject({ ok: true });
    world.pass(10_000);
    expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
    // In `closing` the origin heard of it, and its silence was only about that.
    if (step !== 'closing') expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(a.identifies).toEqual([]);
  });

  test.each(all)('ends the fleet in %s', (step) => {
    const { world, request } = stuckIn(step);
    expect(world.ask({ kind: 'shutdownFleet' })).toMatchObject({ ok: true });
    expect(world.state.migrations.size).toBe(0);
    expect(world.replies.has(request)).toBe(true);
    expect(world.truth()).toEqual({});
    expect(world.sentTo('a', 'shutdown')).toMatchObject([{ final: true }]);
  });
});
