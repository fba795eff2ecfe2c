/** A live migration whose origin, destination or orchestrator is lost, at each of its steps. */
import { describe, expect, test } from 'vitest';
import {
  ALL_STEPS,
  BEFORE_RELEASE,
  everythingOnA,
  shard0OnB,
  stuckIn,
  LATER,
  HALFWAY,
  reconnect,
  answerNow,
  expectOver,
} from './live-scenes.js';
import type { Stuck } from './live-scenes.js';

describe('the origin is lost', () => {
  test.each(BEFORE_RELEASE)('an origin that is lost in %s and comes back went on all the time', (step) => {
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

  test.each(BEFORE_RELEASE)(
    'an origin that dies in %s has its shards resumed elsewhere, from the last cursors there are',
    (step) => {
      const { world, a, b } = stuckIn(step);
      world.ask({ kind: 'uncordonNode', node: 'b' });
      world.kill(a);
      world.settle();
      expect(b.resumes.toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3]);
      expect([world.truth(), b.identifies]).toEqual([{ b: [0, 1, 2, 3] }, []]);
      expectOver({ world, a, b });
    },
  );

  test.each([
    ['the one of its heartbeat, when that is later', 'copying', 40, 40],
    ['the one it opened with, when that is later', 'copying', 5, 10],
    ['the one it froze at, whatever it reported', 'verifying', 5, 10],
  ] as const)('an origin that dies has its shard resumed from the cursor that is %s', (_, step, reported, used) => {
    const { world, a } = stuckIn(step);
    const session = { ...a.session(0), sequence: reported };
    const shards = [{ shardId: 0, phase: 'ready' as const, pingMs: 1, guilds: 1, events: 0, session }];
    const process = { memoryBytes: 1, cpuPercent: 0, eventLoopDelayMs: 0, uptimeMs: 0 };
    a.send({ kind: 'heartbeat', sequence: 99, shards, process });
    world.settle();
    world.ask({ kind: 'uncordonNode', node: 'b' });
    world.kill(a);
    world.settle();
    const resumed = world.toldToResume('b').filter(({ shardId }) => shardId === 0);
    expect(resumed).toMatchObject([{ sessionId: 'session-0', sequence: used }]);
  });

  test('an origin that is known dead in releasing lets the destination activate at once', () => {
    const { world, a, b, request } = stuckIn('releasing');
    world.kill(a);
    world.settle();
    expect(world.replies.get(request)).toMatchObject({ ok: true });
    expect([b.resumes, world.shard(0)]).toMatchObject([[0], { kind: 'running', node: 'b' }]);
  });

  test('an origin that is silent in releasing lets the destination activate when it counts as dead', () => {
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
  ])('an origin that comes back in releasing %s', (_, released, truth) => {
    const made = stuckIn('releasing');
    if (released) made.a.receive(made.world.sentTo('a', 'transferRelease')[0]!);
    made.world.disconnect(made.a);
    made.world.settle();
    expect(made.b.resumes).toEqual([]);
    made.world.connect(made.a);
    made.world.settle();
    expect(made.world.truth()).toEqual(truth);
    expect([made.a.resumes, made.a.retained.size]).toEqual([[], 0]);
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
  ])('an origin that in releasing %s has the destination told that events may repeat: %s', (_, redelivers, act) => {
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
    'an origin is lost in releasing, and then the destination %s: the next node takes the shard over as %s',
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
      const next = world.toldToResume('c').filter(({ shardId }) => shardId === 0);
      expect(next).toMatchObject([{ takeover }]);
    },
  );

  test('an origin is lost in releasing, and then the destination hangs: where it is stopped need not be the last there is', () => {
    const { world, a, b } = stuckIn('releasing');
    b.mute.add('transferActivate').add('transferAbort').add('stopShard');
    world.kill(a);
    world.pass(20_000);
    world.join('c');
    b.send({ kind: 'stopShard', shardId: 0, session: HALFWAY });
    world.settle();
    const next = world.toldToResume('c').filter(({ shardId }) => shardId === 0);
    expect(next).toMatchObject([{ takeover: 'checkpoint', ...LATER }]);
  });

  test('an origin that is lost in activating does not stop the destination', () => {
    const made = stuckIn('activating');
    made.world.kill(made.a, { noticed: false });
    answerNow(made, 'activating');
    expect(made.world.replies.get(made.request)).toMatchObject({ ok: true });
    expect(made.world.shard(0)).toMatchObject({ kind: 'running', node: 'b' });
  });

  test('an origin that is lost in activating and comes back after it is told to drop its copy', () => {
    const made = stuckIn('activating');
    made.world.disconnect(made.a);
    answerNow(made, 'activating');
    made.world.connect(made.a);
    made.world.settle();
    expect(made.world.truth()).toEqual(shard0OnB);
    expect(made.a.retained.size).toBe(0);
  });
});

describe('the destination is lost', () => {
  test.each(BEFORE_RELEASE)(
    'a destination that is lost in %s leaves the origin going on as if nothing had happened',
    (step) => {
      const made = stuckIn(step);
      made.world.kill(made.b);
      made.world.settle();
      expect(made.world.replies.get(made.request)).toMatchObject({ ok: false });
      expect(made.world.truth()).toEqual(everythingOnA);
      expect(made.a.resumes).toEqual([]);
      expect(made.world.state.migrations.size).toBe(0);
    },
  );

  test.each([false, true])(
    'a destination that is lost in releasing (the origin had let go: %s) gives the shard back to the origin',
    (released) => {
      const made = stuckIn('releasing');
      if (released) made.a.receive(made.world.sentTo('a', 'transferRelease')[0]!);
      made.world.kill(made.b);
      made.world.settle();
      expect(made.world.truth()).toEqual(everythingOnA);
      expect([made.a.resumes, made.a.identifies]).toEqual([released ? [0] : [], []]);
      expect(made.world.placement()).toEqual(made.world.truth());
    },
  );

  test('a destination that is lost in releasing, and then the origin too, does not make the cursor forgotten', () => {
    const { world, a, b } = stuckIn('releasing');
    world.disconnect(a);
    world.kill(b);
    expect(world.shard(0)).toMatchObject({ kind: 'unreachable', known: { session: { sessionId: 'session-0' } } });
    world.join('c');
    world.pass(60_000);
    expect(world.nodes.get('c')?.resumes.toSorted()).toEqual([0, 1, 2, 3]);
  });

  test('a destination that is lost in activating has the shard resumed by the origin when it is known dead', () => {
    const { world, a, b } = stuckIn('activating');
    world.kill(b, { noticed: false });
    world.settle();
    expect(world.shard(0)).toMatchObject({ kind: 'unreachable', node: 'b' });
    world.feed({ kind: 'processExited', node: 'b', description: 'was killed' });
    world.settle();
    expect([a.resumes, a.identifies]).toEqual([[0], []]);
    expect(world.truth()).toEqual(everythingOnA);
  });

  test('a destination that comes back running the shard in activating made the migration a success after all', () => {
    const made = stuckIn('activating');
    made.world.disconnect(made.b);
    made.b.running.add(0);
    made.world.connect(made.b);
    made.world.settle();
    expect(made.world.truth()).toEqual(shard0OnB);
    expect(made.a.retained.size).toBe(0);
    expectOver(made);
  });
});

describe('the orchestrator is killed', () => {
  test.each(ALL_STEPS)('one node runs the shard again after a kill in %s, and nobody identifies', (step) => {
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

  test('the destination owns the shard in the record after a kill between COMMIT and RELEASE, and the origin serves and keeps it', () => {
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
