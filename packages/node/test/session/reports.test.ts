import type { ShardReport } from '@dshard/protocol';
import { expect, test } from 'vitest';
import { shardReports } from '../../src/session/reports.js';
import { Bench } from './bench.js';

const report = (shardId: number): ShardReport => ({
  shardId,
  phase: 'ready',
  pingMs: 40,
  guilds: 3,
  events: 9,
  session: null,
});

test('every shard of this node is named, whatever the host says, and no other', () => {
  const bench = new Bench().established();
  const kinds = [
    'starting',
    'running',
    'stopping',
    'baseFreezing',
    'baseFrozen',
    'baseSending',
    'released',
    'resuming',
  ] as const;
  kinds.forEach((kind, shardId) => bench.put(kind, shardId));
  bench.put('preparing', 10).put('staging', 11);
  const phases = (fromHost: ShardReport[]) =>
    shardReports(bench.state.shards, fromHost).map(({ shardId, phase }) => `${shardId} ${phase}`);
  const frozen = ['3 frozen', '4 frozen', '5 frozen', '6 frozen', '7 resuming'];
  expect(phases([])).toEqual(['0 connecting', '1 connecting', '2 disconnected', ...frozen]);
  const all = [0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12].map(report);
  expect(phases(all)).toEqual(['0 ready', '1 ready', '2 disconnected', ...frozen]);
});

// Found by the simulator: it was named under the epoch of its successor, so the orchestrator took the node for that,
// and what it gave back for the end of the session.
test('a shard that was taken over is not named while its end is waited for', () => {
  const bench = new Bench().established().put('running', 1).put('running', 2);
  bench.message({ kind: 'shardTakenOver', shardId: 1, epoch: 20 });
  expect(bench.kind(1)).toBe('stopping');
  expect(shardReports(bench.state.shards, [report(1), report(2)]).map(({ shardId }) => shardId)).toEqual([2]);
  bench.disconnected();
  bench.now += 60_000;
  bench.event({ kind: 'tick' });
  bench.connected();
  expect(bench.sent('identify').at(-1)?.runningShards).toEqual([2]);
});

test('figures of the host are kept', () => {
  const bench = new Bench().established().put('baseFrozen', 1);
  expect(shardReports(bench.state.shards, [report(1)])).toEqual([{ ...report(1), phase: 'frozen' }]);
});
