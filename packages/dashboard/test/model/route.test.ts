import { describe, expect, test } from 'vitest';
import { addressOf, OVERVIEW, parseRoute, type Route } from '../../src/model/route.js';

const ROUTES: readonly Route[] = [
  OVERVIEW,
  { page: 'overview', query: 'state:migrating node:web-*', by: 'id', as: 'table' },
  { page: 'nodes', query: '' },
  { page: 'nodes', query: 'memory>500MB' },
  { page: 'node', id: 'web/1 %' },
  { page: 'shard', id: 17 },
  { page: 'rollout' },
  { page: 'operations' },
  { page: 'operation', id: 'r12' },
  { page: 'events', query: 'level:warn,error "a b"' },
];

describe('addresses', () => {
  test.each(ROUTES)('of $page lead back to the same page', (route) => {
    const { pathname, search } = new URL(addressOf(route), 'http://localhost');
    expect(parseRoute(pathname, search)).toEqual(route);
  });

  test('that lead nowhere are told, and throw nothing', () => {
    expect(parseRoute('/dashboard/shards/first', '')).toMatchObject({ page: 'unknown' });
    expect(parseRoute('/dashboard/nowhere', '')).toMatchObject({ page: 'unknown' });
    expect(parseRoute('/dashboard/nodes/%E0%A4', '')).toEqual({ page: 'node', id: '%E0%A4' });
    expect(parseRoute('/dashboard', '')).toEqual(OVERVIEW);
  });
});
