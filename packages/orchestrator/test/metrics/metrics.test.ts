import { emptyHistogram, withValue } from '@dshard/api';
import type { HistoryName } from '../../src/domain/state/effects.js';
import { describe, expect, test } from 'vitest';
import { Ledger } from '../../src/metrics/ledger.js';
import { METRICS } from '../../src/metrics/metrics.js';
import { busyState, exposed, lookOn, samplesIn } from './look.js';

const entries = Object.entries(METRICS);

describe('the table of metrics', () => {
  test.each(entries)('%s is named as Prometheus and OpenMetrics ask for', (name, { kind, help, labels }) => {
    expect(name).toMatch(/^dso_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(kind === 'counter');
    expect(name).not.toMatch(/_(ms|milliseconds|percent|kb|mb|bucket|sum|count)(_total)?$/);
    expect(help).toMatch(/^[A-Z0-9].*\.$/);
    for (const label of labels) expect(label).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(labels).not.toContain('le');
  });

  test('no two metrics are one family, whether counters are named with or without _total', () => {
    const families = entries.map(([name]) => name.replace(/_total$/, ''));
    expect(families).toHaveLength(new Set(families).size);
  });

  test('no metric has a label per shard, and only what is bounded by the nodes has labels that others choose', () => {
    const labels = new Set(entries.flatMap(([, metric]) => metric.labels));
    const written =
      'alarm cause code condition entry host intent kind level node node_version outcome phase reason state status step version zone';
    expect([...labels].sort().join(' ')).toBe(written);
  });
});

type Counted = { readonly name: HistoryName; readonly fields: Record<string, unknown>; readonly level?: string };

const MOVED = { migration: 'm1', shard: 3, origin: 'a', destination: 'b', operation: null };
const TIMES = { durationMs: 1_200, frozenMs: 90, replayMs: 40, bytes: 5_000 };

const COUNTED: readonly [string, Counted, Record<string, number>][] = [
  [
    'a live migration that arrived',
    { name: 'migrationCompleted', fields: { ...MOVED, ...TIMES, resumed: true } },
    {
      'dso_migrations_total{outcome="moved"}': 1,
      'dso_resumes_total{outcome="resumed"}': 1,
      dso_migration_frozen_seconds_sum: 0.09,
      dso_migration_replay_seconds_sum: 0.04,
      dso_migration_duration_seconds_sum: 1.2,
      'dso_migration_state_bytes_bucket{le="10000"}': 1,
      'dso_shard_gap_seconds_sum{cause="migration"}': 0.09,
    },
  ],
  [
    'a live migration whose session was gone',
    { name: 'migrationCompleted', fields: { ...MOVED, ...TIMES, resumed: false } },
    { 'dso_migrations_total{outcome="sessionLost"}': 1, 'dso_resumes_total{outcome="identified"}': 1 },
  ],
  [
    'a shard that was parked, which nobody has resumed yet',
    { name: 'migrationCompleted', fields: { ...MOVED, ...TIMES, destination: '/park' } },
    {
      'dso_migrations_total{outcome="parked"}': 1,
      'dso_resumes_total{outcome="resumed"}': 0,
      'dso_shard_gap_seconds_count{cause="migration"}': 0,
    },
  ],
  [
    'a shard that was given out again, whose gap is the time that it was parked',
    { name: 'migrationCompleted', fields: { ...MOVED, ...TIMES, origin: '/park', resumed: true, parkedMs: 4_000 } },
    { 'dso_shard_gap_seconds_sum{cause="parked"}': 4, 'dso_shard_gap_seconds_count{cause="migration"}': 0 },
  ],
  [
    'a migration that failed',
    { name: 'migrationFailed', fields: { ...MOVED, reason: 'x' } },
    { 'dso_migrations_total{outcome="failed"}': 1 },
  ],
  [
    'a shard that was resumed after its node had died',
    { name: 'shardRunning', fields: { node: 'a', shard: 3, resumed: true, sessionLost: false, gapMs: 2_500 } },
    { 'dso_resumes_total{outcome="resumed"}': 1, 'dso_shard_gap_seconds_sum{cause="resume"}': 2.5 },
  ],
  [
    'a shard whose session Discord did not resume',
    { name: 'shardRunning', fields: { node: 'a', shard: 3, resumed: false, sessionLost: true, gapMs: null } },
    { 'dso_resumes_total{outcome="identified"}': 1, 'dso_shard_gap_seconds_count{cause="resume"}': 0 },
  ],
  [
    'a shard that was started for the first time, which is no resume',
    { name: 'shardRunning', fields: { node: 'a', shard: 3, resumed: false, sessionLost: false, gapMs: null } },
    { 'dso_resumes_total{outcome="resumed"}': 0, 'dso_resumes_total{outcome="identified"}': 0 },
  ],
  [
    'the shards of a dead node',
    { name: 'nodeGone', level: 'warn', fields: { node: 'a', how: 'x', shards: [1, 2] } },
    { 'dso_takeovers_total{reason="dead"}': 2 },
  ],
  [
    'a node that was asked to end, which nobody has to take over',
    { name: 'nodeGone', level: 'info', fields: { node: 'a', how: 'x', shards: [1, 2] } },
    { 'dso_takeovers_total{reason="dead"}': 0 },
  ],
  [
    'the shards of nodes that were silent for too long',
    { name: 'shardVacant', level: 'warn', fields: { shards: [1, 2, 3] } },
    { 'dso_takeovers_total{reason="silent"}': 3 },
  ],
  [
    'an operation that ended',
    { name: 'operationEnded', fields: { operation: 'd7', kind: 'drain', outcome: 'cancelled' } },
    { 'dso_operations_total{kind="drain",outcome="cancelled"}': 1 },
  ],
  [
    'an alarm',
    { name: 'alarmRaised', fields: { alarm: 'shardsDown', kind: 'shardsDown' } },
    { 'dso_alarms_raised_total{alarm="shardsDown"}': 1 },
  ],
  [
    'the alarm of a store that cannot be written, which the history calls by another name',
    { name: 'storeLost', fields: { problem: 'x' } },
    { 'dso_alarms_raised_total{alarm="storeSuspended"}': 1 },
  ],
];

describe('what is counted from the history', () => {
  test.each(COUNTED)('counts %s', (_, { name, fields, level = 'info' }, expected) => {
    const ledger = new Ledger(METRICS);
    ledger.entry({ name, fields, level, text: '', by: 'test' } as never);
    const samples = samplesIn(exposed(undefined, { ledger }));
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, samples.get(key)]))).toEqual(expected);
  });

  test('commits of the store and answers of the REST interface are counted as well', () => {
    const ledger = new Ledger(METRICS);
    ledger.commit({ ms: 3, writes: 4, entries: 2, ok: true });
    ledger.commit({ ms: 9, writes: 1, entries: 0, ok: false });
    ledger.request({ entry: 'status', status: 200 });
    const samples = samplesIn(exposed(undefined, { ledger }));
    expect(samples.get('dso_store_commits_total{outcome="done"}')).toBe(1);
    expect(samples.get('dso_store_commits_total{outcome="failed"}')).toBe(1);
    expect(samples.get('dso_store_commit_seconds_bucket{le="0.005"}')).toBe(1);
    expect(samples.get('dso_store_commit_writes_sum')).toBe(5);
    expect(samples.get('dso_http_requests_total{entry="status",status="200"}')).toBe(1);
  });

  test('labels without end become one, so that nobody fills the memory by them', () => {
    const ledger = new Ledger(METRICS);
    for (let index = 0; index < 2_000; index += 1) ledger.request({ entry: `e${index}`, status: 200 });
    const series = [...ledger.series('dso_http_requests_total')];
    expect(series).toHaveLength(1_001);
    expect(series.at(-1)).toEqual({ labels: ['other', 'other'], total: 1_000 });
  });

  test('a histogram that is asked for by name is the one that is exposed', () => {
    const ledger = new Ledger(METRICS);
    const fields = { ...MOVED, ...TIMES, resumed: true };
    ledger.entry({ name: 'migrationCompleted', fields, level: 'info', text: '', by: 'test' });
    const metric = METRICS['dso_migration_frozen_seconds'];
    const bounds = metric !== undefined && 'bounds' in metric ? metric.bounds : [];
    expect(ledger.histogram('dso_migration_frozen_seconds', [])).toEqual(withValue(emptyHistogram(bounds), 0.09));
    expect(ledger.histogram('dso_shards', [])).toBeNull();
  });
});

