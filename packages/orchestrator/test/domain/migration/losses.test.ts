/**
 * A migration between nodes that know no live one: its origin or destination is lost, is silent, or refuses, at each of
 * its steps.
 */
import type { MessageKind } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { scene, stuckIn, BEFORE_RESUME } from './older-scenes.js';
import type { Step } from './older-scenes.js';

describe('the origin is lost', () => {
  test.each(BEFORE_RESUME)(
    'an origin that is lost in %s has the destination drop the shard, which is resumed once the origin is known dead',
    (step) => {
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
    },
  );

  test('an origin that is lost in resuming does not stop the destination', () => {
    const { world, a, b, request } = stuckIn('resuming');
    world.kill(a, { noticed: false });
    b.send({ kind: 'startShards', shardIds: [0] });
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect(world.shard(0)).toMatchObject({ kind: 'running', node: 'b' });
  });

  test('an origin that comes back goes on with the shard itself', () => {
    const { world, a } = stuckIn('preparing');
    world.disconnect(a);
    world.connect(a);
    world.settle();
    expect(a.resumes).toEqual([]);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
  });
});

// Both connections were cut while a shard moved to a Go node, which was back first. Its Identify named the shard that
// it only made room for, the shard was taken to run there, and nobody served it. (The same after a restart.)
test.each(['disconnect', 'crash'] as const)(
  'a Go node that names what it only makes room for is not believed after a %s, and the origin goes on',
  (how) => {
    const { world, a, b } = stuckIn('preparing', { baseLevel: true });
    if (how === 'crash') world.crash();
    for (const node of [a, b]) world.disconnect(node);
    world.sent.length = 0;
    b.running.add(0);
    world.connect(b);
    world.settle();
    expect(world.sentTo('b', 'stopShard')).toMatchObject([{ shardId: 0 }]);
    world.connect(a);
    world.pass(120_000);
    expect(world.truth()).toEqual(world.placement());
    expect(Object.values(world.truth()).flat()).toHaveLength(4);
  },
);

// The origin, a Go node, had closed the shard when the orchestrator crashed, and was back first. The shard’s start on
// the origin waited for its permit, and the session was forgotten with that, so that nothing told of the closed shard
// any more: the destination named what it only made room for, was believed, and nobody served the shard, for ever.
test('a Go node that names what it only makes room for is not believed while a start elsewhere waits', () => {
  const { world, a, b } = stuckIn('transferring', { baseLevel: true, expectedNodes: ['a'] });
  world.crash();
  for (const node of [a, b]) world.disconnect(node);
  a.running.delete(0);
  b.running.add(0);
  world.sent.length = 0;
  world.connect(a);
  expect(world.shard(0)).toMatchObject({ kind: 'starting', node: 'a', step: 'queued' });
  world.connect(b);
  world.settle();
  expect(world.sentTo('b', 'stopShard')).toMatchObject([{ shardId: 0 }]);
  world.pass(120_000);
  expect(world.truth()).toEqual(world.placement());
  expect(Object.values(world.truth()).flat()).toHaveLength(4);
});

