import { describe, expect, test } from 'vitest';
import { assert, property, string } from 'fast-check';
import { NODE_QUERY, SHARD_QUERY } from '../src/query/fields.js';
import { matcherOf } from '../src/query/match.js';
import { matchesPattern, parseQuery } from '../src/query/parse.js';
import type { ShardRow } from '../src/answers/lists.js';

const condition = { since: 0, node: 'web-1', why: null, code: null, position: null, eta: null };
const row: ShardRow = {
  id: 3,
  state: 'migrating',
  condition: { ...condition, kind: 'migrating' },
  node: 'web-1',
  host: 'a',
  version: 'v2',
  phase: null,
  step: 'activating',
  migration: 'm1',
  gapMs: 700,
  ageMs: 900,
  pingMs: 40,
  guilds: 1200,
  events: 7,
};

const queries: [query: string, matches: boolean][] = [
  ['', true],
  ['state:activating node:web-* gap>500ms', true],
  ['gap>1s', false],
  ['state:up', false],
  ['state:up,migrating', true],
  ['-node:web-*', false],
  ['-node:db-*', true],
  ['0-5', true],
  ['id:0,1', false],
  ['guilds>=1200 ping<=40', true],
  ['version:"v2"', true],
];

describe('a query', () => {
  test.each(queries)('"%s" matches: %s', (query, matches) => {
    const parsed = parseQuery(query, SHARD_QUERY);
    expect(parsed.ok && matcherOf(parsed.query, SHARD_QUERY)(row)).toBe(matches);
  });

  const problems: [query: string, problem: RegExp][] = [
    ['nod:x', /no field "nod".*Did you mean "node"/],
    ['state:migratin', /no state.*"migrating"/],
    ['gap>soon', /no time.*gap>500ms/],
    ['node>3', /no number/],
    ['node:"x', /quote/],
    ['state:', /no value/],
    ['hello', /neither a list of shards/],
    ['id:5-2', /no list of shards/],
  ];
  test.each(problems)('"%s" is refused with a sentence that helps', (query, problem) => {
    const parsed = parseQuery(query, SHARD_QUERY);
    expect(parsed.ok ? '' : parsed.problem).toMatch(problem);
  });

  test('of any text is read or refused, and never throws', () => {
    assert(
      property(string(), (text) => {
        for (const known of [SHARD_QUERY, NODE_QUERY])
          expect(typeof parseQuery(text, known as never).ok).toBe('boolean');
      }),
    );
  });

  test('a star stands for any text', () => {
    expect(['a*c', '*b*', 'abc', '*', 'a*b*c'].every((each) => matchesPattern(each, 'abc'))).toBe(true);
    expect(['a', 'b*', '*b', 'ab*bc'].some((each) => matchesPattern(each, 'abc'))).toBe(false);
  });
});
