import { SHARD_QUERY, NODE_QUERY } from '@dshard/api';
import { describe, expect, test } from 'vitest';
import { filterOf } from '../../src/model/filter.js';
import { EVENT_FIELDS, nodeRows, shardRows } from '../../src/model/rows.js';
import { entryOf, migrationOf, NOW, snapshotOf } from './snapshots.js';

const snapshot = snapshotOf(
  [{ id: 'web-1' }, { id: 'web-2', host: 'b' }],
  [
    { node: 'web-1' },
    { node: 'web-1', condition: 'migrating' },
    { node: 'web-2', condition: 'disconnected' },
    { node: null, condition: 'vacant' },
  ],
  { migrations: [migrationOf(1, 'web-1', 'web-2', { step: 'freezing', frozenSince: NOW - 600 })] },
);

function found(query: string): number[] | string {
  const { matches, problem } = filterOf(query, SHARD_QUERY);
  if (problem !== null) return problem;
  return shardRows(snapshot)
    .filter(matches ?? (() => true))
    .map(({ id }) => id);
}

describe('the grammar of queries, over what the stream tells', () => {
  test.each([
    ['', [0, 1, 2, 3]],
    ['state:up', [0]],
    ['state:notUp', [1, 2, 3]],
    ['state:freezing', [1]],
    ['node:web-1', [0, 1]],
    ['host:b', [2]],
    ['gap>500ms', [1, 2, 3]],
    ['gap>2s', [2, 3]],
    ['-state:vacant id:2-9', [2]],
  ])('"%s" finds %j', (query, shards) => {
    expect(found(query)).toEqual(shards);
  });

  test('a query that cannot be read says why, and hides nothing', () => {
    expect(found('stat:up')).toContain('Did you mean "state"?');
    expect(filterOf('stat:up', SHARD_QUERY).matches).toBeNull();
  });

  test('asks for nodes as well', () => {
    const { matches } = filterOf('notUp>0 host:a', NODE_QUERY);
    expect(
      nodeRows(snapshot)
        .filter(matches!)
        .map(({ id }) => id),
    ).toEqual(['web-1']);
  });

  test('asks for events by what they are about', () => {
    const history = [
      entryOf(1, 'migrationCompleted', { shard: 3, origin: 'web-1', destination: 'web-2' }),
      entryOf(2, 'nodeLost', { node: 'web-2' }, { level: 'warn' }),
    ];
    const ids = (query: string): number[] => history.filter(filterOf(query, EVENT_FIELDS).matches!).map(({ id }) => id);
    expect(ids('node:web-2')).toEqual([1, 2]);
    expect(ids('shard:3')).toEqual([1]);
    expect(ids('migration*')).toEqual([1]);
    expect(ids('-level:info')).toEqual([2]);
  });
});
