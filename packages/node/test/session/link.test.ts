import { describe, expect, test } from 'vitest';
import { Bench, SESSION, SHARD } from './bench.js';

describe('connecting', () => {
  test('says who it is and what it can do', () => {
    const bench = new Bench().connected();
    expect(bench.sent('identify')[0]).toEqual({
      kind: 'identify',
      totalShards: 0,
      runningShards: [],
      version: '1',
      nodeId: 'a',
      logicVersion: 2,
      capabilities: [
        'auth-hmac',
        'heartbeat',
        'identify-permits',
        'sessions',
        'live-migration',
        'epochs',
        'calls',
        'warm-up',
        'jobs',
        'rollout',
        'resume-shards',
        'leave',
        'signals',
        'not-leader',
      ],
      instance: '1-0',
      bounds: { lingerMs: 15_000, patienceMs: 60_000, readyMs: 10_000, handlersMs: 1_000 },
      runningEpochs: [],
      orchestratorEpoch: 0,
      host: 'h',
      pid: 1,
      heldSessions: [],
    });
  });

  test('waits longer each time, up to the limit, and starts over once it was established', () => {
    const bench = new Bench();
    bench.event({ kind: 'start' });
    const waits: number[] = [];
    for (let attempt = 0; attempt < 9; attempt++) {
      bench.event({ kind: 'connectFailed', reason: 'nobody', jitter: 1 });
      const { link } = bench.state;
      waits.push(link.kind === 'waiting' ? link.until - bench.now : -1);
      bench.now += 10_000;
      bench.event({ kind: 'tick' });
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    bench.established();
    bench.disconnected();
    expect(bench.state.link).toMatchObject({ kind: 'waiting', until: bench.now + 50 });
  });

  test('drops a connection on which Identify is not answered in time', () => {
    const bench = new Bench().connected();
    bench.now += 10_000;
    bench.event({ kind: 'tick' });
    expect(bench.said()).toEqual(['dropConnection']);
    expect(bench.state.link.kind).toBe('waiting');
  });

  test('keeps the id that the orchestrator gave', () => {
    const bench = new Bench().connected();
    bench.message({ kind: 'identified', totalShards: 8, nodeId: 'given', capabilities: [], heartbeatIntervalMs: 0 });
    expect(bench.state.identity.nodeId).toBe('given');
    expect(bench.state.totalShards).toBe(8);
  });

  test('a refusal is an error that says what to do, is retried slowly and costs no shard', () => {
    const bench = new Bench().established().put('running').put('baseFrozen', 4);
    bench.message({ kind: 'rejected', code: 'DSO_TOKEN', message: 'Wrong token.', retryable: false });
    expect(bench.state.link).toMatchObject({ kind: 'waiting', until: bench.now + 30_000 });
    expect(bench.kind()).toBe('running');
    expect(bench.kind(4)).toBe('unfreezing');
    expect(bench.effects).toContainEqual(
      expect.objectContaining({ kind: 'log', level: 'error', text: expect.stringContaining('Wrong token.') }),
    );
  });

  test('another shard count than before is refused by the node itself', () => {
    const bench = new Bench().established().put('running');
    bench.disconnected();
    bench.now += 60_000;
    bench.event({ kind: 'tick' });
    bench.established(undefined, { totalShards: 32 });
    expect(bench.state.link.kind).toBe('waiting');
    expect(bench.state.totalShards).toBe(16);
    expect(bench.kind()).toBe('running');
  });

  test('what an older connection says does not count', () => {
    const bench = new Bench().established();
    bench.event({ kind: 'message', connection: 99, message: { kind: 'startShards', shardIds: [1] } });
    expect(bench.kind(1)).toBe('absent');
    bench.event({ kind: 'disconnected', connection: 99, reason: 'old', jitter: 0 });
    expect(bench.state.link.kind).toBe('established');
  });
});

describe('heartbeats', () => {
  const beats = (bench: Bench): number => bench.effects.filter((effect) => effect.kind === 'heartbeat').length;

  test('go out at the interval, the first at once', () => {
    const bench = new Bench().established(undefined, { heartbeatIntervalMs: 1_000 });
    bench.event({ kind: 'tick' });
    expect(beats(bench)).toBe(1);
    bench.event({ kind: 'tick' });
    expect(beats(bench)).toBe(0);
    expect(bench.effects.at(-1)).toEqual({ kind: 'wakeAt', at: bench.now + 1_000 });
  });

  test('three without an answer drop the connection', () => {
    const bench = new Bench().established(undefined, { heartbeatIntervalMs: 1_000 });
    for (let beat = 0; beat < 3; beat++) {
      bench.event({ kind: 'tick' });
      expect(beats(bench)).toBe(1);
      bench.now += 1_000;
    }
    bench.event({ kind: 'tick' });
    expect(bench.said()).toEqual(['dropConnection']);
    expect(bench.state.link.kind).toBe('waiting');
  });

  test('an answer counts for all before it', () => {
    const bench = new Bench().established(undefined, { heartbeatIntervalMs: 1_000 });
    for (let beat = 1; beat < 20; beat++) {
      bench.event({ kind: 'tick' });
      expect(beats(bench)).toBe(1);
      bench.now += 1_000;
      if (beat % 2 === 0) {
        bench.message({ kind: 'heartbeatAck', sequence: beat });
      }
    }
  });

  test('are not expected to be answered while the node does not read', () => {
    const bench = new Bench({ stagedHighBytes: 10 })
      .established(undefined, { heartbeatIntervalMs: 1_000 })
      .put('staging');
    bench.message({ kind: 'userEvent', eventId: 100, body: new Uint8Array(20) });
    for (let beat = 0; beat < 10; beat++) {
      bench.event({ kind: 'tick' });
      expect(beats(bench)).toBe(1);
      bench.now += 1_000;
    }
  });

  test('are not sent to a base-level orchestrator', () => {
    const bench = new Bench().established([], { heartbeatIntervalMs: 1_000 });
    bench.event({ kind: 'tick' });
    expect(beats(bench)).toBe(0);
  });
});

describe('what is said without a connection', () => {
  const stopThree = (bench: Bench): void => {
    for (const shardId of [1, 2, 3]) {
      bench.put('stopping', shardId);
    }
    bench.disconnected();
    bench.callEnds({ session: SESSION }, 2);
    bench.callEnds({ session: SESSION }, 1);
    bench.callEnds({}, 3);
  };

  test('goes out in order after Identified, and all of it does to a base-level peer', () => {
    const bench = new Bench().established();
    stopThree(bench);
    bench.reconnected([]);
    expect(bench.sent('stopShard').map((message) => message.shardId)).toEqual([2, 1, 3]);
    expect(bench.sent('stopShard').every((message) => message.session === null)).toBe(true);
    expect(bench.state.outbox).toEqual([]);
  });

  test('goes out to a peer of ours without what the Identify said already', () => {
    const bench = new Bench().established();
    stopThree(bench);
    bench.reconnected();
    expect(bench.sent('stopShard').map((message) => message.shardId)).toEqual([2, 1]);
  });

  test('goes out when it happened after the Identify', () => {
    const bench = new Bench().established().put('starting');
    bench.disconnected();
    bench.now += 60_000;
    bench.event({ kind: 'tick' });
    bench.connected();
    bench.callEnds({});
    bench.message({
      kind: 'identified',
      totalShards: 16,
      nodeId: 'a',
      capabilities: ['heartbeat'],
      heartbeatIntervalMs: 0,
    });
    expect(bench.sent('startShards')).toHaveLength(1);
  });

  test('is bounded: the oldest goes first, and that is logged', () => {
    const bench = new Bench({ outboxMessages: 2 }).established();
    stopThree(bench);
    expect(bench.state.outbox.map(({ message }) => message.kind === 'stopShard' && message.shardId)).toEqual([1, 3]);
    expect(bench.effects).toContainEqual(expect.objectContaining({ kind: 'log', level: 'warn' }));
  });
});

describe('identify permits', () => {
  const grants = (bench: Bench) => bench.effects.filter((effect) => effect.kind === 'grantPermit');

  test('are asked for, granted, and finished', () => {
    const bench = new Bench().established();
    bench.event({ kind: 'permitRequested', shardId: SHARD, request: 1 });
    expect(bench.sent()).toEqual([{ kind: 'identifyRequest', shardId: SHARD }]);
    expect(grants(bench)).toEqual([]);
    bench.message({ kind: 'identifyGranted', shardId: SHARD });
    expect(grants(bench)).toEqual([{ kind: 'grantPermit', shardId: SHARD, request: 1, coordinated: true }]);
    bench.event({ kind: 'permitFinished', shardId: SHARD, request: 1, ready: true });
    expect(bench.sent()).toEqual([{ kind: 'identifyFinished', shardId: SHARD, ready: true }]);
  });

  test('are asked for again after a reconnect', () => {
    const bench = new Bench().established();
    bench.event({ kind: 'permitRequested', shardId: SHARD, request: 1 });
    bench.disconnected();
    bench.reconnected();
    expect(bench.sent('identifyRequest')).toEqual([{ kind: 'identifyRequest', shardId: SHARD }]);
  });

  test('at the base level there is nobody to ask', () => {
    const bench = new Bench().established([]);
    bench.event({ kind: 'permitRequested', shardId: SHARD, request: 1 });
    expect(grants(bench)).toEqual([{ kind: 'grantPermit', shardId: SHARD, request: 1, coordinated: false }]);
    expect(bench.sent()).toEqual([]);
    bench.event({ kind: 'permitFinished', shardId: SHARD, request: 1, ready: true });
    expect(bench.sent()).toEqual([]);
  });

  test('without any orchestrator they wait', () => {
    const bench = new Bench().established();
    bench.disconnected();
    bench.event({ kind: 'permitRequested', shardId: SHARD, request: 1 });
    expect(grants(bench)).toEqual([]);
    bench.reconnected([]);
    expect(grants(bench)).toHaveLength(1);
  });

  test('a request that is cancelled gives its place back, also when it was granted meanwhile', () => {
    const bench = new Bench().established();
    bench.event({ kind: 'permitRequested', shardId: SHARD, request: 1 });
    bench.event({ kind: 'permitAborted', shardId: SHARD, request: 1 });
    expect(bench.sent('identifyFinished')).toEqual([{ kind: 'identifyFinished', shardId: SHARD, ready: false }]);
    bench.message({ kind: 'identifyGranted', shardId: SHARD });
    expect(bench.sent('identifyFinished')).toEqual([{ kind: 'identifyFinished', shardId: SHARD, ready: false }]);
  });
});

describe('an orchestrator that does not lead', () => {
  test('is left for the one that it names, soon and again and again, though nobody leads for a while', () => {
    const bench = new Bench().connected();
    bench.message({ kind: 'notLeader', leader: 'b:7447' });
    expect(bench.effects).toContainEqual({ kind: 'leaderIs', address: 'b:7447' });
    for (let round = 0; round < 20; round += 1) {
      const { link } = bench.state;
      if (link.kind !== 'waiting') throw new Error(`The link is ${link.kind}.`);
      expect(link.until - bench.now).toBeLessThanOrEqual(500);
      bench.now = link.until;
      bench.event({ kind: 'tick' });
      bench.connected();
      bench.message({ kind: 'notLeader', leader: null });
    }
    expect(bench.effects).toContainEqual({ kind: 'leaderIs', address: null });
  });

  // A node asked the standby ten times until it led, met it just as it listened not at all, and waited 5 s for the next
  // attempt, as if all orchestrators had been away for long; the new leader took its shards over.
  test('is asked again within a second when it cannot be reached for a moment, as one that begins to lead', () => {
    const bench = new Bench().connected();
    for (let round = 0; round < 10; round += 1) {
      bench.message({ kind: 'notLeader', leader: null });
      bench.now += 500;
      bench.event({ kind: 'tick' });
      if (round < 9) bench.connected();
    }
    bench.event({ kind: 'connectFailed', reason: 'refused', jitter: 1 });
    const { link } = bench.state;
    if (link.kind !== 'waiting') throw new Error(`The link is ${link.kind}.`);
    expect(link.until - bench.now).toBeLessThanOrEqual(1_000);
  });
});
