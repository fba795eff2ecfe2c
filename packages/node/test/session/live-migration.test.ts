/** Live migration, as stories: the whole flow, and everything that may come between. */
import { CAPABILITIES } from '@dshard/protocol';
import { digestTransferData } from '@dshard/transport';
import { describe, expect, test } from 'vitest';
import type { ShardStateKind } from '../../src/session/state.js';
import { Bench, BOUNDS, MIGRATION, SESSION, SHARD } from './bench.js';

const of = { migrationId: MIGRATION, shardId: SHARD };

function produce(bench: Bench, text: string): { eventId: number; body: Uint8Array } {
  const { call } = bench.state.shards.get(SHARD) as { call: number };
  const event = { eventId: 101, body: new TextEncoder().encode(text) };
  bench.event({ kind: 'userEventProduced', call, shardId: SHARD, ...event });
  return event;
}

/** An origin that has copied one event and waits to be frozen. */
function copied(bench = new Bench().established().put('running')): Bench {
  bench.message({ kind: 'transferOpen', ...of, role: 'origin', session: null, freezeTimeoutMs: 2_000 });
  bench.message({ kind: 'transferCopy', ...of, creditBytes: 1_000 });
  produce(bench, 'live');
  bench.callEnds({});
  return bench;
}

/** An origin whose manifest is out. */
function frozen(): Bench {
  const bench = copied();
  bench.message({ kind: 'transferFreeze', ...of });
  bench.callEnds({ session: SESSION });
  bench.callEnds({});
  return bench;
}

