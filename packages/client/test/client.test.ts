/** The client against a real orchestrator, directly and behind a proxy that loses answers. */
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { resolveConfig } from '@dshard/api/config';
import { startOrchestrator, type StartedOrchestrator } from '@dshard/orchestrator';
import { until } from '@dshard/testkit';
import { silentLogger } from '@dshard/transport';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientError, createClient, type Client } from '../src/index.js';

const TOKEN = 'correct-horse-battery-staple';

let started: StartedOrchestrator;
let url: string;
let client: Client;

beforeAll(async () => {
  const settings = {
    listen: '127.0.0.1:0',
    'http.listen': '127.0.0.1:0',
    totalShards: '8',
    'store.kind': 'memory',
    startupGrace: '0',
    token: TOKEN,
  };
  const flags = Object.entries(settings).map(([key, written]) => ({ key, written, flag: key }));
  const config = resolveConfig({ cwd: tmpdir(), flags });
  started = await startOrchestrator(config, { logger: silentLogger });
  url = `http://${started.httpAddress ?? ''}`;
  client = createClient({ url, token: TOKEN }, { requester: 'a test' });
  await until(() => started.orchestrator.state.totalShards === 8, { what: 'the total to be decided' });
});

afterAll(() => started.close('end'));

/** Resolves with what went wrong. */
async function faultOf(asking: Promise<unknown>): Promise<ClientError> {
  const fault: unknown = await asking.then(
    () => null,
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(ClientError);
  return fault as ClientError;
}

describe('A client of a running orchestrator', () => {
  test('asks by the names of the contract, and is answered by its types', async () => {
    const status = await client.ask('status');
    expect(status.totalShards).toBe(8);
    expect(status.conditionCounts.vacant).toBe(8);
    expect(await client.readiness()).toMatchObject({ status: 200, document: { ready: true } });
  });

  test('puts the pages of a list together', async () => {
    const { shards, total, next } = await client.all('shards', { limit: '3' });
    expect(shards.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect({ total, next }).toEqual({ total: 8, next: null });
  });

  test('hands out what the orchestrator says of a refusal: its code, details and documentation', async () => {
    const unknown = await faultOf(client.ask('shard', { shard: '99' }));
    expect(unknown).toMatchObject({ code: 'DSO_CLIENT_REFUSED', status: 404, retryable: false });
    expect(unknown.refusal).toMatchObject({ code: 'DSO_UNKNOWN_SHARD' });
    expect(unknown.refusal?.documentation).toContain('dso_unknown_shard');
    const misspelt = await faultOf(client.ask('shards', { limit: 'many' }));
    expect(misspelt.refusal?.details).toEqual({ parameters: ['limit'] });
    const stranger = createClient({ url, token: 'a guess that is wrong' });
    expect(await faultOf(stranger.ask('status'))).toMatchObject({ status: 401 });
  });

  test('says that nobody listens where nobody does', async () => {
    const nobody = createClient({ url: 'http://127.0.0.1:1' });
    expect(await faultOf(nobody.ask('status'))).toMatchObject({ code: 'DSO_CLIENT_UNREACHABLE', retryable: true });
    expect(await nobody.readiness()).toBeNull();
  });

  test('follows the history, until it is told to stop', async () => {
    const texts: string[] = [];
    const stop = new AbortController();
    const following = client.follow(0, ({ text }) => void texts.push(text), stop.signal);
    await client.ask('createToken', { name: 'followed', role: 'read' });
    await until(() => texts.some((text) => text.includes('"followed"')), { what: 'the token in the history' });
    stop.abort();
    await following;
  });
});

describe('An operation that a client starts', () => {
  test('is begun once, although the answer was lost and the request was sent again', async () => {
    const proxy = await losingProxy(url, 1);
    const behind = createClient({ url: proxy.url, token: TOKEN });
    const { operation } = await behind.start('scale', { nodes: '0' }).catch((error: unknown) => {
      // Nothing can be launched here: what counts is that both requests were one.
      expect(error).toMatchObject({ code: 'DSO_CLIENT_REFUSED' });
      return { operation: null };
    });
    expect(operation).toBeNull();
    expect(proxy.keys).toHaveLength(2);
    expect(new Set(proxy.keys).size).toBe(1);
    expect(proxy.keys[0]).toMatch(/^[0-9a-f]{32}$/);
    proxy.close();
  });

  test('is not begun again by hand: who never reached the orchestrator is told so at once', async () => {
    const nobody = createClient({ url: 'http://127.0.0.1:1' });
    expect(await faultOf(nobody.start('rebalance'))).toMatchObject({ code: 'DSO_CLIENT_UNREACHABLE' });
  });
});

/** Passes requests on, and hangs up instead of the first answers. */
async function losingProxy(target: string, losses: number): Promise<{ url: string; keys: unknown[]; close(): Server }> {
  const keys: unknown[] = [];
  let lost = 0;
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key']);
    const { host: _, ...headers } = request.headers;
    const onward = httpRequest(`${target}${request.url ?? ''}`, { method: request.method, headers }, (answer) => {
      lost += 1;
      if (lost <= losses) response.socket?.destroy();
      else answer.pipe(response.writeHead(answer.statusCode ?? 500, answer.headers));
    });
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys, close: () => server.close() };
}
