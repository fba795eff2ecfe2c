/**
 * Whatever happens, in whatever order: the session makes no illegal move (`enterShard` throws on one), never waits for
 * a host call that is not under way, keeps its bounds, and can always leave.
 */
import { CAPABILITIES } from '@dshard/protocol';
import type { Message } from '@dshard/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SHARD_STATES } from '../../src/session/shard-states.js';
import { Bench, LIMITS, SESSION } from './bench.js';

const SHARDS = 2;
const shardId = fc.integer({ min: 0, max: SHARDS - 1 });
const migrationId = fc.constantFrom('m1', 'm1', 'm1', 'm2');
const session = fc.constantFrom(SESSION, { ...SESSION, sessionId: 'other' }, null);

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ kind: fc.constant('startShards' as const), shardIds: fc.array(shardId, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('stopShard' as const), shardId, session: fc.constant(null) }),
  fc.record({ kind: fc.constant('prepareMigration' as const), origin: fc.boolean(), shardId, session }),
  fc.record({ kind: fc.constant('startMigration' as const), shardId }),
  fc.record({
    kind: fc.constant('allUserDataSent' as const),
    numEvents: fc.integer({ min: 0, max: 2 }),
  }),
  fc.record({
    kind: fc.constant('userEvent' as const),
    eventId: fc.constant(100),
    body: fc.constant(new Uint8Array(400)),
  }),
  fc.record({
    kind: fc.constant('transferOpen' as const),
    migrationId,
    shardId,
    role: fc.constantFrom('origin' as const, 'destination' as const),
    session,
    freezeTimeoutMs: fc.constantFrom(0, 1_000),
  }),
  fc.record({
    kind: fc.constant('shardLeaving' as const),
    migrationId,
    shardId,
    patienceMs: fc.constantFrom(0, 1_000),
  }),
  fc.record({ kind: fc.constant('transferWarmUp' as const), migrationId, shardId, session }),
  fc.record({ kind: fc.constant('transferCopy' as const), migrationId, shardId, creditBytes: fc.constant(1_000) }),
  fc.record({ kind: fc.constant('transferCredit' as const), migrationId, shardId, bytes: fc.constant(10) }),
  fc.record({
    kind: fc.constant('transferData' as const),
    migrationId,
    shardId,
    index: fc.integer({ min: 0, max: 2 }),
    eventId: fc.constant(101),
    body: fc.constant(new Uint8Array(400)),
  }),
  fc.record({
    kind: fc.constant('transferManifest' as const),
    migrationId,
    shardId,
    events: fc.integer({ min: 0, max: 1 }),
    bytes: fc.constant(0),
    hash: fc.constant(''),
    session,
  }),
  fc.record({
    kind: fc.constantFrom(
      'transferFreeze' as const,
      'transferRelease' as const,
      'transferActivate' as const,
      'transferDone' as const,
    ),
    migrationId,
    shardId,
  }),
  fc.record({ kind: fc.constant('transferAbort' as const), migrationId, shardId, reason: fc.constant('x') }),
  fc.record({ kind: fc.constant('identifyGranted' as const), shardId }),
  fc.record({
    kind: fc.constant('rejected' as const),
    code: fc.constant('X'),
    message: fc.constant('x'),
    retryable: fc.boolean(),
  }),
);

/** Those under way are looked at when they end; the others are only the orchestrator's to speak of. */
const OUTLIVES_CONNECTION = new Set([
  'released',
  'baseFreezing',
  'baseReleasing',
  'preparing',
  'opening',
  'activating',
]);

type Step =
  | { do: 'message'; message: Message }
  | { do: 'endCall'; pick: number; how: 'ok' | 'noSession' | 'threw' | 'timedOut' }
  | { do: 'handleEvent'; pick: number; fails: boolean }
  | { do: 'produce'; pick: number }
  | { do: 'permit'; shardId: number; ends: boolean }
  | { do: 'connect'; extended: boolean }
  | { do: 'disconnect' }
  | { do: 'wait'; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('message' as const), message }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('endCall' as const),
      pick: fc.nat(),
      how: fc.constantFrom(
        'ok' as const,
        'ok' as const,
        'ok' as const,
        'noSession' as const,
        'threw' as const,
        'timedOut' as const,
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('handleEvent' as const), pick: fc.nat(), fails: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('produce' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('permit' as const), shardId, ends: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('connect' as const), extended: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('disconnect' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40_000 }) }) },
);

/** A host and a network around the session, as far as the session can tell. */
class World {
  readonly bench = new Bench();
  readonly calls = new Map<number, readonly number[]>();
  userEvents: { stage: number; shardId: number; bytes: number }[] = [];
  request = 0;

  take(): void {
    for (const effect of this.bench.effects) {
      if (effect.kind === 'call') {
        const { request } = effect;
        this.calls.set(effect.call, request.method === 'startShards' ? request.shardIds : [request.shardId]);
      } else if (effect.kind === 'handleUserEvent') {
        this.userEvents.push({ stage: effect.stage, shardId: effect.shardId, bytes: effect.body.byteLength });
      }
    }
  }

