import { describe, expect, test } from 'vitest';
import type { NodeList, NodeRow } from '@dshard/api';
import { testNode, testState, type FakeOrchestrator } from './fake-orchestrator.js';
import { testServer } from './test-server.js';

const nodesOf = (ids: readonly string[]) =>
  testState({ nodes: new Map(ids.toSorted().map((id) => [id, testNode(id)])) });

async function listing(ids: readonly string[]) {
  const { server, orchestrator } = await testServer();
  orchestrator.state = nodesOf(ids);
  const page = async (query: string, cursor: string | null = null): Promise<NodeList> => {
    const after = cursor === null ? '' : `&cursor=${cursor}`;
    return (await server.app.inject(`/v1/nodes?${query}${after}`)).json();
  };
  return { server, orchestrator, page };
}

/** All pages; between two of them something happens. */
async function walk(
  { orchestrator, page }: Awaited<ReturnType<typeof listing>>,
  query: string,
  between: (orchestrator: FakeOrchestrator, page: number) => void = () => undefined,
): Promise<string[]> {
  const rows: NodeRow[] = [];
  let cursor: string | null = null;
  for (let pages = 1; ; pages += 1) {
    const part: NodeList = await page(query, cursor);
    rows.push(...part.nodes);
    if (part.next === null) return rows.map(({ id }) => id);
    cursor = part.next;
    between(orchestrator, pages);
  }
}

const cursor = (text: string): string => Buffer.from(text).toString('base64url');

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

describe('a list', () => {
  test.each([1, 2, 3, 7, 100])('in pages of %i has everything once, in order', async (limit) => {
    expect(await walk(await listing(IDS), `limit=${limit}`)).toEqual(IDS);
  });

  test('says how many there are in all, and has no next page after the last one', async () => {
    const { page } = await listing(IDS);
    expect(await page('limit=7')).toMatchObject({ total: 7, next: null });
    expect(await page('limit=6')).toMatchObject({ total: 7, next: expect.any(String) });
  });

  test('shows nothing twice and leaves nothing out that was there all the time, while rows come and go', async () => {
    const seen = await walk(await listing(IDS), 'limit=2', (orchestrator, page) => {
      // What was shown already goes, also the very row that the cursor names; others come before and after it.
      if (page === 1) orchestrator.state = nodesOf(['c', 'd', 'e', 'f', 'g', 'aa', 'cc']);
      if (page === 2) orchestrator.state = nodesOf(['a', 'd', 'e', 'f', 'g', 'zz']);
    });
    expect(seen).toEqual(['a', 'b', 'c', 'cc', 'd', 'e', 'f', 'g', 'zz']);
  });

  test('goes on with its query, and counts what the query asks for', async () => {
    const list = await listing(['db-1', 'web-1', 'web-2', 'web-3']);
    expect(await walk(list, 'limit=2&query=node:web-*')).toEqual(['web-1', 'web-2', 'web-3']);
    expect((await list.page('limit=2&query=node:web-*')).total).toBe(3);
  });

  test.each([
    ['cursor=!', 400, 'DSO_PARAMETER_INVALID'],
    // The story: a cursor that was cut off was answered with an empty page, and a script took that for the end.
    ['cursor=nonsense', 400, 'DSO_PARAMETER_INVALID'],
    [`cursor=${cursor('shards 3')}`, 400, 'DSO_PARAMETER_INVALID'],
    [`cursor=${cursor('nodes ')}`, 400, 'DSO_PARAMETER_INVALID'],
    ['limit=0', 400, 'DSO_PARAMETER_INVALID'],
    ['limit=10001', 400, 'DSO_PARAMETER_INVALID'],
    ['query=color:red', 400, 'DSO_QUERY_INVALID'],
  ])('asked for with %s is refused', async (query, status, code) => {
    const { server } = await listing(IDS);
    const response = await server.app.inject(`/v1/nodes?${query}`);
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
  });
});
