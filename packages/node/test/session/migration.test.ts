import { describe, expect, test } from 'vitest';
import { Bench, SESSION, SHARD } from './bench.js';

const event = (size = 10) => ({ kind: 'userEvent', eventId: 100, body: new Uint8Array(size) }) as const;

describe('an origin', () => {
  test('goes through the whole migration', () => {
    const bench = new Bench().established().put('running');
    bench.message({ kind: 'prepareMigration', origin: true, shardId: SHARD, session: null });
    bench.callEnds({ session: SESSION });
    expect(bench.sent()).toEqual([{ kind: 'prepareMigration', origin: true, shardId: SHARD, session: SESSION }]);
    bench.message({ kind: 'startMigration', shardId: SHARD });
    const call = (bench.state.shards.get(SHARD) as { call: number }).call;
    for (let index = 0; index < 3; index++) {
      bench.event({ kind: 'userEventProduced', call, shardId: SHARD, eventId: 101, body: new Uint8Array([index]) });
      expect(bench.sent('userEvent')[0]?.body).toEqual(new Uint8Array([index]));
    }
    bench.callEnds({});
    expect(bench.said()).toEqual(['call release']);
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'allUserDataSent', numEvents: 3 }]);
    expect(bench.said()).toContain('released');
    expect(bench.kind()).toBe('absent');
  });

  test.each(['baseFrozen', 'baseSending'] as const)('goes on with a %s shard when the connection is lost', (state) => {
    const bench = new Bench().established().put(state);
    bench.disconnected();
    expect(bench.called()).toEqual([{ method: 'unfreeze', shardId: SHARD }]);
    bench.callEnds({});
    expect(bench.kind()).toBe('running');
  });

  // The export had ended and the release was under way when the migration stood still: the shard was unfrozen, its
  // connection was closed, and nobody served it for ever. (Simulator, seed 61595200.)
  test('resumes a shard that it has released for a connection that is lost', () => {
    const bench = new Bench().established().put('baseReleasing');
    bench.disconnected();
    expect(bench.called()).toEqual([]);
    bench.callEnds({});
    expect(bench.called()).toEqual([{ method: 'resumeShard', shardId: SHARD, session: SESSION, why: 'takeBack' }]);
  });

  test.each(['baseFrozen', 'baseSending'] as const)(
    'resumes a %s shard whose host cannot keep events, and has closed it',
    (state) => {
      const bench = new Bench().established().put(state);
      bench.state = { ...bench.state, keepsEvents: false };
      bench.disconnected();
      expect(bench.called()).toEqual([{ method: 'resumeShard', shardId: SHARD, session: SESSION, why: 'takeBack' }]);
    },
  );

  // It was stopped for its cursor, which freeze had just returned; the stop dropped its state, and nobody was told.
  // (Simulator, seed 830166.)
  test.each(['baseFreezing', 'freezing'] as const)(
    'resumes a shard whose %s ends after the connection, with the state that its host has kept',
    (state) => {
      const bench = new Bench().established().put(state);
      bench.state = { ...bench.state, keepsEvents: false };
      bench.disconnected();
      bench.callEnds({ session: SESSION });
      expect(bench.called()).toEqual([{ method: 'resumeShard', shardId: SHARD, session: SESSION, why: 'takeBack' }]);
    },
  );

  test('resumes a shard that was frozen too late in the same way', () => {
    const bench = new Bench().established().put('freezing');
    bench.state = { ...bench.state, keepsEvents: false };
    bench.now += 5_000;
    bench.callEnds({ session: SESSION });
    expect(bench.called()).toEqual([{ method: 'resumeShard', shardId: SHARD, session: SESSION, why: 'takeBack' }]);
    expect(bench.sent('transferFailed')).toHaveLength(1);
  });

  test.each(['baseFrozen', 'baseSending'] as const)(
    'goes on with a %s shard when nothing happens any more',
    (state) => {
      const bench = new Bench().established().put(state);
      bench.now += 14_999;
      bench.event({ kind: 'tick' });
      expect(bench.kind()).toBe(state);
      bench.now += 1;
      bench.event({ kind: 'tick' });
      expect(bench.kind()).toBe('unfreezing');
      expect(bench.sent('commandFailed')).toHaveLength(1);
    },
  );

  test('is woken in time to do so', () => {
    const bench = new Bench().established().put('baseFrozen');
    expect(bench.event({ kind: 'tick' }).at(-1)).toEqual({ kind: 'wakeAt', at: bench.now + 15_000 });
  });

  test('counts a sent event as progress', () => {
    const bench = new Bench().established().put('baseSending');
    bench.now += 14_000;
    const { call } = bench.state.shards.get(SHARD) as { call: number };
    bench.event({ kind: 'userEventProduced', call, shardId: SHARD, eventId: 101, body: new Uint8Array(1) });
    bench.now += 14_000;
    bench.event({ kind: 'tick' });
    expect(bench.kind()).toBe('baseSending');
  });

  test('goes on as before when it freezes a shard for a connection that is lost meanwhile', () => {
    const bench = new Bench().established().put('baseFreezing');
    bench.disconnected();
    expect(bench.kind()).toBe('baseFreezing');
    bench.callEnds({ session: SESSION });
    expect(bench.called()).toEqual([{ method: 'unfreeze', shardId: SHARD }]);
  });

  test('is told to go on while it freezes, and does when it has', () => {
    const bench = new Bench().established().put('baseFreezing');
    bench.message({ kind: 'startShards', shardIds: [SHARD] });
    bench.callEnds({ session: SESSION });
    expect(bench.kind()).toBe('unfreezing');
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'startShards', shardIds: [SHARD] }]);
  });

  test('moves one shard at a time: user events name none', () => {
    const bench = new Bench().established().put('baseSending').put('running', 4);
    bench.message({ kind: 'prepareMigration', origin: true, shardId: 4, session: null });
    expect(bench.kind(4)).toBe('running');
    expect(bench.sent('commandFailed')).toHaveLength(1);
  });
});