describe('the destination is lost', () => {
  test.each(BEFORE_RESUME)('a destination that is lost in %s leaves the origin going on', (step) => {
    const { world, a, b, request } = stuckIn(step);
    world.kill(b);
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
    expect(a.retained.size).toBe(0);
  });

  test.each(['preparing', 'transferring'] as const)(
    'a destination that is lost in %s gives a base-level origin its session back',
    (step) => {
      const { world, a, b } = stuckIn(step, { baseLevel: true });
      a.identifies = [];
      world.kill(b);
      world.settle();
      expect(a.resumes).toEqual([0]);
      expect(a.identifies).toEqual([]);
      expect(world.placement()).toEqual({ a: [0, 1, 2, 3] });
    },
  );

  test('a destination that is lost in resuming may run the shard, so the origin resumes it only when that is out of the question', () => {
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

  test('a destination that comes back running the shard in resuming made the migration a success after all', () => {
    const { world, a, b } = stuckIn('resuming');
    world.disconnect(b);
    b.prepared.clear();
    b.running.add(0);
    world.connect(b);
    world.settle();
    expect(world.placement()).toEqual({ a: [1, 2, 3], b: [0] });
    expect(a.retained.size).toBe(0);
  });
});

describe('a step takes too long', () => {
  test.each(BEFORE_RESUME)('a migration that is too long in %s is aborted, and the origin goes on', (step) => {
    const { world, request } = stuckIn(step);
    world.pass(20_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(world.recorded('migrationFailed')[0]?.fields).toMatchObject({ step });
    // `closing`: the origin never heard of it as far as we know; the others resume from their cursor.
    expect(world.shard(0)).toMatchObject({ kind: 'running', node: 'a' });
    if (step !== 'closing') expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
  });

  test('a resume that takes too long is stopped at the destination first, then resumed where its session is held', () => {
    const { world, a, b } = stuckIn('resuming');
    world.pass(21_000);
    expect(world.sentTo('b', 'stopShard')).toHaveLength(1);
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
    expect([a.resumes, b.prepared.size]).toEqual([[0], 0]);
  });

  // A Go bot that took a minute for 20,000 user events was given up after 20 s, and everything began again.
  test('a destination gets time for what it was sent: it says nothing while it handles that', () => {
    const { world, a, b } = scene({ baseLevel: true });
    a.userEventsPerShard = 10_000;
    b.mute.add('allUserDataSent');
    world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    world.pass(100_000);
    expect([...world.state.migrations.values()].map(({ step }) => step.kind)).toEqual(['resuming']);
    b.mute.clear();
    b.receive({ kind: 'allUserDataSent', numEvents: 10_000 });
    world.settle();
    expect(world.placement()).toEqual({ a: [1, 2, 3], b: [0] });
  });

  test('user events that flow do not count as silence', () => {
    const { world, a } = stuckIn('transferring');
    for (let i = 0; i < 5; i += 1) {
      world.pass(15_000);
      a.send({ kind: 'userEvent', eventId: 100, body: new Uint8Array() });
      world.settle();
    }
    a.send({ kind: 'allUserDataSent', numEvents: 5 });
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
  ])('the shard runs on the origin in the end after a no in %s (%s)', (step, node, command) => {
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
    a.send({ kind: 'allUserDataSent', numEvents: 3 });
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: false });
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(b.resumes).toEqual([]);
  });

  test('an origin that took the shard back by itself keeps it', () => {
    const { world, a, b, request } = stuckIn('preparing');
    a.retained.delete(0);
    a.running.add(0);
    a.send({ kind: 'startShards', shardIds: [0] });
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: false });
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(b.prepared.size).toBe(0);
  });

  test('an origin that had stopped the shard meanwhile has it started again', () => {
    // Found by random events: the shard was said to run there for ever. A stop that was given up leaves the shard
    // "running"; its answer came in the middle of the migration that was begun then.
    const { world, a, request } = stuckIn('closing', { baseLevel: true });
    a.running.delete(0);
    a.send({ kind: 'stopShard', shardId: 0, session: null });
    world.pass(5_000);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
    expect(world.placement()).toEqual(world.truth());
  });

  // Found by the simulator: an origin was paused, and told to close, that it was off, and to close again for a second
  // attempt. Its first answer was taken for the second, and it waited with a closed shard for the word of a migration
  // that was over.
  test.each([true, false])(
    'an origin that closes only after its migration was aborted runs the shard again (base level: %s)',
    (baseLevel) => {
      const { world, a } = stuckIn('closing', { baseLevel });
      world.pass(20_000);
      const session = { sessionId: 'late', sequence: 1, resumeGatewayUrl: '' };
      a.running.delete(0);
      a.retained.set(0, session);
      a.send({ kind: 'prepareMigration', origin: true, shardId: 0, session });
      world.settle();
      expect(a.resumes).toEqual([0]);
      expect(world.truth()).toEqual({ a: [0, 1, 2, 3] });
      expect(world.placement()).toEqual(world.truth());
    },
  );

  test.each([true, false])(
    'a node that made room for a shard that does not come is told so (base level: %s)',
    (baseLevel) => {
      // Found by the simulator: prepareMigration arrived once more on the next connection, and its node stayed ready
      // for ever.
      const { world, b } = stuckIn('closing', { baseLevel });
      world.pass(60_000);
      const session = { sessionId: 'told twice', sequence: 1, resumeGatewayUrl: '' };
      world.sent.length = 0;
      b.send({ kind: 'prepareMigration', origin: false, shardId: 1, session });
      world.settle();
      expect(world.sent).toContainEqual({
        node: 'b',
        message: expect.objectContaining({ kind: 'stopShard', shardId: 1 }),
      });
      expect(world.placement()).toEqual(world.truth());
    },
  );
});