describe('the origin', () => {
  test('goes through the whole flow', () => {
    const bench = new Bench().established().put('running');
    bench.message({ kind: 'transferOpen', ...of, role: 'origin', session: null, freezeTimeoutMs: 2_000 });
    bench.message({ kind: 'transferCopy', ...of, creditBytes: 1_000 });
    expect(bench.called()).toEqual([
      { method: 'exportState', shardId: SHARD, credit: { available: 1_000, window: 1_000 } },
    ]);
    const first = produce(bench, 'live');
    expect(bench.sent()).toEqual([{ kind: 'transferData', ...of, index: 0, ...first }]);
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'transferCopied', ...of, events: 1, bytes: 4 }]);
    bench.message({ kind: 'transferCredit', ...of, bytes: 3 });
    bench.message({ kind: 'transferFreeze', ...of });
    expect(bench.called()).toEqual([{ method: 'freeze', shardId: SHARD, withinMs: 2_000 }]);
    bench.callEnds({ session: SESSION });
    expect(bench.called()).toEqual([
      { method: 'exportDelta', shardId: SHARD, credit: { available: 999, window: 1_000 }, copied: true },
    ]);
    const second = produce(bench, 'delta');
    expect(bench.sent()).toEqual([{ kind: 'transferData', ...of, index: 1, ...second }]);
    bench.callEnds({});
    const hash = digestTransferData(digestTransferData('', { index: 0, ...first }), { index: 1, ...second });
    expect(bench.sent()).toEqual([{ kind: 'transferManifest', ...of, events: 2, bytes: 9, hash, session: SESSION }]);
    bench.message({ kind: 'transferRelease', ...of });
    expect(bench.called()).toEqual([{ method: 'release', shardId: SHARD }]);
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'transferReleased', ...of }]);
    bench.message({ kind: 'transferDone', ...of });
    expect(bench.said()).toEqual(['released']);
    expect(bench.kind()).toBe('absent');
  });

  test('sends everything as the delta when it was frozen without a copy', () => {
    const bench = new Bench().established().put('offered');
    bench.message({ kind: 'transferFreeze', ...of });
    bench.callEnds({ session: SESSION });
    expect(bench.called()[0]).toMatchObject({ method: 'exportDelta', copied: false });
  });

  test('goes on when it is still copying and cannot be frozen', () => {
    const bench = new Bench().established().put('copying');
    bench.message({ kind: 'transferFreeze', ...of });
    expect(bench.sent('transferFailed')[0]).toMatchObject({ step: 'transferFreeze' });
    expect(bench.kind()).toBe('copying');
  });

  test.each([
    ['announcing', 'running', ['endPatience', 'stays']],
    ['announced', 'running', ['stays']],
    ['offered', 'running', ['stays']],
    ['copying', 'running', ['abortTransfer', 'stays']],
    ['copied', 'running', ['stays']],
    ['sendingDelta', 'unfreezing', ['abortTransfer', 'call unfreeze', 'stays']],
    ['frozen', 'unfreezing', ['call unfreeze', 'stays']],
    ['unfreezing', 'unfreezing', []],
    ['releasing', 'releasing', []],
    ['released', 'released', []],
    ['freezing', 'freezing', []],
    ['collecting', 'absent', ['abortStaging']],
    ['warming', 'absent', ['abortStaging']],
    ['verified', 'absent', ['abortStaging']],
    ['opening', 'opening', []],
    ['activating', 'activating', []],
  ] as const)(
    'lets a shard that is %s when the connection is lost become %s, and so does the destination',
    (state, next, said) => {
      const bench = new Bench().established().put(state);
      bench.disconnected();
      expect(bench.kind()).toBe(next);
      expect(bench.said()).toEqual(said);
    },
  );

  test('unfreezes a shard that it froze for a connection that is lost meanwhile', () => {
    const bench = new Bench().established().put('freezing');
    bench.disconnected();
    bench.callEnds({ session: SESSION });
    expect(bench.said()).toEqual(['call unfreeze', 'stays']);
    bench.callEnds({});
    expect(bench.kind()).toBe('running');
  });

  test('unfreezes by itself when its time is up, and refuses a release that comes later', () => {
    const bench = frozen();
    expect(bench.event({ kind: 'tick' }).at(-1)).toEqual({ kind: 'wakeAt', at: bench.now + 2_000 });
    bench.now += 1_999;
    bench.event({ kind: 'tick' });
    expect(bench.kind()).toBe('frozen');
    bench.now += 1;
    bench.event({ kind: 'tick' });
    expect(bench.said()).toEqual(['send transferFailed', 'call unfreeze']);
    bench.callEnds({});
    bench.message({ kind: 'transferRelease', ...of });
    expect(bench.sent('transferFailed')[0]).toMatchObject({ step: 'transferRelease' });
    expect(bench.kind()).toBe('running');
  });

  // A process that was stopped for a while reads the message before its timers fire.
  test('reads its deadline off the clock when a release comes', () => {
    const bench = frozen();
    bench.now += 2_000;
    bench.message({ kind: 'transferRelease', ...of });
    expect(bench.said()).toEqual(['send transferFailed', 'call unfreeze']);
  });

  test('unfreezes at once when its host took the whole time to freeze', () => {
    const bench = copied();
    bench.message({ kind: 'transferFreeze', ...of });
    bench.now += 2_000;
    bench.callEnds({ session: SESSION });
    expect(bench.said()).toEqual(['send transferFailed', 'call unfreeze']);
  });

  test('says after a reconnect which shards it has given away, and keeps them for any time', () => {
    const bench = new Bench().established().put('released').put('releasing', 4).put('frozen', 5);
    bench.disconnected();
    bench.callEnds({}, 5);
    bench.now += 1_000_000;
    bench.event({ kind: 'tick' });
    bench.connected();
    expect(bench.sent('identify')[0]).toMatchObject({
      runningShards: [5],
      heldSessions: [
        { shardId: SHARD, ...SESSION },
        { shardId: 4, ...SESSION },
      ],
    });
    bench.callEnds({ threw: 'no' }, 4);
    expect(bench.kind(4)).toBe('released');
  });

  test('can be told twice to release; the answer is the same', () => {
    const bench = frozen();
    bench.message({ kind: 'transferRelease', ...of });
    bench.message({ kind: 'transferRelease', ...of });
    bench.callEnds({});
    expect(bench.said()).toEqual(['send transferReleased', 'send transferReleased']);
  });

  test('tells an abort behind the release that it comes too late', () => {
    const bench = frozen();
    bench.message({ kind: 'transferRelease', ...of });
    bench.message({ kind: 'transferAbort', ...of, reason: 'x' });
    bench.callEnds({});
    expect(bench.said()).toEqual(['send transferReleased', 'send transferReleased']);
    expect(bench.kind()).toBe('released');
  });

  test('unfreezes at the start of a frozen shard, and answers it', () => {
    const bench = frozen();
    bench.message({ kind: 'startShards', shardIds: [SHARD] });
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'startShards', shardIds: [SHARD] }]);
  });
});