describe('a destination', () => {
  const staging = (limits = {}): Bench => {
    const bench = new Bench(limits).established();
    bench.message({ kind: 'prepareMigration', origin: false, shardId: SHARD, session: SESSION });
    bench.callEnds({});
    return bench;
  };
  const handled = (bench: Bench, failure: string | null = null, bytes = 10): void => {
    const { stage } = bench.state.shards.get(SHARD) as { stage: number };
    bench.event({ kind: 'userEventHandled', stage, shardId: SHARD, events: 1, bytes, failure });
  };

  test('resumes when as many events are handled as were sent, and not before', () => {
    const bench = staging();
    bench.message(event());
    bench.message(event());
    handled(bench);
    bench.message({ kind: 'allUserDataSent', numEvents: 2 });
    expect(bench.kind()).toBe('staging');
    handled(bench);
    expect(bench.called()).toEqual([{ method: 'resumeShard', shardId: SHARD, session: SESSION, why: 'migration' }]);
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'startShards', shardIds: [SHARD] }]);
  });

  test('resumes also when the origin is slower to say so than to send', () => {
    const bench = staging();
    bench.message({ kind: 'allUserDataSent', numEvents: 1 });
    expect(bench.kind()).toBe('staging');
    bench.message(event());
    handled(bench);
    expect(bench.kind()).toBe('resuming');
  });

  test('resumes at 0 events without an origin', () => {
    const bench = staging();
    bench.message({ kind: 'allUserDataSent', numEvents: 0 });
    expect(bench.kind()).toBe('resuming');
  });

  test('a sequence beyond 2^53 or no session at all is refused', () => {
    const bench = new Bench().established();
    const session = { ...SESSION, sequence: 2n ** 60n };
    bench.message({ kind: 'prepareMigration', origin: false, shardId: SHARD, session });
    bench.message({ kind: 'prepareMigration', origin: false, shardId: SHARD, session: null });
    expect(bench.kind()).toBe('absent');
    expect(bench.sent('commandFailed')).toHaveLength(1);
  });

  test('takes a sequence as a number when it is a bigint that fits', () => {
    const bench = new Bench().established();
    bench.message({ kind: 'prepareMigration', origin: false, shardId: SHARD, session: { ...SESSION, sequence: 41n } });
    expect(bench.called()).toEqual([{ method: 'prepareTransferTo', shardId: SHARD, session: SESSION }]);
  });

  test('drops what it was given when the connection is lost', () => {
    const bench = staging();
    bench.message(event());
    bench.disconnected();
    expect(bench.said()).toEqual(['abortStaging']);
    expect(bench.kind()).toBe('absent');
  });

  test('drops it when an event fails, and says so', () => {
    const bench = staging();
    bench.message(event());
    handled(bench, 'no such guild');
    expect(bench.kind()).toBe('absent');
    expect(bench.sent('commandFailed')[0]).toMatchObject({ shardId: SHARD, message: 'no such guild' });
  });

  test('drops it when more events came than were sent', () => {
    const bench = staging();
    bench.message(event());
    bench.message({ kind: 'allUserDataSent', numEvents: 0 });
    expect(bench.kind()).toBe('absent');
  });

  test('stops reading when too much waits, and reads again when half of it is handled', () => {
    const bench = staging({ stagedHighBytes: 100 });
    bench.message(event(60));
    expect(bench.said()).toEqual(['handleUserEvent']);
    bench.message(event(60));
    expect(bench.said()).toEqual(['handleUserEvent', 'pause']);
    handled(bench, null, 60);
    expect(bench.said()).toEqual([]);
    handled(bench, null, 60);
    expect(bench.said()).toEqual(['read']);
  });

  test('goes on resuming when the connection is lost: it is past the point of no return', () => {
    const bench = staging();
    bench.message({ kind: 'allUserDataSent', numEvents: 0 });
    bench.disconnected();
    bench.now += 60_000;
    bench.event({ kind: 'tick' });
    bench.connected();
    expect(bench.sent('identify')[0]?.runningShards).toEqual([SHARD]);
    bench.callEnds({});
    bench.message({
      kind: 'identified',
      totalShards: 16,
      nodeId: 'a',
      capabilities: ['sessions'],
      heartbeatIntervalMs: 0,
    });
    expect(bench.sent('startShards')).toEqual([{ kind: 'startShards', shardIds: [SHARD] }]);
  });
});
