import { CAPABILITIES } from '@dshard/protocol';
import { describe, expect, test } from 'vitest';
import type { ShardStateKind } from '../../src/session/state.js';
import { Bench, SESSION, SHARD } from './bench.js';

const STATES: readonly ShardStateKind[] = [
  'starting',
  'running',
  'stopping',
  'baseFreezing',
  'baseFrozen',
  'baseSending',
  'released',
  'preparing',
  'staging',
  'resuming',
];

describe('leaving', () => {
  test.each(STATES)('ends with a shard that was %s', (state) => {
    const bench = new Bench().established().put(state);
    bench.message({ kind: 'shutdown', final: false, sessions: [] });
    for (let step = 0; step < 5 && bench.state.lifecycle.kind !== 'lingering'; step++) {
      bench.callEnds({ session: SESSION });
    }
    expect(bench.state.lifecycle.kind).toBe('lingering');
    const ours = state !== 'preparing' && state !== 'staging';
    expect(bench.sent('shutdown')[0]?.sessions).toEqual(ours ? [{ shardId: SHARD, ...SESSION }] : []);
    expect(bench.said().slice(-1)).toEqual(['drained']);
    bench.event({ kind: 'departed' });
    expect(bench.said()).toEqual(['closeConnection', 'left']);
  });

  test('says of which sessions others may have handled more', () => {
    const bench = new Bench().established().put('running').put('running', 4);
    bench.message({ kind: 'shutdown', final: false, sessions: [] });
    bench.callEnds({ session: { ...SESSION, redelivers: true } });
    bench.callEnds({ session: SESSION }, 4);
    expect(bench.sent('shutdown')[0]?.sessions).toEqual([
      { shardId: SHARD, ...SESSION, redelivers: true },
      { shardId: 4, ...SESSION },
    ]);
  });

  test('ends the sessions when it is for good', () => {
    const bench = new Bench().established().put('running');
    bench.message({ kind: 'shutdown', final: true, sessions: [] });
    expect(bench.called()).toEqual([{ method: 'stopShard', shardId: SHARD, keepSession: false }]);
    bench.callEnds({});
    expect(bench.sent('shutdown')).toEqual([{ kind: 'shutdown', final: true, sessions: [] }]);
  });

  test('does not wait for ever for a shard that does not stop', () => {
    const bench = new Bench().established().put('running').put('running', 4);
    bench.event({ kind: 'close' });
    bench.callEnds({ session: SESSION }, 4);
    expect(bench.effects.at(-1)).toEqual({ kind: 'wakeAt', at: bench.now + 20_000 });
    bench.now += 20_000;
    bench.event({ kind: 'tick' });
    expect(bench.state.lifecycle.kind).toBe('lingering');
    expect(bench.sent('shutdown')[0]?.sessions).toEqual([{ shardId: 4, ...SESSION }]);
  });

  test('takes no commands any more', () => {
    const bench = new Bench().established().put('running');
    bench.event({ kind: 'close' });
    bench.message({ kind: 'startShards', shardIds: [5] });
    expect(bench.kind(5)).toBe('absent');
  });

  test('changes nothing when it is asked for a second time', () => {
    const bench = new Bench().established().put('running');
    bench.event({ kind: 'close' });
    bench.event({ kind: 'close' });
    expect(bench.called()).toEqual([]);
  });

  test('ends at once when the node was never started', () => {
    const bench = new Bench();
    bench.event({ kind: 'close' });
    expect(bench.said()).toEqual(['drained']);
    bench.event({ kind: 'departed' });
    expect(bench.said()).toEqual(['left']);
  });

  test('takes no message any more once it is over', () => {
    const bench = new Bench().established();
    bench.event({ kind: 'close' });
    bench.event({ kind: 'departed' });
    expect(bench.message({ kind: 'startShards', shardIds: [1] })).toEqual([]);
  });
});

describe('a node that lingers', () => {
  function lingering(capabilities: readonly string[] = CAPABILITIES): Bench {
    const bench = new Bench().established(capabilities, { heartbeatIntervalMs: 5_000 });
    bench.message({ kind: 'shutdown', final: false, sessions: [] });
    return bench;
  }

  test('keeps its connection and its heartbeats, and takes no command', () => {
    const bench = lingering();
    expect(bench.said()).toEqual(['send shutdown', 'drained']);
    bench.now += 5_000;
    expect(bench.event({ kind: 'tick' })).toContainEqual(expect.objectContaining({ kind: 'heartbeat' }));
    bench.message({ kind: 'startShards', shardIds: [SHARD] });
    bench.message({ kind: 'shutdown', final: false, sessions: [] });
    bench.event({ kind: 'close' });
    expect([bench.kind(), bench.state.lifecycle.kind]).toEqual(['absent', 'lingering']);
  });

  test('does not connect anew when its connection is lost', () => {
    const bench = lingering();
    bench.disconnected();
    bench.now += 60_000;
    bench.event({ kind: 'tick' });
    expect(bench.state.link.kind).toBe('closed');
    bench.event({ kind: 'departed' });
    expect(bench.said()).toEqual(['left']);
  });

  test('hangs up at once where the orchestrator would wait for that', () => {
    const bench = lingering(CAPABILITIES.filter((capability) => capability !== 'warm-up'));
    expect(bench.said()).toEqual(['send shutdown', 'closeConnection', 'drained']);
  });
});