describe('an orchestrator dies while its migration is under way, and the next begins another one', () => {
  const next = { migrationId: 'm2', shardId: SHARD };
  const UNDONE: readonly (readonly [ShardStateKind, ...string[]])[] = [
    ['announcing', 'endPatience', 'stays'],
    ['announced', 'stays'],
    ['offered', 'stays'],
    ['copying', 'abortTransfer', 'stays'],
    ['copied', 'stays'],
    ['sendingDelta', 'abortTransfer', 'call unfreeze', 'stays'],
    ['frozen', 'call unfreeze', 'stays'],
  ];
  const rows = UNDONE.map(([state, ...undone]) => ({ state, undone }));
  test.each(rows)('the copy begins anew with the new credit in $state', ({ state, undone }) => {
    const bench = new Bench().established().put(state);
    bench.disconnected();
    expect(bench.said()).toEqual(undone);
    if (undone.includes('call unfreeze')) bench.callEnds({});
    expect(bench.kind()).toBe('running');
    bench.reconnected();
    bench.message({ kind: 'transferOpen', ...next, role: 'origin', session: null, freezeTimeoutMs: 0 });
    bench.message({ kind: 'transferCopy', ...next, creditBytes: 700 });
    const credit = { available: 700, window: 700 };
    expect(bench.called()).toEqual([{ method: 'exportState', shardId: SHARD, credit }]);
    // Credit of the migration before may be on its way yet.
    bench.message({ kind: 'transferCredit', ...of, bytes: 50 });
    expect(bench.said()).toEqual([]);
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'transferCopied', ...next, events: 0, bytes: 0 }]);
  });

  test('the copy under way on the same connection is cancelled, and a late end of it changes nothing', () => {
    const bench = new Bench().established().put('copying');
    bench.message({ kind: 'transferOpen', ...next, role: 'origin', session: null, freezeTimeoutMs: 0 });
    expect(bench.said()).toEqual(['abortTransfer', 'stays', 'send transferOpened']);
    bench.event({ kind: 'callEnded', call: 900 + SHARD, shardIds: [SHARD], outcome: { ok: true, session: null } });
    expect(bench.kind()).toBe('offered');
  });
});

