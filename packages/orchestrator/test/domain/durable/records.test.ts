import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../src/domain/durable/records.js';
import { restoredState } from '../../../src/domain/durable/restore.js';
import type { Restored } from '../../../src/domain/durable/restore.js';
import { recordsOf } from '../../../src/domain/durable/writes.js';
import { World } from '../world.js';

function fleet(): World {
  const world = new World({ maxShardsPerNode: null }).start();
  world.join('a');
  world.join('b');
  world.pass(60_000);
  world.ask({ kind: 'cordonNode', node: 'b' });
  return world;
}

/** What is read back of the records of a fleet when one of them is another one. */
function readWith(kind: string, key: string, value: JsonValue): Restored {
  const { state, now } = fleet();
  const others = recordsOf(state).filter((record) => record.kind !== kind || record.key !== key);
  return restoredState(state.settings, [...others, { kind, key, value }], now);
}

test('what was written is read back, and written again as it was', () => {
  const { state, now } = fleet();
  const written = recordsOf(state);
  const { state: restored, warnings } = restoredState(state.settings, written, now);
  const shards = (records: typeof written): typeof written => records.filter(({ kind }) => kind === 'shard');
  expect(warnings).toEqual([]);
  expect(shards(recordsOf(restored))).toEqual(shards(written));
  expect(restored.nodes.get('b')?.intent.kind).toBe('cordoned');
});

test('the sequence of a session may be beyond what a number can say', () => {
  const known = { sessionId: 's', sequence: '18446744073709551615', resumeGatewayUrl: '', at: 5 };
  const { state } = readWith('shard', '0', { node: null, epoch: 3, since: 0, notBefore: 0, known });
  expect(state.shards[0]).toMatchObject({ kind: 'vacant', known: { session: { sequence: 18446744073709551615n } } });
  expect(recordsOf(state)).toContainEqual(expect.objectContaining({ value: expect.objectContaining({ known }) }));
});

test('a record that was written before there were epochs has none', () => {
  const { state, warnings } = readWith('shard', '0', { node: 'a', known: null, checkpoint: null });
  expect(warnings).toEqual([]);
  expect(state.shards[0]).toMatchObject({ kind: 'unreachable', node: 'a' });
  expect(state.assignments[0]).toEqual({ epoch: 0, checkpoint: null, before: null });
});

describe('a record that makes no sense is left out, and named in a sentence', () => {
  test.each<[string, string, JsonValue]>([
    ['fleet', 'total', { totalShards: 0 }],
    ['fleet', 'ids', { nextId: 'x', nextEpoch: 1 }],
    ['fleet', 'identifies', { maxConcurrency: 1, budget: null, ledger: null, allowed: 0 }],
    ['identify', '0', { holder: { node: 'a/b', shard: 0 }, freeAt: 0 }],
    // Of another key.
    ['identify', '7', { holder: { node: 'a', shard: 8 }, freeAt: 0 }],
    ['shard', '0', { node: 'a', epoch: -1, before: null, known: null, checkpoint: null }],
    ['shard', '0', 'a'],
    ['node', 'b', { version: '', host: null, pid: null, intent: 'asleep', final: false }],
    ['operation', 'd1', { kind: 'dance' }],
    ['crash', '1', { crashes: null, quarantinedAt: null }],
    ['crashLoop', 'version v1', { version: 'v1' }],
    ['raised', 'crashLoop', { key: 'crashLoop' }],
    ['host', 'h1', { cordoned: true, deadSince: null }],
    // Of a shard that there is none.
    ['crash', '9999', { crashes: [], quarantinedAt: null }],
    ['job', 'daily', { dueAt: 0 }],
  ])('a record %s/%s is left out and named when it is %j', (kind, key, value) => {
    const { warnings } = readWith(kind, key, value);
    expect(warnings).toEqual([
      `The store's record ${kind}/${key} makes no sense and is left out: ${JSON.stringify(value)}.`,
    ]);
  });
});
