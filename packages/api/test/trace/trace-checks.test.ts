import { describe, expect, test } from 'vitest';
import { TraceChecks, traceEntry } from '../../src/trace/index.js';
import type { TraceReport } from '../../src/trace/index.js';

type Row = [at: number, name: string, fields: Record<string, unknown>];

/**
 * A day in the life of two nodes: a start, a move, a death, a restart of the orchestrator, an IDENTIFY in the next
 * window.
 */
const SOUND: readonly Row[] = [
  [0, 'orchestratorStarted', { epoch: 10 }],
  [10, 'identifyGranted', { node: 'a', shard: 0, maxConcurrency: 1, windowMs: 5_000, total: 1_000 }],
  [10, 'shardsAssigned', { node: 'a', shards: [0, 1], epochs: [11, 12] }],
  [20, 'shardRunning', { node: 'a', shard: 0, resumed: false }],
  [5_010, 'identifyGranted', { node: 'a', shard: 1, maxConcurrency: 1, windowMs: 5_000, total: 1_000 }],
  [5_020, 'shardRunning', { node: 'a', shard: 1, resumed: false }],
  [6_000, 'operationStarted', { operation: 'd1', kind: 'drain', node: 'a' }],
  [
    6_000,
    'migrationStarted',
    { migration: 'm1', shard: 1, origin: 'a', destination: 'b', moving: 1, down: 0, limit: 2 },
  ],
  [6_050, 'shardsAssigned', { node: 'b', shards: [1], epochs: [13] }],
  [6_100, 'migrationCompleted', { migration: 'm1', shard: 1, origin: 'a', destination: 'b', frozenMs: 40 }],
  [6_100, 'operationEnded', { operation: 'd1', kind: 'drain', node: 'a' }],
  // One decision: what it assigned stands before what led to it.
  [7_000, 'shardsAssigned', { node: 'b', shards: [0], epochs: [14] }],
  [7_000, 'nodeGone', { node: 'a', how: 'it was killed' }],
  [7_200, 'shardRunning', { node: 'b', shard: 0, resumed: true }],
  [
    8_000,
    'migrationStarted',
    { migration: 'm2', shard: 0, origin: 'b', destination: 'c', moving: 1, down: 0, limit: 2 },
  ],
  [9_000, 'orchestratorStarted', { epoch: 15 }],
  [9_100, 'nodeJoined', { node: 'b', shards: [0, 1] }],
];

function check(rows: readonly Row[], idOf: (index: number) => number = (index) => index + 1): TraceReport {
  const checks = new TraceChecks();
  for (const [index, [at, name, fields]] of rows.entries()) {
    checks.see(traceEntry({ id: idOf(index), at, name, text: '', level: 'info', by: 'automatic', fields }));
  }
  return checks.finish();
}

const after = (...rows: Row[]): readonly Row[] => [...SOUND, ...rows];

