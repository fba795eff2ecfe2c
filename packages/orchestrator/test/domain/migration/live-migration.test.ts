/**
 * Moving one shard live: the steps on the wire, and what happens when a node refuses, is lost, is silent, or an operator gets in the way at
 * each of them. What must be true whatever gets in the way is tested with random events in `decide.property.test.ts`.
 */
import type { Message, MessageKind } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import { boundOf, LIVE_STEPS } from '../../../src/domain/migration/live-steps.js';
import type { LiveStep } from '../../../src/domain/state.js';
import type { ModelNode } from '../model-node.js';
import { World } from '../world.js';
import type { WorldOptions } from '../world.js';

type Step = LiveStep['kind'];

/** Whose silence about what keeps a migration in a step. */
const HELD_BY: Record<Step, [node: 'a' | 'b', command: MessageKind]> = {
  openingOrigin: ['a', 'transferOpen'],
  openingDestination: ['b', 'transferOpen'],
  copying: ['a', 'transferCopy'],
  freezing: ['a', 'transferFreeze'],
  verifying: ['b', 'transferManifest'],
  releasing: ['a', 'transferRelease'],
  activating: ['b', 'transferActivate'],
};

const all = Object.keys(HELD_BY) as Step[];
const back: Step[] = ['openingOrigin', 'openingDestination', 'copying', 'freezing', 'verifying'];
const everythingOnA = { a: [0, 1, 2, 3] };
const shard0OnB = { a: [1, 2, 3], b: [0] };

type Scene = { world: World; a: ModelNode; b: ModelNode };

/** Shards 0–3 on `a`; `b` is empty, and cordoned so that nothing is placed on it by itself. */
function scene(options: WorldOptions = {}): Scene {
  const world = new World(options).start();
  const a = world.join('a');
  world.pass(25_000);
  const b = world.join('b');
  world.ask({ kind: 'cordonNode', node: 'b' });
  a.identifies = [];
  return { world, a, b };
}

type Stuck = Scene & { request: string; migrationId: string };

/** With the migration of shard 0 from `a` to `b` stuck in a step. The command that would end the step is lost for good. */
function stuckIn(step: Step, options: WorldOptions = {}): Stuck {
  const made = scene(options);
  const [node, command] = HELD_BY[step];
  made[node].mute.add(command);
  const request = made.world.command({ kind: 'migrateShard', shard: 0, destination: 'b' });
  made.world.settle();
  const [migration] = made.world.state.migrations.values();
  expect(migration?.step.kind).toBe(step);
  made[node].mute.clear();
  return { ...made, request, migrationId: migration?.id ?? '' };
}

/** How far a destination came that was stopped while it resumed. */
const LATER = { sessionId: 'session-0', sequence: 12, resumeGatewayUrl: '' };
const HALFWAY = { ...LATER, redelivers: true };

/** The connection of the origin breaks, and is there again. */
function reconnect({ world, a }: Scene): void {
  world.disconnect(a);
  world.connect(a);
}

/** The command that was lost, delivered after all. */
function answerNow({ world, a, b }: Scene, step: Step): void {
  const [name, kind] = HELD_BY[step];
  const lost = world.sentTo(name, kind).at(-1);
  if (lost !== undefined) ({ a, b })[name].receive(lost);
  world.settle();
}

function expectOver({ world, a, b }: Scene): void {
  expect(world.state.migrations.size).toBe(0);
  expect(world.placement()).toEqual(world.truth());
  expect([a.transfers.offers.size, a.transfers.frozen.size, b.transfers.staging.size]).toEqual([0, 0, 0]);
}

