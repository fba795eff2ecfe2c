/** Pages and their addresses. An address holds all that somebody else needs to see the same. */

export type Route =
  | { readonly page: 'overview'; readonly query: string; readonly by: 'node' | 'id'; readonly as: 'map' | 'table' }
  | { readonly page: 'nodes'; readonly query: string }
  | { readonly page: 'node'; readonly id: string }
  | { readonly page: 'shard'; readonly id: number }
  | { readonly page: 'rollout' }
  | { readonly page: 'operations' }
  | { readonly page: 'operation'; readonly id: string }
  | { readonly page: 'events'; readonly query: string }
  | { readonly page: 'unknown'; readonly path: string };

export type PageName = Route['page'];

export const BASE = '/dashboard';

export type OverviewRoute = Extract<Route, { page: 'overview' }>;

export const OVERVIEW: OverviewRoute = { page: 'overview', query: '', by: 'node', as: 'map' };

/** @param search with or without its question mark. */
export function parseRoute(path: string, search: string): Route {
  const parameters = new URLSearchParams(search);
  const query = parameters.get('q') ?? '';
  const [page = '', id] = path
    .slice(BASE.length)
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  if (id === undefined) {
    switch (page) {
      case '':
        return {
          page: 'overview',
          query,
          by: parameters.get('by') === 'id' ? 'id' : 'node',
          as: parameters.get('as') === 'table' ? 'table' : 'map',
        };
      case 'nodes':
      case 'events':
        return { page, query };
      case 'rollout':
      case 'operations':
        return { page };
    }
  }
  if (id !== undefined) {
    if (page === 'nodes') return { page: 'node', id };
    if (page === 'shards' && /^\d{1,6}$/.test(id)) return { page: 'shard', id: Number(id) };
    if (page === 'operations') return { page: 'operation', id };
  }
  return { page: 'unknown', path };
}

export function addressOf(route: Route): string {
  switch (route.page) {
    case 'overview': {
      const parameters = new URLSearchParams({
        ...(route.query !== '' && { q: route.query }),
        ...(route.by === 'id' && { by: 'id' }),
        ...(route.as === 'table' && { as: 'table' }),
      });
      return withSearch(`${BASE}/`, parameters);
    }
    case 'nodes':
    case 'events':
      return withSearch(`${BASE}/${route.page}`, new URLSearchParams(route.query === '' ? {} : { q: route.query }));
    case 'rollout':
    case 'operations':
      return `${BASE}/${route.page}`;
    case 'node':
      return `${BASE}/nodes/${encodeURIComponent(route.id)}`;
    case 'shard':
      return `${BASE}/shards/${route.id}`;
    case 'operation':
      return `${BASE}/operations/${encodeURIComponent(route.id)}`;
    case 'unknown':
      return route.path;
  }
}

function withSearch(path: string, parameters: URLSearchParams): string {
  const search = parameters.toString();
  return search === '' ? path : `${path}?${search}`;
}

/** Of the document, for histories and screen readers. */
export function titleOf(route: Route): string {
  switch (route.page) {
    case 'overview':
      return 'Overview';
    case 'nodes':
      return 'Nodes';
    case 'node':
      return `Node ${route.id}`;
    case 'shard':
      return `Shard ${route.id}`;
    case 'rollout':
      return 'Rollout';
    case 'operations':
      return 'Operations';
    case 'operation':
      return `Operation ${route.id}`;
    case 'events':
      return 'Events';
    case 'unknown':
      return 'No such page';
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