describe('what is read at a scrape', () => {
  const samples = samplesIn(exposed());

  test.each([
    ['dso_shards{condition="up"}', 1],
    ['dso_shards{condition="vacant"}', 2],
    ['dso_shards{condition="unreachable"}', 1],
    ['dso_shards{condition="refused"}', 0],
    ['dso_shards_expected', 4],
    ['dso_shards_recommended', 4],
    ['dso_shard_longest_down_seconds', 9.3],
    ['dso_nodes{state="connected"}', 1],
    ['dso_nodes{state="away"}', 1],
    ['dso_node_connected{node="web-2"}', 0],
    ['dso_node_guilds{node="web-1"}', 7],
    ['dso_node_gateway_ping_seconds{node="web-1"}', 0.04],
    ['dso_node_cpu_ratio{node="web-1"}', 2.5],
    ['dso_node_event_loop_delay_seconds{node="web-1"}', 0.03],
    ['dso_node_uptime_seconds{node="web-1"}', 9],
    ['dso_node_healthy{node="web-1"}', 1],
    ['dso_node_events_total{node="web-1"}', 11],
    ['dso_node_handler_seconds_total{node="web-1"}', 1.5],
    ['dso_node_resumes_refused_total{node="web-1"}', 1],
    ['dso_node_send_queue_bytes{node="web-1"}', 77],
    ['dso_control_connections{phase="identified"}', 1],
    ['dso_protocol_violations_total{code="DSO_FIELD_RANGE"}', 3],
    ['dso_store_state{state="open"}', 1],
    ['dso_store_state{state="suspended"}', 0],
    ['dso_leader', 1],
    ['dso_process_cpu_seconds_total', 3],
    ['dso_process_start_time_seconds', 5],
  ])('%s', (name, value) => {
    expect(samples.get(name)).toBe(value);
  });

  test('a node that is away has no figures: what it said last is not how it is now', () => {
    const ofNode = [...samples.keys()].filter((name) => name.includes('node="web-2"'));
    expect(ofNode.map((name) => name.split('{')[0])).toEqual([
      'dso_node_info',
      'dso_node_connected',
      'dso_node_shards',
      'dso_node_restarts_total',
    ]);
  });

  test('every metric has a sample or can have one, and no series is there twice', () => {
    const text = exposed();
    const names = text
      .split('\n')
      .flatMap((line) => (line === '' || line.startsWith('#') ? [] : [line.replace(/ \S+$/, '')]));
    expect(names).toHaveLength(new Set(names).size);
  });

  test('an orchestrator that knows nothing yet still answers', () => {
    const { totalShards: _, ...state } = busyState();
    const empty = { ...state, totalShards: null, shards: [], nodes: new Map() };
    const samples = samplesIn(exposed(lookOn(empty)));
    expect(samples.has('dso_shards_expected')).toBe(false);
    expect(samples.get('dso_shards{condition="up"}')).toBe(0);
  });
});
