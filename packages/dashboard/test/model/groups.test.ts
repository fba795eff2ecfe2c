import { describe, expect, test } from 'vitest';
import { groupsById, groupsByNode, rememberNodes } from '../../src/model/groups.js';
import { snapshotOf } from './snapshots.js';

const NODES = [
  { id: 'web-2', host: 'b' },
  { id: 'web-10', host: 'a' },
  { id: 'web-1', host: 'a' },
];

describe('the groups of the map', () => {
  test('stand by host, then by node in the order in which people count', () => {
    const snapshot = snapshotOf(NODES, [{ node: 'web-2' }, { node: 'web-10' }, { node: 'web-1' }]);
    const groups = groupsByNode(snapshot, new Map());
    expect(groups.map(({ host, title, shards }) => [host, title, shards])).toEqual([
      ['a', 'web-1', [2]],
      ['a', 'web-10', [1]],
      ['b', 'web-2', [0]],
    ]);
  });

  test('keep a shard that nobody has as a hole where it was last', () => {
    const before = snapshotOf(NODES, [{ node: 'web-2' }, { node: 'web-1' }, { node: 'web-2' }]);
    const after = snapshotOf(NODES, [{ node: null, condition: 'vacant' }, { node: 'web-1' }, { node: 'web-2' }]);
    const remembered = rememberNodes(rememberNodes(new Map(), before), after);
    const groups = groupsByNode(after, remembered);
    expect(groups.find(({ title }) => title === 'web-2')?.shards).toEqual([0, 2]);
  });

  test('put shards that nobody has had first, and never lose one', () => {
    const snapshot = snapshotOf(NODES, [{ node: null, condition: 'vacant' }, { node: 'web-1' }]);
    const groups = groupsByNode(snapshot, new Map());
    expect([groups[0]?.key, groups[0]?.shards]).toEqual(['nobody', [0]]);
    expect(groups.flatMap(({ shards }) => shards)).toEqual([0, 1]);
  });

  test('leave out nodes that are gone for good, but not while their shards are nobody else’s', () => {
    const gone = { id: 'web-3', connection: 'disconnected', gone: true } as const;
    const snapshot = snapshotOf([{ id: 'web-1' }, gone], [{ node: 'web-1' }, { node: null, condition: 'vacant' }]);
    expect(groupsByNode(snapshot, new Map()).map(({ title }) => title)).toEqual(['Nobody has these', 'web-1']);
    expect(groupsByNode(snapshot, new Map([[1, 'web-3']])).map(({ title }) => title)).toEqual(['web-1', 'web-3']);
  });

  test('are one where every shard has its fixed place', () => {
    const snapshot = snapshotOf(NODES, [{ node: null }, { node: 'web-1' }, { node: 'web-2' }]);
    expect(groupsById(snapshot).map(({ shards }) => shards)).toEqual([[0, 1, 2]]);
  });
});

test('who had a shard last is remembered anew only when somebody moved', () => {
  const snapshot = snapshotOf(NODES, [{ node: 'web-1' }]);
  const remembered = rememberNodes(new Map(), snapshot);
  expect(rememberNodes(remembered, snapshotOf(NODES, [{ node: 'web-1' }]))).toBe(remembered);
  expect(rememberNodes(remembered, snapshotOf(NODES, [{ node: 'web-2' }])).get(0)).toBe('web-2');
});
