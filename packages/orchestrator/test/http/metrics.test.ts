import { ENDPOINT_NAMES } from '@dshard/api';
import { expect, test } from 'vitest';
import { busyState, samplesIn } from '../metrics/look.js';
import { TOKEN, testServer } from './test-server.js';

const authorization = `Bearer ${TOKEN}`;

test('GET /metrics tells Prometheus of the fleet, as text', async () => {
  const { server, orchestrator } = await testServer();
  orchestrator.state = busyState();
  const { statusCode, headers, body } = await server.app.inject('/metrics');
  expect([statusCode, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const samples = samplesIn(body);
  expect(samples.get('dso_shards{condition="up"}')).toBe(1);
  expect(samples.get('dso_node_memory_bytes{node="web-1"}')).toBe(5);
  expect(samples.get('dso_leader')).toBe(1);
  expect(body).toContain('dso_build_info{version="9.9.9",node_version="v');
  expect(samples.get('dso_process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
});

test('whoever accepts OpenMetrics gets that', async () => {
  const { server } = await testServer();
  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5';
  const { headers, body } = await server.app.inject({ url: '/metrics', headers: { accept } });
  expect(headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  expect(body.endsWith('# EOF\n')).toBe(true);
});

test('metrics need a token, unless they are public: then they are shown to everybody, and nothing else is', async () => {
  const closed = await testServer({ token: TOKEN });
  expect((await closed.server.app.inject('/metrics')).statusCode).toBe(401);
  expect((await closed.server.app.inject({ url: '/metrics', headers: { authorization } })).statusCode).toBe(200);

  const { server } = await testServer({ token: TOKEN, publicMetrics: true });
  const statuses = await Promise.all(
    ['/metrics', '/v1/status', '/v1/events'].map(async (url) => (await server.app.inject(url)).statusCode),
  );
  expect(statuses).toEqual([200, 401, 401]);
  expect((await server.app.inject({ url: '/metrics', headers: { authorization: 'Bearer wrong' } })).statusCode).toBe(
    200,
  );
});

test('answers are counted by the entry of the contract, refusals and unknown paths included', async () => {
  const { server, orchestrator } = await testServer({ token: TOKEN });
  const ask = (url: string, as: string | null = authorization): Promise<unknown> =>
    server.app.inject({ url, headers: as === null ? {} : { authorization: as } });
  for (const url of ['/v1/status', '/v1/status', '/v1/shards/1', '/v1/shards/2', '/nowhere']) await ask(url);
  await ask('/v1/status', null);
  const counted = [...orchestrator.ledger.series('dso_http_requests_total')].map((series) => [
    ...series.labels,
    'total' in series ? series.total : null,
  ]);
  expect(counted).toEqual([
    ['status', '200', 2],
    ['shard', '404', 2],
    ['none', '404', 1],
    ['status', '401', 1],
  ]);
  expect(ENDPOINT_NAMES).toContain('shard');
});
