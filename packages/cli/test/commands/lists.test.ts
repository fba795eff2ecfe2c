/**
 * The story: lists came to be answered page by page, and `dso shards` of a fleet with 2,500 shards showed the first
 * 1,000 of them as if there were no others.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { CONTRACT } from '@dshard/api';
import { testNode, testState } from '../../../orchestrator/test/http/fake-orchestrator.js';
import { testServer } from '../../../orchestrator/test/http/test-server.js';
import { runDso, type DsoOptions } from '../dso.js';

const SHARDS = 2_500;
const NODES = 1_200;

async function largeFleet(): Promise<DsoOptions> {
  const { server, orchestrator } = await testServer();
  const ids = Array.from({ length: NODES }, (_, index) => `web-${String(index).padStart(4, '0')}`);
  orchestrator.state = testState({
    totalShards: SHARDS,
    shards: Array.from({ length: SHARDS }, (_, id) => ({
      kind: 'running' as const,
      node: `web-${String(id % NODES).padStart(4, '0')}`,
      since: 1,
    })),
    nodes: new Map(ids.map((id) => [id, testNode(id)])),
  });
  const address = await server.start();
  onTestFinished(() => server.close());
  return { environment: { DSO_CLI_ADDR: address } };
}

describe('a list of a large fleet', () => {
  test('of shards is shown whole, to people and to programs', async () => {
    const options = await largeFleet();
    expect(CONTRACT.shards.parameters.limit.fallback).toBeLessThan(SHARDS);
    const { code, stdout } = await runDso(['shards', '--json'], options);
    expect(code).toBe(0);
    const { shards, total, next } = JSON.parse(stdout);
    expect(shards.map(({ id }: { id: number }) => id)).toEqual(Array.from({ length: SHARDS }, (_, id) => id));
    expect([total, next]).toEqual([SHARDS, null]);
    expect((await runDso(['shards'], options)).stdout).toContain('2499');
  });

  test('of nodes is shown whole, and only what its query asks for', async () => {
    const options = await largeFleet();
    const lines = (await runDso(['nodes'], options)).stdout.trim().split('\n');
    expect([lines.length, lines.at(-1)]).toEqual([NODES, expect.stringMatching(/^web-1199 /)]);
    const some = await runDso(['nodes', '--query', 'node:web-11*', '--json'], options);
    expect(JSON.parse(some.stdout)).toMatchObject({ total: 100, next: null });
  });

  test('of a server that is none of ours and never ends is given up', async () => {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json').end('{"shards":[],"total":1,"now":1,"next":"YQ"}');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await runDso(['shards', '--address', `http://127.0.0.1:${port}`]);
    expect([code, stderr]).toEqual([3, expect.stringMatching(/is no orchestrator/)]);
  });
});