describe('a history', () => {
  test('is summed up when it is sound', () => {
    expect(check(SOUND)).toEqual({
      entries: 17,
      from: 0,
      to: 9_100,
      starts: 2,
      gaps: 0,
      moves: { count: 1, p50: 40, p99: 40, max: 40 },
      movesFailed: 0,
      losses: { count: 1, p50: 200, p99: 200, max: 200 },
      identifies: { granted: 2, mostInADay: 2 },
      open: [],
      violations: [],
    });
  });

  test('may give a parked shard out again when the node that was assigned it did not take it', () => {
    const given: readonly Row[] = after(
      [9_200, 'shardsAssigned', { node: '/park', shards: [0], epochs: [16] }],
      [9_300, 'migrationStarted', { migration: 'm3', shard: 0, origin: '/park', destination: 'c' }],
      [9_400, 'shardsAssigned', { node: 'c', shards: [0], epochs: [17] }],
    );
    const again: Row = [9_600, 'migrationStarted', { migration: 'm4', shard: 0, origin: '/park', destination: 'd' }];
    const failed: Row = [9_500, 'migrationFailed', { migration: 'm3', shard: 0, origin: '/park', destination: 'c' }];
    expect(check([...given, failed, again]).violations).toEqual([]);
    const completed: Row = [9_500, 'migrationCompleted', { migration: 'm3', shard: 0, frozenMs: 10 }];
    expect(check([...given, completed, again]).violations).toMatchObject([{ invariant: 1 }]);
  });

  test('shows nothing when it has no entries', () => {
    expect(check([])).toMatchObject({ entries: 0, from: null, to: null, violations: [] });
  });

  const broken: [what: string, rows: readonly Row[], invariant: number, text: RegExp][] = [
    [
      'a shard runs where it was not assigned',
      after([9_200, 'shardRunning', { node: 'a', shard: 0 }]),
      1,
      /^Shard 0 runs on node a, and was last assigned to node b\.$/,
    ],
    [
      'a shard is moved away from a node that does not have it',
      after([9_200, 'migrationStarted', { migration: 'm3', shard: 0, origin: 'a', destination: 'c' }]),
      1,
      /^Shard 0 is moved away from node a/,
    ],
    [
      'a shard is in two migrations',
      after(
        [9_200, 'migrationStarted', { migration: 'm3', shard: 0, origin: 'b', destination: 'c' }],
        [9_201, 'migrationStarted', { migration: 'm4', shard: 0, origin: 'b', destination: 'd' }],
      ),
      1,
      /^Shard 0 is in migrations m3 and m4 at once\.$/,
    ],
    [
      'a move is done and nobody was given the shard',
      after(
        [9_200, 'migrationStarted', { migration: 'm3', shard: 0, origin: 'b', destination: 'c' }],
        [9_300, 'migrationCompleted', { migration: 'm3', shard: 0, frozenMs: 10 }],
      ),
      1,
      /^Shard 0 was moved to node c, and was last assigned to node b\.$/,
    ],
    [
      'an epoch comes again',
      after([9_200, 'shardsAssigned', { node: 'c', shards: [0], epochs: [14] }]),
      2,
      /^Shard 0 was assigned to node c under epoch 14, after 14\.$/,
    ],
    [
      'an older orchestrator starts',
      after([9_200, 'orchestratorStarted', { epoch: 12 }]),
      2,
      /^An orchestrator started with epoch 12, after one with 15\.$/,
    ],
    [
      'a window is not kept',
      after(
        [9_200, 'identifyGranted', { node: 'b', shard: 3, maxConcurrency: 2, windowMs: 5_000, total: 1_000 }],
        [9_300, 'identifyGranted', { node: 'b', shard: 5, maxConcurrency: 2, windowMs: 5_000, total: 1_000 }],
      ),
      3,
      /^Key 1 had two permits within 100 ms, the last for shard 5; its window is 5000 ms\.$/,
    ],
    [
      'more is granted than Discord allows',
      after([20_000, 'identifyGranted', { node: 'b', shard: 3, maxConcurrency: 1, windowMs: 5_000, total: 2 }]),
      3,
      /^3 permits were given within a day; Discord allows 2 session starts\.$/,
    ],
    [
      'a move takes too long',
      after(
        [9_200, 'migrationStarted', { migration: 'm3', shard: 0, origin: 'b', destination: 'c' }],
        [9_300, 'shardsAssigned', { node: 'c', shards: [0], epochs: [16] }],
        [9_400, 'migrationCompleted', { migration: 'm3', shard: 0, frozenMs: 1_001 }],
      ),
      7,
      /^Moved shards were frozen for 1001 ms at p99/,
    ],
    [
      'a dead node’s shard is nobody’s for too long',
      after(
        [9_200, 'nodeGone', { node: 'b', how: 'it was killed' }],
        [9_300, 'shardsAssigned', { node: 'c', shards: [0], epochs: [16] }],
        [12_300, 'shardRunning', { node: 'c', shard: 0, resumed: true }],
      ),
      7,
      /^Shards of dead nodes were nobody's for 3100 ms at p99/,
    ],
    [
      'more is moved than may be',
      after([
        9_200,
        'migrationStarted',
        { migration: 'm3', shard: 0, origin: 'b', destination: 'c', moving: 2, down: 1, limit: 2 },
      ]),
      11,
      /^Shard 0 is moved while 2 move and 1 are down; 2 may be\.$/,
    ],
    [
      'a shard is moved while most nodes are silent',
      after(
        [9_200, 'alarmRaised', {}],
        [9_300, 'migrationStarted', { migration: 'm3', shard: 0, origin: 'b', destination: 'c' }],
      ),
      11,
      /^Shard 0 is moved while most nodes are silent\.$/,
    ],
    [
      'a migration never ends',
      after(
        [9_200, 'migrationStarted', { migration: 'm3', shard: 0, origin: 'b', destination: 'c' }],
        [9_200 + 601_000, 'nodeCordoned', { node: 'c' }],
      ),
      12,
      /^Migration m3 of shard 0 never ended\.$/,
    ],
  ];
  test.each(broken)('violates an invariant when %s', (_, rows, invariant, text) => {
    expect(check(rows).violations).toMatchObject([{ invariant, text: expect.stringMatching(text) }]);
  });

  test('says at its end what is under way', () => {
    const rows = after(
      [9_200, 'operationStarted', { operation: 'r1', kind: 'rollout' }],
      [9_200, 'migrationStarted', { migration: 'm3', shard: 0, origin: 'b', destination: 'c' }],
    );
    expect(check(rows).open).toEqual(['migration m3 of shard 0', 'rollout r1']);
  });

  test('forgets at a gap who had what, but not the epochs', () => {
    const rows = after(
      [9_200, 'shardRunning', { node: 'z', shard: 0 }],
      [9_300, 'shardsAssigned', { node: 'z', shards: [0], epochs: [3] }],
    );
    const report = check(rows, (index) => (index < SOUND.length ? index + 1 : index + 100));
    expect(report).toMatchObject({ gaps: 1, violations: [{ invariant: 2 }] });
  });

  test('is another history when it begins anew because its store was lost', () => {
    const rows = after([9_200, 'orchestratorStarted', { epoch: 1 }], [9_300, 'shardRunning', { node: 'z', shard: 0 }]);
    const report = check(rows, (index) => (index < SOUND.length ? index + 1 : index - SOUND.length + 1));
    expect(report).toMatchObject({ gaps: 1, violations: [] });
  });

  test('measures windows by the line of time they were given in, whatever was done to the clock of the machine', () => {
    // Two orchestrators, one after the other, on machines whose clocks are 30 ms apart: each entry says when it was by
    // the clock of its machine, and the window between two permits seemed to be too short.
    const granted = { node: 'a', shard: 0, maxConcurrency: 1, windowMs: 5_000, total: 1_000 };
    const rows: Row[] = [
      [0, 'orchestratorStarted', { epoch: 10 }],
      [30, 'identifyGranted', { ...granted, grantedAt: 1_000 }],
      [5_010, 'identifyGranted', { ...granted, grantedAt: 6_000 }],
    ];
    expect(check(rows)).toMatchObject({ violations: [] });
  });

  test('breaks nothing when it is of a later version, with names and fields of other types', () => {
    const rows: Row[] = [
      [0, 'somethingNew', { shard: 'x' }],
      [1, 'shardsAssigned', { node: 7, shards: 'all', epochs: null }],
      [2, 'shardRunning', { shard: [], node: {} }],
      [3, 'migrationCompleted', {}],
      [4, 'identifyGranted', { maxConcurrency: 'many' }],
      [5, 'nodeGone', {}],
    ];
    expect(check(rows)).toMatchObject({ entries: 6, violations: [] });
  });
});

describe('an entry from a file', () => {
  const sound = { id: 1, at: 2, name: 'nodeGone', text: 'It is gone.', fields: {} };
  test.each([
    [null, 'is no object'],
    [[], 'is no object'],
    ['text', 'is no object'],
    [{ ...sound, id: -1 }, 'has no id, a whole number'],
    [{ ...sound, id: '1' }, 'has no id, a whole number'],
    [{ ...sound, at: null }, 'has no at, a time in milliseconds'],
    [{ ...sound, name: '' }, 'has no name'],
    [{ ...sound, text: 7 }, 'has no text'],
    [{ ...sound, fields: [] }, 'has no fields'],
    [{ ...sound, fields: null }, 'has no fields'],
  ])('is refused when it is %j, because it %s', (value, message) => {
    expect(() => traceEntry(value)).toThrow(message);
  });
});
