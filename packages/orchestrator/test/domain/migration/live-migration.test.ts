/**
 * Moving one shard live: the steps on the wire, and what happens when a node refuses, is lost, is silent, or an
 * operator gets in the way at each of them. What must be true whatever gets in the way is tested with random events in
 * `decide.property.test.ts`.
 */
import type { Message } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { boundOf, LIVE_STEPS } from '../../../src/domain/migration/live-steps.js';
import { World } from '../world.js';
import {
  SILENT_IN,
  ALL_STEPS,
  BEFORE_RELEASE,
  everythingOnA,
  shard0OnB,
  scene,
  stuckIn,
  answerNow,
  expectOver,
} from './live-scenes.js';

describe('a shard moves live', () => {
  test('goes through the steps in the order of the protocol, and only the last moment is frozen', () => {
    const { world, a, b } = scene();
    world.sent.length = 0;
    const result = world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    const wire = world.sent.map(({ node, message }) => `${node} ${message.kind}`);
    expect(wire.filter((one) => !one.endsWith('heartbeatAck'))).toEqual([
      'a shardLeaving',
      'a transferOpen',
      'b transferOpen',
      'a transferCopy',
      'b transferData',
      'a transferCredit',
      'b transferData',
      'b transferWarmUp',
      'a transferCredit',
      'a transferFreeze',
      'b transferData',
      'b transferManifest',
      'a transferCredit',
      'a transferRelease',
      'b transferActivate',
      'a transferDone',
    ]);
    expect(result).toMatchObject({ ok: true, data: { userEvents: 3, bytes: 3, resumed: true } });
    expect(world.truth()).toEqual(shard0OnB);
    expect([a.retained.size, a.transfers.unfrozen, b.resumes, b.identifies]).toEqual([0, 0, [0], []]);
    expectOver({ world, a, b });
  });

  test('tells the destination of the session and the origin of its deadline, and the manifest has the cursor', () => {
    const { world } = scene({ freezeTimeoutMs: 3_000 });
    world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    expect(world.sentTo('a', 'transferOpen')).toMatchObject([
      { role: 'origin', session: null, freezeTimeoutMs: 3_000 },
    ]);
    expect(world.sentTo('b', 'transferOpen')).toMatchObject([
      { role: 'destination', session: { sessionId: 'session-0' } },
    ]);
    expect(world.sentTo('a', 'transferCopy')).toMatchObject([{ creditBytes: 1 }]);
    expect(world.sentTo('b', 'transferManifest')).toMatchObject([{ events: 3, session: { sessionId: 'session-0' } }]);
  });

  test('tells at its end how long it was frozen, and how much moved', () => {
    const { world, b } = stuckIn('verifying');
    world.now += 120;
    b.receive(world.sentTo('b', 'transferManifest')[0]!);
    world.settle();
    expect(world.recorded('migrationCompleted')[0]?.fields).toMatchObject({
      frozenMs: 120,
      durationMs: 120,
      userEvents: 3,
      bytes: 3,
      resumed: true,
    });
  });

  test('says so when the session is gone', () => {
    const { world, b, migrationId } = stuckIn('activating');
    b.running.add(0);
    b.transfers.staging.clear();
    b.send({ kind: 'transferActivated', migrationId, shardId: 0, resumed: false });
    world.settle();
    expect(world.recorded('migrationCompleted')).toMatchObject([{ level: 'warn', fields: { resumed: false } }]);
  });

  test('moves beside many others between the same nodes, each with its own data', () => {
    const { world, a, b } = scene({ migrationsPerNode: 3 });
    a.userEventsPerShard = 20;
    const requests = [0, 1, 2, 3].map((shard) => world.command({ kind: 'migrateShard', shard, destination: 'b' }));
    // One that only copies counts for the limits.
    a.mute.add('transferFreeze');
    world.settle();
    expect([...world.state.migrations.values()].map(({ step }) => step.kind)).toEqual(Array(3).fill('freezing'));
    expect(world.state.waitingMigrations).toHaveLength(1);
    a.mute.clear();
    for (const message of world.sentTo('a', 'transferFreeze')) a.receive(message);
    world.settle();
    expect(requests.map((request) => world.replies.get(request)?.ok)).toEqual([true, true, true, true]);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expectOver({ world, a, b });
  });

  test('has an id that differs from that of another run', () => {
    const ids = [1, 2].map((run) => {
      const world = new World();
      world.now += run;
      world.state = { ...world.state, startedAt: world.now };
      world.start();
      world.join('a');
      world.pass(25_000);
      world.join('b');
      world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
      return [...world.state.migrations.keys()][0];
    });
    expect(new Set(ids).size).toBe(2);
  });

  test.each([
    ['a', ['b']],
    ['b', ['a']],
  ])('does not move live where %s does not know how', (older) => {
    const world = new World().start();
    const capabilities = ['auth-hmac', 'heartbeat', 'identify-permits', 'sessions'];
    const join = (id: string) => world.join(id === older ? { id, capabilities } : id);
    join('a');
    world.pass(25_000);
    join('b');
    expect(world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' })).toMatchObject({ ok: true });
    expect(world.sentTo('a', 'transferOpen')).toEqual([]);
    expect(world.sentTo('a', 'prepareMigration')).toHaveLength(1);
  });
});

describe('a node says no', () => {
  test.each(ALL_STEPS)('the shard runs on the origin in the end after a no in %s, and nobody identifies', (step) => {
    const made = scene();
    const [node, command] = SILENT_IN[step];
    made[node].fail.add(command);
    const result = made.world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    expect(result).toMatchObject({ ok: false, error: { code: 'DSO_MIGRATION_FAILED' } });
    made.world.pass(10_000);
    expect(made.world.truth()).toEqual(everythingOnA);
    expect([made.a.identifies, made.b.identifies]).toEqual([[], []]);
    expectOver(made);
  });

  test('before the commit the origin goes on without a resume', () => {
    for (const step of BEFORE_RELEASE) {
      const made = stuckIn(step);
      made.b.send({ kind: 'transferFailed', migrationId: made.migrationId, shardId: 0, step: 'x', reason: 'no' });
      made.world.settle();
      expect(made.a.resumes).toEqual([]);
      expectOver(made);
    }
  });

  test('state that is not whole is not activated', () => {
    const { world, a, b, migrationId } = stuckIn('verifying');
    b.send({ kind: 'transferVerified', migrationId, shardId: 0, ok: false, reason: 'the hash differs' });
    world.settle();
    expect(world.recorded('migrationFailed')[0]?.text).toContain('the hash differs');
    expect([world.truth(), b.resumes, a.transfers.unfrozen]).toEqual([everythingOnA, [], 1]);
    expect(world.sentTo('a', 'transferRelease')).toEqual([]);
  });

  test('a manifest without a session aborts the migration', () => {
    const { world, a, b, migrationId } = stuckIn('freezing');
    a.send({ kind: 'transferManifest', migrationId, shardId: 0, events: 0, bytes: 0, hash: '', session: null });
    world.settle();
    expect(world.sentTo('b', 'transferManifest')).toEqual([]);
    expectOver({ world, a, b });
  });

  test('an origin that unfroze before the release refuses it and keeps the shard', () => {
    const made = stuckIn('releasing');
    made.a.transfers.unfreeze(0);
    answerNow(made, 'releasing');
    expect(made.world.truth()).toEqual(everythingOnA);
    expect([made.a.resumes, made.b.resumes]).toEqual([[], []]);
    expectOver(made);
  });

  test('a destination that refuses in releasing makes the origin take the shard up again', () => {
    for (const released of [false, true]) {
      const made = stuckIn('releasing');
      if (released) made.a.receive(made.world.sentTo('a', 'transferRelease')[0]!);
      if (released) made.a.outbox.length = 0;
      const { migrationId } = made;
      made.b.send({ kind: 'transferFailed', migrationId, shardId: 0, step: 'transferData', reason: 'lost it' });
      made.world.settle();
      expect(made.world.truth()).toEqual(everythingOnA);
      expect([made.a.resumes, made.a.identifies]).toEqual([released ? [0] : [], []]);
      expectOver(made);
    }
  });
});

describe('a step takes too long', () => {
  test.each(BEFORE_RELEASE)(
    'a migration that is too long in %s is aborted at both ends, and the origin goes on',
    (step) => {
      const made = stuckIn(step, { heartbeatIntervalMs: 3_600_000 });
      const { world, request } = made;
      const bound = boundOf(world.state.settings, step);
      world.pass(bound - 1);
      expect(world.replies.has(request)).toBe(false);
      world.pass(1);
      expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
      expect(world.recorded('migrationFailed')[0]?.fields).toMatchObject({ step });
      expect(world.recorded('migrationFailed')[0]?.text).toContain(LIVE_STEPS[step].overdue);
      expect(world.truth()).toEqual(everythingOnA);
      expect(made.a.resumes).toEqual([]);
      expectOver(made);
      answerNow(made, step);
      expect(world.truth()).toEqual(everythingOnA);
    },
  );

  test('a frozen shard may stand still for the freeze timeout only', () => {
    const { world } = stuckIn('freezing', { freezeTimeoutMs: 700 });
    world.pass(700);
    expect(world.state.migrations.size).toBe(0);
  });

  test('copying has no bound as long as data flows', () => {
    const made = scene();
    const { world, a } = made;
    a.mute.add('transferCopy');
    const request = world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
    world.settle();
    const migrationId = [...world.state.migrations.keys()][0]!;
    for (let index = 0; index < 5; index += 1) {
      world.pass(15_000);
      a.send({ kind: 'transferData', migrationId, shardId: 0, index, eventId: 100, body: new Uint8Array(1) });
      world.settle();
    }
    expect(world.replies.has(request)).toBe(false);
    world.pass(20_000);
    expect(world.replies.get(request)).toMatchObject({ ok: false });
    expectOver(made);
  });

  test('a release that takes too long lets the destination resume; an origin that went on by itself is stopped', () => {
    const { world, a, b, migrationId } = stuckIn('releasing', { heartbeatIntervalMs: 3_600_000 });
    b.mute.add('transferActivate');
    world.pass(30_000);
    expect([...world.state.migrations.values()][0]?.step).toMatchObject({ kind: 'activating', originReleased: false });
    a.transfers.unfreeze(0);
    a.send({ kind: 'transferFailed', migrationId, shardId: 0, step: 'transferRelease', reason: 'too late' });
    b.mute.clear();
    b.receive(world.sentTo('b', 'transferActivate')[0]!);
    world.settle();
    expect(world.truth()).toEqual(shard0OnB);
    expectOver({ world, a, b });
  });

  test('an activation that takes too long is stopped at the destination first, then resumed where its session is held', () => {
    const made = stuckIn('activating');
    made.world.pass(20_000);
    const kinds = made.world.sentTo('b').map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== 'heartbeatAck').slice(-2)).toEqual(['transferAbort', 'stopShard']);
    expect(made.world.truth()).toEqual(everythingOnA);
    expect([made.a.resumes, made.a.identifies]).toEqual([[0], []]);
    expectOver(made);
  });
});