describe('a shard moves live', () => {
  test('in the order of the protocol, and only the last moment is frozen', () => {
    const { world, a, b } = scene();
    world.sent.length = 0;
    const result = world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    const wire = world.sent.map(({ node, message }) => `${node} ${message.kind}`);
    expect(wire.filter((one) => !one.endsWith('heartbeatAck'))).toEqual([
      'a transferOpen',
      'b transferOpen',
      'a transferCopy',
      'b transferData',
      'a transferCredit',
      'b transferData',
      'a transferFreeze',
      'a transferCredit',
      'b transferData',
      'b transferManifest',
      'a transferCredit',
      'a transferRelease',
      'b transferActivate',
      'a transferDone',
    ]);
    expect(result).toMatchObject({ ok: true, data: { userEvents: 3, bytes: 3, resumed: true } });
    expect(world.truth()).toEqual(shard0OnB);
    expect([a.held.size, a.transfers.unfrozen, b.resumes, b.identifies]).toEqual([0, 0, [0], []]);
    expectOver({ world, a, b });
  });

  test('the destination hears of the session, the origin of its deadline, and the manifest has the cursor', () => {
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

  test('what happened tells how long it was frozen, and how much moved', () => {
    const { world, b } = stuckIn('verifying');
    world.now += 120;
    b.receive(world.sentTo('b', 'transferManifest')[0]!);
    world.settle();
    expect(world.happened('migrationCompleted')[0]?.fields).toMatchObject({
      frozenMs: 120,
      durationMs: 120,
      userEvents: 3,
      bytes: 3,
      resumed: true,
    });
  });

  test('a session that is gone is told', () => {
    const { world, b, migrationId } = stuckIn('activating');
    b.running.add(0);
    b.transfers.staging.clear();
    b.send({ kind: 'transferActivated', migrationId, shardId: 0, resumed: false });
    world.settle();
    expect(world.happened('migrationCompleted')).toMatchObject([{ level: 'warn', fields: { resumed: false } }]);
  });

  test('many at once between the same nodes, each with its own data', () => {
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

  test('ids of two runs differ', () => {
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
  ])('not where %s does not know how', (older) => {
    const world = new World().start();
    const capabilities = ['auth', 'heartbeat', 'identify-permits', 'parallel-migrations'];
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
  test.each(all)('in %s: it runs on the origin in the end, and nobody identifies', (step) => {
    const made = scene();
    const [node, command] = HELD_BY[step];
    made[node].fail.add(command);
    const result = made.world.ask({ kind: 'migrateShard', shard: 0, destination: 'b' });
    expect(result).toMatchObject({ ok: false, error: { code: 'DSO_MIGRATION_FAILED' } });
    made.world.pass(10_000);
    expect(made.world.truth()).toEqual(everythingOnA);
    expect([made.a.identifies, made.b.identifies]).toEqual([[], []]);
    expectOver(made);
  });

  test('before the commit the origin goes on without a resume', () => {
    for (const step of back) {
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
    expect(world.happened('migrationFailed')[0]?.text).toContain('the hash differs');
    expect([world.truth(), b.resumes, a.transfers.unfrozen]).toEqual([everythingOnA, [], 1]);
    expect(world.sentTo('a', 'transferRelease')).toEqual([]);
  });

  test('a manifest without a session calls it off', () => {
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

  test('a destination that refuses in releasing: the origin takes the shard up again', () => {
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
  test.each(back)('%s: it is called off at both ends, and the origin goes on', (step) => {
    const made = stuckIn(step, { heartbeatIntervalMs: 3_600_000 });
    const { world, request } = made;
    const bound = boundOf(world.state.settings, step);
    world.pass(bound - 1);
    expect(world.replies.has(request)).toBe(false);
    world.pass(1);
    expect(world.replies.get(request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(world.happened('migrationFailed')[0]?.fields).toMatchObject({ step });
    expect(world.happened('migrationFailed')[0]?.text).toContain(LIVE_STEPS[step].overdue);
    expect(world.truth()).toEqual(everythingOnA);
    expect(made.a.resumes).toEqual([]);
    expectOver(made);
    answerNow(made, step);
    expect(world.truth()).toEqual(everythingOnA);
  });

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

  test('releasing: the destination resumes; an origin that went on by itself is stopped', () => {
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

  test('activating: it is stopped at the destination first, then resumed where its session is held', () => {
    const made = stuckIn('activating');
    made.world.pass(20_000);
    const kinds = made.world.sentTo('b').map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind !== 'heartbeatAck').slice(-2)).toEqual(['transferAbort', 'stopShard']);
    expect(made.world.truth()).toEqual(everythingOnA);
    expect([made.a.resumes, made.a.identifies]).toEqual([[0], []]);
    expectOver(made);
  });
});

describe('the origin is lost', () => {
  test.each(back)('in %s, and comes back: it went on all the time', (step) => {
    const made = stuckIn(step);
    made.world.disconnect(made.a);
    made.world.settle();
    expect(made.world.replies.get(made.request)).toMatchObject({ ok: false });
    expect(made.world.shard(0)).toMatchObject({ kind: 'unreachable', node: 'a' });
    made.world.connect(made.a);
    made.world.settle();
    expect(made.world.truth()).toEqual(everythingOnA);
    expect(made.a.resumes).toEqual([]);
    expectOver(made);
  });

  test.each(back)('in %s, and is dead: its shards are resumed elsewhere, from the last cursors there are', (step) => {
    const { world, a, b } = stuckIn(step);
    world.ask({ kind: 'uncordonNode', node: 'b' });
    world.kill(a);
    world.settle();
    expect(b.resumes.toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3]);
    expect([world.truth(), b.identifies]).toEqual([{ b: [0, 1, 2, 3] }, []]);
    expectOver({ world, a, b });
  });

  test.each([
    ['the one of its heartbeat, when that is later', 'copying', 40, 40],
    ['the one it opened with, when that is later', 'copying', 5, 10],
    ['the one it froze at, whatever it reported', 'verifying', 5, 10],
  ] as const)('and is dead: the cursor is %s', (_, step, reported, used) => {
    const { world, a, b } = stuckIn(step);
    const session = { ...a.session(0), sequence: reported };
    const shards = [{ shardId: 0, phase: 'ready' as const, pingMs: 1, guilds: 1, events: 0, session }];
    const process = { memoryBytes: 1, cpuPercent: 0, eventLoopDelayMs: 0, uptimeMs: 0 };
    a.send({ kind: 'heartbeat', sequence: 99, shards, process });
    world.settle();
    world.ask({ kind: 'uncordonNode', node: 'b' });
    world.kill(a);
    world.settle();
    const resumed = b.received.filter((message) => message.kind === 'prepareMigration' && message.shardId === 0);
    expect(resumed).toMatchObject([{ session: { sessionId: 'session-0', sequence: used } }]);
  });

  test('in releasing, known dead: the destination activates at once', () => {
    const { world, a, b, request } = stuckIn('releasing');
    world.kill(a);
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect([b.resumes, world.shard(0)]).toMatchObject([[0], { kind: 'running', node: 'b' }]);
  });

  test('in releasing, silent: the destination activates when it counts as dead', () => {
    const { world, a, b, request } = stuckIn('releasing', { maxNodeDowntimeMs: 8_000 });
    world.kill(a, { noticed: false });
    world.pass(7_999);
    expect([world.replies.has(request), b.resumes]).toEqual([false, []]);
    world.pass(1);
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect(b.resumes).toEqual([0]);
  });

  test.each([
    ['had not heard of it and unfroze: it keeps the shard', false, everythingOnA],
    ['had let go: the destination activates', true, shard0OnB],
  ])('in releasing, and comes back; it %s', (_, released, truth) => {
    const made = stuckIn('releasing');
    if (released) made.a.receive(made.world.sentTo('a', 'transferRelease')[0]!);
    made.world.disconnect(made.a);
    made.world.settle();
    expect(made.b.resumes).toEqual([]);
    made.world.connect(made.a);
    made.world.settle();
    expect(made.world.truth()).toEqual(truth);
    expect([made.a.resumes, made.a.held.size]).toEqual([[], 0]);
    expectOver(made);
  });

  test.each<[string, boolean, (made: Stuck) => void]>([
    ['says that it let go', false, (made) => answerNow(made, 'releasing')],
    [
      'stops it with the session as it was frozen',
      false,
      ({ a }) => a.send({ kind: 'stopShard', shardId: 0, session: a.session(0) }),
    ],
    [
      'is back, and holds the session',
      false,
      (made) => {
        made.a.receive(made.world.sentTo('a', 'transferRelease')[0]!);
        reconnect(made);
      },
    ],
    // The half-open link: the release never got there, and the origin unfroze and served on until its lease was over.
    [
      'is silent until it counts as dead',
      true,
      ({ world, a }) => {
        world.kill(a, { noticed: false });
        world.pass(30_000);
      },
    ],
    ['is known dead', true, ({ world, a }) => world.kill(a)],
    [
      'stops it, and cannot say with which session',
      true,
      (made) => {
        made.a.send({ kind: 'stopShard', shardId: 0, session: null });
      },
    ],
    [
      'is back as another process, which knows nothing of it',
      true,
      (made) => {
        made.a.running.clear();
        made.a.transfers.forget();
        reconnect(made);
      },
    ],
  ])('in releasing, and %s: the destination is told that events may repeat: %s', (_, redelivers, act) => {
    const made = stuckIn('releasing');
    act(made);
    made.world.settle();
    const told = made.world.sentTo('b', 'transferActivate');
    const { migrationId } = made;
    const expected = { kind: 'transferActivate', migrationId, shardId: 0 };
    expect(told).toEqual([redelivers ? { ...expected, redelivers } : expected]);
    expect([made.b.resumes, made.world.shard(0)]).toMatchObject([[0], { kind: 'running', node: 'b' }]);
  });

  test.each([
    ['fails', 'checkpoint', false, { kind: 'transferFailed', step: 'transferActivate', reason: 'no' }],
    ['stops it halfway through what may repeat', 'checkpoint', false, { kind: 'stopShard', session: HALFWAY }],
    ['stops it where only it can have got to', 'exact', true, { kind: 'stopShard', session: LATER }],
  ] as const)(
    'in releasing, and then the destination %s: the next node takes it over as %s',
    (_, takeover, released, answer) => {
      const made = stuckIn('releasing');
      const { world, a, b, migrationId } = made;
      b.mute.add('transferActivate');
      if (released) answerNow(made, 'releasing');
      else world.kill(a);
      world.join('c');
      b.send(answer.kind === 'stopShard' ? { ...answer, shardId: 0 } : { ...answer, shardId: 0, migrationId });
      if (released) world.kill(a);
      world.settle();
      const next = world
        .sentTo('c', 'prepareMigration')
        .filter((message) => 'shardId' in message && message.shardId === 0);
      expect(next).toMatchObject([{ takeover }]);
    },
  );

  test('in releasing, and then the destination hangs: where it is stopped need not be the last there is', () => {
    const { world, a, b } = stuckIn('releasing');
    b.mute.add('transferActivate').add('transferAbort').add('stopShard');
    world.kill(a);
    world.pass(20_000);
    world.join('c');
    b.send({ kind: 'stopShard', shardId: 0, session: HALFWAY });
    world.settle();
    const next = world
      .sentTo('c', 'prepareMigration')
      .filter((message) => 'shardId' in message && message.shardId === 0);
    expect(next).toMatchObject([{ takeover: 'checkpoint', session: LATER }]);
  });

  test('in activating: the destination goes on without it', () => {
    const made = stuckIn('activating');
    made.world.kill(made.a, { noticed: false });
    answerNow(made, 'activating');
    expect(made.world.replies.get(made.request)).toMatchObject({ ok: true });
    expect(made.world.shard(0)).toMatchObject({ kind: 'running', node: 'b' });
  });

  test('in activating, and comes back after it: it is told to drop its copy', () => {
    const made = stuckIn('activating');
    made.world.disconnect(made.a);
    answerNow(made, 'activating');
    made.world.connect(made.a);
    made.world.settle();
    expect(made.world.truth()).toEqual(shard0OnB);
    expect(made.a.held.size).toBe(0);
  });
});

describe('the destination is lost', () => {
  test.each(back)('in %s: the origin goes on as if nothing had happened', (step) => {
    const made = stuckIn(step);
    made.world.kill(made.b);
    made.world.settle();
    expect(made.world.replies.get(made.request)).toMatchObject({ ok: false });
    expect(made.world.truth()).toEqual(everythingOnA);
    expect(made.a.resumes).toEqual([]);
    expect(made.world.state.migrations.size).toBe(0);
  });

  test.each([false, true])('in releasing (the origin had let go: %s): the origin takes it up again', (released) => {
    const made = stuckIn('releasing');
    if (released) made.a.receive(made.world.sentTo('a', 'transferRelease')[0]!);
    made.world.kill(made.b);
    made.world.settle();
    expect(made.world.truth()).toEqual(everythingOnA);
    expect([made.a.resumes, made.a.identifies]).toEqual([released ? [0] : [], []]);
    expect(made.world.placement()).toEqual(made.world.truth());
  });

  test('in releasing, and then the origin too: the cursor is not forgotten', () => {
    const { world, a, b } = stuckIn('releasing');
    world.disconnect(a);
    world.kill(b);
    expect(world.shard(0)).toMatchObject({ kind: 'unreachable', known: { session: { sessionId: 'session-0' } } });
    world.join('c');
    world.pass(60_000);
    expect(world.nodes.get('c')?.resumes.toSorted()).toEqual([0, 1, 2, 3]);
  });

  test('in activating: it is resumed, by the origin, when it is known dead', () => {
    const { world, a, b } = stuckIn('activating');
    world.kill(b, { noticed: false });
    world.settle();
    expect(world.shard(0)).toMatchObject({ kind: 'unreachable', node: 'b' });
    world.feed({ kind: 'processExited', node: 'b', description: 'was killed' });
    world.settle();
    expect([a.resumes, a.identifies]).toEqual([[0], []]);
    expect(world.truth()).toEqual(everythingOnA);
  });

  test('in activating, and comes back running it: the migration was a success after all', () => {
    const made = stuckIn('activating');
    made.world.disconnect(made.b);
    made.b.running.add(0);
    made.world.connect(made.b);
    made.world.settle();
    expect(made.world.truth()).toEqual(shard0OnB);
    expect(made.a.held.size).toBe(0);
    expectOver(made);
  });
});

describe('an operator gets in the way', () => {
  test.each(all)('stops the shard in %s: it is stopped, the migration is over, and its session is kept', (step) => {
    const made = stuckIn(step);
    expect(made.world.ask({ kind: 'stopShard', shard: 0 })).toMatchObject({ ok: true });
    expect(made.world.replies.get(made.request)).toMatchObject({ error: { code: 'DSO_MIGRATION_FAILED' } });
    expect(made.world.shard(0)).toMatchObject({ kind: 'vacant', known: { session: { sessionId: 'session-0' } } });
    expect([made.a.running.has(0), made.b.running.has(0)]).toEqual([false, false]);
    expectOver(made);
  });

  test.each(all)('shuts the origin down in %s: everything runs on the destination', (step) => {
    const made = stuckIn(step);
    const { world, b } = made;
    world.ask({ kind: 'uncordonNode', node: 'b' });
    expect(world.ask({ kind: 'shutdownNode', node: 'a' })).toMatchObject({ ok: true });
    if (step === 'activating') answerNow(made, step);
    world.pass(10_000);
    expect(world.truth()).toEqual({ b: [0, 1, 2, 3] });
    expect(b.identifies).toEqual([]);
    expectOver(made);
  });

  test.each(all)('shuts the destination down in %s: everything runs on the origin', (step) => {
    const made = stuckIn(step);
    expect(made.world.ask({ kind: 'shutdownNode', node: 'b' })).toMatchObject({ ok: true });
    made.world.pass(10_000);
    expect(made.world.truth()).toEqual(everythingOnA);
    expect(made.a.identifies).toEqual([]);
    expectOver(made);
  });

  test.each(all)('ends the fleet in %s', (step) => {
    const { world, request } = stuckIn(step);
    expect(world.ask({ kind: 'shutdownFleet' })).toMatchObject({ ok: true });
    expect([world.state.migrations.size, world.replies.has(request)]).toEqual([0, true]);
    expect(world.truth()).toEqual({});
  });
});

describe('the orchestrator is killed', () => {
  test.each(all)('in %s: one node runs the shard again, and nobody identifies', (step) => {
    const made = stuckIn(step, { expectedNodes: null });
    const { world, a, b } = made;
    world.crash();
    world.connect(b);
    world.connect(a);
    world.pass(30_000);
    expect(world.truth()).toEqual(everythingOnA);
    // Where it had let go, it takes the session up again; else it served all the time, or unfroze.
    expect([a.resumes, a.identifies, b.identifies]).toEqual([step === 'activating' ? [0] : [], [], []]);
    expectOver(made);
  });

  test('between COMMIT and RELEASE: the record says that the shard is the destination’s, the origin serves, and keeps it', () => {
    const made = stuckIn('verifying', { expectedNodes: null });
    const { world, a, b, migrationId } = made;
    const verified = { kind: 'transferVerified', migrationId, shardId: 0, ok: true, reason: '' } as const;
    world.crash({ kind: 'message', connection: b.connection ?? '', message: verified });
    expect(world.records.get('shard/0')?.value).toMatchObject({ node: 'b', known: { sessionId: 'session-0' } });
    world.connect(a);
    world.connect(b);
    world.pass(30_000);
    expect(world.truth()).toEqual(everythingOnA);
    expect([a.resumes, b.resumes, a.identifies]).toEqual([[], [], []]);
    expectOver(made);
  });
});

describe('what nobody waits for', () => {
  const of = (migrationId: string) => ({ migrationId, shardId: 0 });
  const answers = (migrationId: string): Message[] => [
    { kind: 'transferOpened', ...of(migrationId), session: null, creditBytes: 5 },
    { kind: 'transferCopied', ...of(migrationId), events: 0, bytes: 0 },
    { kind: 'transferVerified', ...of(migrationId), ok: true, reason: '' },
    { kind: 'transferReleased', ...of(migrationId) },
    { kind: 'transferActivated', ...of(migrationId), resumed: true },
  ];

  test.each(all)('in %s: answers of other steps and from the other node change nothing, and are counted', (step) => {
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
  });

  test.each(all)('in %s: what a node says of a migration of another run changes nothing', (step) => {
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

  test.each(all)('in %s: the right answer, twice, is one step', (step) => {
    const made = stuckIn(step);
    const { world } = made;
    const node = made[HELD_BY[step][0]];
    node.receive(world.sentTo(node.id, HELD_BY[step][1]).at(-1)!);
    const answer = node.outbox.find(({ kind }) => kind === LIVE_STEPS[step].answer);
    if (answer !== undefined) node.send(answer);
    world.settle();
    expect(world.truth()).toEqual(shard0OnB);
    expectOver(made);
  });

  test('after the end: counted, and the shard stays where it is', () => {
    const { world, a, b, migrationId } = stuckIn('activating');
    b.receive(world.sentTo('b', 'transferActivate')[0]!);
    world.settle();
    for (const message of [...answers(migrationId), failed(migrationId)]) {
      a.send(message);
      b.send(message);
    }
    world.settle();
    expect([world.truth(), world.placement()]).toEqual([shard0OnB, shard0OnB]);
    expect(world.happened('protocolViolation').every(({ level }) => level === 'debug')).toBe(true);
  });

  function failed(migrationId: string): Message {
    return { kind: 'transferFailed', ...of(migrationId), step: 'transferOpen', reason: 'no' };
  }
});