describe('the destination', () => {
  test('goes through the whole flow', () => {
    const bench = new Bench().established();
    bench.message({ kind: 'transferOpen', ...of, role: 'destination', session: SESSION, freezeTimeoutMs: 0 });
    expect(bench.called()).toEqual([{ method: 'prepareTransferTo', shardId: SHARD, session: SESSION }]);
    bench.callEnds({});
    expect(bench.said()).toEqual(['send transferOpened']);
    expect(bench.sent('transferOpened')[0]?.creditBytes).toBe(1_000);
    const later = { ...SESSION, sequence: 40 };
    bench.message({ kind: 'transferWarmUp', ...of, session: later });
    expect(bench.called()).toEqual([{ method: 'warm', shardId: SHARD, session: later, isServed: true }]);
    bench.callEnds({});
    expect(bench.called()).toEqual([{ method: 'preconnect', shardId: SHARD, session: later }]);
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'transferWarm', ...of }]);
    const session = { ...SESSION, sequence: 50 };
    bench.message({ kind: 'transferManifest', ...of, events: 0, bytes: 0, hash: '', session });
    bench.message({ kind: 'transferActivate', ...of });
    expect(bench.called()).toEqual([{ method: 'resumeShard', shardId: SHARD, session, why: 'migration' }]);
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'transferActivated', ...of, resumed: true }]);
    bench.message({ kind: 'transferActivate', ...of });
    expect(bench.sent()).toEqual([{ kind: 'transferActivated', ...of, resumed: true }]);
  });

  test('hears that the origin may have gone on: what is replayed is marked', () => {
    const bench = new Bench().established().put('verified');
    bench.message({ kind: 'transferActivate', ...of, redelivers: true });
    const how = { stateLost: false, redelivers: true };
    expect(bench.called()).toMatchObject([{ method: 'resumeShard', shardId: SHARD, why: 'migration', how }]);
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'transferActivated', ...of, resumed: true }]);
  });

  test('says when the session was lost', () => {
    const bench = new Bench().established().put('activating');
    bench.callEnds({ sessionLost: true });
    expect(bench.sent()).toEqual([{ kind: 'transferActivated', ...of, resumed: false }]);
  });

  test('goes on activating when the connection is lost, and says later that it runs the shard', () => {
    const bench = new Bench().established().put('activating');
    bench.disconnected();
    bench.now += 60_000;
    bench.event({ kind: 'tick' });
    bench.connected();
    expect(bench.sent('identify')[0]?.runningShards).toEqual([SHARD]);
    bench.callEnds({});
    const capabilities = CAPABILITIES;
    bench.message({ kind: 'identified', totalShards: 16, nodeId: 'a', capabilities, heartbeatIntervalMs: 0 });
    expect(bench.sent('startShards')).toEqual([{ kind: 'startShards', shardIds: [SHARD] }]);
  });

  test('connects early only if it knows where to', () => {
    const bench = new Bench().established();
    bench.message({ kind: 'transferOpen', ...of, role: 'destination', session: null, freezeTimeoutMs: 0 });
    bench.callEnds({});
    bench.message({ kind: 'transferWarmUp', ...of, session: null });
    bench.callEnds({});
    expect(bench.said()).toEqual(['send transferWarm']);
  });

  test('gets warm when the last of the first copy is handled, and is told again what it said', () => {
    const bench = new Bench().established().put('collecting');
    bench.message({ kind: 'transferData', ...of, index: 0, eventId: 101, body: new Uint8Array(10) });
    bench.message({ kind: 'transferWarmUp', ...of, session: SESSION });
    bench.message({ kind: 'transferWarmUp', ...of, session: SESSION });
    expect(bench.called()).toEqual([]);
    bench.event({ kind: 'userEventHandled', stage: 903, shardId: SHARD, events: 1, bytes: 10, failure: null });
    expect(bench.said()).toEqual(['send transferCredit', 'call warm']);
    bench.callEnds({});
    bench.callEnds({});
    bench.message({ kind: 'transferWarmUp', ...of, session: SESSION });
    expect(bench.said()).toEqual(['send transferWarm']);
    bench.message({ kind: 'transferData', ...of, index: 1, eventId: 101, body: new Uint8Array(10) });
    expect(bench.said()).toEqual(['handleUserEvent']);
  });

  test.each(['userCode', 'gateway'] as const)(
    'says so when its %s is not ready, and nothing is left of the shard',
    (part) => {
      const bench = new Bench().established().put('collecting');
      bench.message({ kind: 'transferWarmUp', ...of, session: SESSION });
      if (part === 'gateway') bench.callEnds({});
      bench.callEnds({ threw: 'no' });
      expect(bench.kind()).toBe('absent');
      expect(bench.said()).toEqual(['abortStaging', 'send transferFailed']);
      expect(bench.sent('transferFailed')[0]).toMatchObject({ step: 'transferWarmUp' });
    },
  );

  test('drops everything at once when it is told of an abort while it gets warm, and a late end of it changes nothing', () => {
    const bench = new Bench().established().put('collecting');
    bench.message({ kind: 'transferWarmUp', ...of, session: SESSION });
    const { call } = bench.state.shards.get(SHARD) as { call: number };
    bench.message({ kind: 'transferAbort', ...of, reason: 'x' });
    expect(bench.said()).toEqual(['abortStaging']);
    bench.event({ kind: 'callEnded', call, shardIds: [SHARD], outcome: { ok: true, session: null } });
    expect(bench.said()).toEqual([]);
  });

  test('connects as soon as it can when the orchestrator does not know the step', () => {
    const before = CAPABILITIES.filter((capability) => capability !== 'warm-up');
    const bench = new Bench().established(before);
    bench.message({ kind: 'transferOpen', ...of, role: 'destination', session: SESSION, freezeTimeoutMs: 0 });
    bench.callEnds({});
    expect(bench.said()).toEqual(['send transferOpened', 'preconnect']);
    bench.message({ kind: 'transferManifest', ...of, events: 0, bytes: 0, hash: '', session: SESSION });
    expect(bench.said()).toEqual(['send transferVerified']);
  });
});