describe('an operator gets in the way', () => {
  test.each(ALL_STEPS)(
    'a shard that is stopped in %s stays stopped, the migration is over, and its session is kept',
    (step) => {
      const made = stuckIn(step);
      expect(made.world.ask({ kind: 'stopShard', shard: 0 })).toMatchObject({ ok: true });
      expect(made.world.replies.get(made.request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
      expect(made.world.shard(0)).toMatchObject({ kind: 'vacant', known: { session: { sessionId: 'session-0' } } });
      expect([made.a.running.has(0), made.b.running.has(0)]).toEqual([false, false]);
      expectOver(made);
    },
  );

  test.each(ALL_STEPS)('an origin that is shut down in %s leaves everything running on the destination', (step) => {
    const made = stuckIn(step);
    const { world, b } = made;
    world.ask({ kind: 'uncordonNode', node: 'b' });
    expect(world.ask({ kind: 'shutdownNode', node: 'a', now: true })).toMatchObject({ ok: true });
    if (step === 'activating') answerNow(made, step);
    world.pass(10_000);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expect(b.identifies).toEqual([]);
    expectOver(made);
  });

  test.each(ALL_STEPS)('a destination that is shut down in %s leaves everything running on the origin', (step) => {
    const made = stuckIn(step);
    expect(made.world.ask({ kind: 'shutdownNode', node: 'b', now: true })).toMatchObject({ ok: true });
    made.world.pass(10_000);
    expect(made.world.truth()).toEqual(everythingOnA);
    expect(made.a.identifies).toEqual([]);
    expectOver(made);
  });

  test.each(ALL_STEPS)('a fleet that is ended in %s ends, and the migration with it', (step) => {
    const { world, request } = stuckIn(step);
    expect(world.ask({ kind: 'shutdownFleet' })).toMatchObject({ ok: true });
    expect([world.state.migrations.size, world.replies.has(request)]).toEqual([0, true]);
    expect(world.truth()).toEqual({});
  });
});

describe('what nobody waits for', () => {
  const of = (migrationId: string) => ({ migrationId, shardId: 0 });
  const answers = (migrationId: string): Message[] => [
    { kind: 'shardMayLeave', ...of(migrationId) },
    { kind: 'transferWarm', ...of(migrationId) },
    { kind: 'transferOpened', ...of(migrationId), session: null, creditBytes: 5 },
    { kind: 'transferCopied', ...of(migrationId), events: 0, bytes: 0 },
    { kind: 'transferVerified', ...of(migrationId), ok: true, reason: '' },
    { kind: 'transferReleased', ...of(migrationId) },
    { kind: 'transferActivated', ...of(migrationId), resumed: true },
  ];

  test.each(ALL_STEPS)(
    'answers of other steps and from the other node change nothing in %s, and are counted',
    (step) => {
      const { world, a, b, migrationId } = stuckIn(step);
      const { waitsFor, answer } = LIVE_STEPS[step];
      const before = world.state;
      let sent = 0;
      for (const [node, role] of [
        [a, 'origin'],
        [b, 'destination'],
      ] as const) {
        for (const message of answers(migrationId)) {
          if (role === waitsFor && message.kind === answer) continue;
          node.send(message);
          sent += 1;
        }
      }
      world.sent.length = 0;
      world.settle();
      expect([world.state.migrations, world.state.shards]).toEqual([before.migrations, before.shards]);
      expect(world.state.staleTransfers - before.staleTransfers).toBe(sent);
      expect(world.sent).toEqual([]);
    },
  );

  test.each(ALL_STEPS)('a message of a migration of another run changes nothing in %s', (step) => {
    const { world, a, b } = stuckIn(step);
    const before = world.state;
    const said = [...answers('m0-1'), failed('m0-1')];
    for (const message of said) {
      a.send(message);
      b.send(message);
    }
    world.settle();
    expect([world.state.migrations, world.state.shards]).toEqual([before.migrations, before.shards]);
    expect(world.state.staleTransfers).toBe(2 * said.length);
  });

  test.each(ALL_STEPS)('the right answer, given twice in %s, is one step', (step) => {
    const made = stuckIn(step);
    const { world } = made;
    const node = made[SILENT_IN[step][0]];
    node.receive(world.sentTo(node.id, SILENT_IN[step][1]).at(-1)!);
    const answer = node.outbox.find(({ kind }) => kind === LIVE_STEPS[step].answer);
    if (answer !== undefined) node.send(answer);
    world.settle();
    expect(world.truth()).toEqual(shard0OnB);
    expectOver(made);
  });

  test('an answer after the end is counted, and the shard stays where it is', () => {
    const { world, a, b, migrationId } = stuckIn('activating');
    b.receive(world.sentTo('b', 'transferActivate')[0]!);
    world.settle();
    for (const message of [...answers(migrationId), failed(migrationId)]) {
      a.send(message);
      b.send(message);
    }
    world.settle();
    expect([world.truth(), world.placement()]).toEqual([shard0OnB, shard0OnB]);
    expect(world.recorded('protocolViolation').every(({ level }) => level === 'debug')).toBe(true);
  });

  function failed(migrationId: string): Message {
    return { kind: 'transferFailed', ...of(migrationId), step: 'transferOpen', reason: 'no' };
  }
});