  perform(step: Step): void {
    const { bench } = this;
    switch (step.do) {
      case 'message':
        bench.message(step.message);
        break;
      case 'endCall':
        this.endCall(step.pick, step.how);
        break;
      case 'handleEvent': {
        const [event] = this.userEvents.splice(step.pick % Math.max(1, this.userEvents.length), 1);
        if (event !== undefined) {
          bench.event({ kind: 'userEventHandled', events: 1, ...event, failure: step.fails ? 'x' : null });
        }
        break;
      }
      case 'produce': {
        const [call, shardIds] = [...this.calls][step.pick % Math.max(1, this.calls.size)] ?? [0, [0]];
        const event = { eventId: 101, body: new Uint8Array(1) };
        bench.event({ kind: 'userEventProduced', call, shardId: shardIds[0] ?? 0, ...event });
        break;
      }
      case 'permit':
        bench.event(
          step.ends
            ? { kind: 'permitFinished', shardId: step.shardId, request: this.request, ready: true }
            : { kind: 'permitRequested', shardId: step.shardId, request: ++this.request },
        );
        break;
      case 'connect':
        bench.event({ kind: 'start' });
        bench.now += 40_000;
        bench.event({ kind: 'tick' });
        this.take();
        if (bench.state.link.kind === 'connecting') {
          bench.established(step.extended ? CAPABILITIES : [], { totalShards: SHARDS });
        }
        break;
      case 'disconnect':
        bench.disconnected();
        break;
      case 'wait':
        bench.now += step.ms;
        bench.event({ kind: 'tick' });
        break;
    }
    this.take();
    this.check();
  }

  endCall(pick: number, how: 'ok' | 'noSession' | 'threw' | 'timedOut'): void {
    const entries = [...this.calls];
    const entry = entries[pick % Math.max(1, entries.length)];
    if (entry === undefined) {
      return;
    }
    const [call, shardIds] = entry;
    this.calls.delete(call);
    const outcome =
      how === 'ok' || how === 'noSession'
        ? ({ ok: true, session: how === 'ok' ? SESSION : null } as const)
        : ({ ok: false, timedOut: how === 'timedOut', message: how } as const);
    this.bench.event({ kind: 'callEnded', call, shardIds, outcome });
  }

  check(): void {
    const { state } = this.bench;
    for (const [id, shard] of state.shards) {
      expect(id).toBeLessThan(SHARDS);
      if ('call' in shard) {
        expect(this.calls.get((shard as { call: number }).call)).toContain(id);
      }
      if ('connection' in shard && !OUTLIVES_CONNECTION.has(shard.kind)) {
        expect(state.link).toMatchObject({ kind: 'established', connection: shard.connection });
      }
      if ('transfer' in shard && SHARD_STATES[shard.kind].busy !== true) {
        expect(state.link).toMatchObject({ kind: 'established', connection: shard.transfer.connection });
      }
      if (shard.kind === 'collecting') {
        expect(shard.transfer.pendingBytes).toBeLessThanOrEqual(LIMITS.transferWindowBytes);
      }
      if (shard.kind === 'sendingDelta' || shard.kind === 'frozen') {
        // Time passes only with a tick, so a frozen shard never outlives its deadline.
        expect(shard.deadline).toBeGreaterThan(this.bench.now);
      }
    }
    for (const [id, commands] of state.waiting) {
      expect(commands.length).toBeLessThanOrEqual(LIMITS.commandsPerShard);
      expect(SHARD_STATES[state.shards.get(id)!.kind].busy).toBe(true);
    }
    expect(state.outbox.length).toBeLessThanOrEqual(LIMITS.outboxMessages);
    const wake = this.bench.effects.findLast((effect) => effect.kind === 'wakeAt');
    if (state.link.kind === 'waiting') {
      expect(wake?.at).toBeLessThanOrEqual(this.bench.now + LIMITS.refusedRetryMs);
    }
  }
}

test('the session stands whatever happens', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 100, size: 'max' }), (steps) => {
      const world = new World();
      world.perform({ do: 'connect', extended: true });
      for (const each of steps) {
        world.perform(each);
      }
      world.bench.event({ kind: 'close' });
      world.take();
      for (let round = 0; round < 50 && world.calls.size > 0; round++) {
        world.endCall(0, 'ok');
        world.take();
      }
      expect(world.bench.state.lifecycle.kind).toBe('lingering');
    }),
    { numRuns: 400 },
  );
});

test('a shard that is released stays known until the orchestrator speaks of it', () => {
  const silent = step.filter((each) => each.do !== 'message');
  fc.assert(
    fc.property(fc.array(silent, { maxLength: 30 }), (steps) => {
      const world = new World();
      world.perform({ do: 'connect', extended: true });
      world.bench.put('released', 1);
      for (const each of steps) {
        world.perform(each);
      }
      expect(world.bench.kind(1)).toBe('released');
    }),
  );
});