describe('a shard that is to leave', () => {
  test.each([
    [1_000, 1_000],
    [100_000, BOUNDS.patienceMs],
  ])('is kept no longer than %i ms and its own patience', (patienceMs, kept) => {
    const bench = new Bench().established().put('running');
    bench.message({ kind: 'shardLeaving', ...of, patienceMs });
    expect(bench.called()).toEqual([{ method: 'leaving', shardId: SHARD, patienceMs: kept }]);
    bench.callEnds({});
    expect(bench.sent()).toEqual([{ kind: 'shardMayLeave', ...of }]);
    bench.message({ kind: 'transferOpen', ...of, role: 'origin', session: null, freezeTimeoutMs: 0 });
    expect(bench.said()).toEqual(['send transferOpened']);
    bench.message({ kind: 'transferAbort', ...of, reason: 'x' });
    expect(bench.said()).toEqual(['stays']);
  });

  test('does not stay either when nobody announced it because the orchestrator does not know how', () => {
    const bench = new Bench().established().put('running');
    bench.message({ kind: 'transferOpen', ...of, role: 'origin', session: null, freezeTimeoutMs: 0 });
    bench.message({ kind: 'transferAbort', ...of, reason: 'x' });
    expect(bench.said()).toEqual([]);
  });
});

describe('without the capability', () => {
  test('a node refuses the offer of a live migration', () => {
    const bench = new Bench().established(['sessions']).put('running');
    bench.message({ kind: 'transferOpen', ...of, role: 'origin', session: null, freezeTimeoutMs: 0 });
    expect(bench.sent('transferFailed')).toHaveLength(1);
    expect(bench.kind()).toBe('running');
  });
});

describe('a node that leaves', () => {
  const LEAVING: readonly (readonly [ShardStateKind, ...string[]])[] = [
    ['announcing', 'endPatience', 'call stopShard'],
    ['announced', 'call stopShard'],
    ['offered', 'call stopShard'],
    ['copying', 'abortTransfer', 'call stopShard'],
    ['copied', 'call stopShard'],
    ['sendingDelta', 'abortTransfer', 'call stopShard'],
    ['frozen', 'call stopShard'],
    ['activating', 'call stopShard'],
    ['freezing'],
    ['unfreezing'],
    ['releasing'],
    ['released', 'released', 'send shutdown', 'drained'],
    ['opening', 'abortStaging', 'send shutdown', 'drained'],
    ['collecting', 'abortStaging', 'send shutdown', 'drained'],
    ['warming', 'abortStaging', 'send shutdown', 'drained'],
    ['verified', 'abortStaging', 'send shutdown', 'drained'],
  ];
  test.each(LEAVING.map(([state, ...said]) => ({ state, said })))(
    'ends as the table says with a shard that is $state',
    ({ state, said }) => {
      const bench = new Bench().established().put(state);
      bench.event({ kind: 'close' });
      expect(bench.said()).toEqual(said);
    },
  );

  test.each(['freezing', 'unfreezing', 'releasing'] as const)(
    'stops a shard that is %s when its call has ended',
    (state) => {
      const bench = new Bench().established().put(state);
      bench.event({ kind: 'close' });
      for (let calls = 0; calls < 4 && bench.state.lifecycle.kind !== 'lingering'; calls++) {
        bench.callEnds({ session: SESSION });
      }
      expect(bench.state.lifecycle.kind).toBe('lingering');
      expect(bench.sent('shutdown')[0]?.sessions).toEqual([{ shardId: SHARD, ...SESSION }]);
    },
  );
});
