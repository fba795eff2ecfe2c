import { leakGuard, virtualClock } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultToken } from '../../src/core/token.js';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';
import { RawClient } from './raw-client.js';

leakGuard({ beforeEach, afterEach });

let gateway: GatewayEmulator;
const clock = virtualClock();

beforeEach(async () => {
  gateway = await startGatewayEmulator({ shards: 9, maxConcurrency: 3, sessionStartLimit: 100 }, { clock });
});
afterEach(() => gateway.close());

type Answer = { status: number; body: { message: string; session_start_limit: object } };

async function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${gateway.httpUrl}${path}`, { headers: { connection: 'close', ...headers } });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function post(path: string, body: string | object): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${gateway.httpUrl}${path}`, {
    method: 'POST',
    body: text,
    headers: { connection: 'close' },
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

describe("Discord's REST", () => {
  test.each(['/gateway', '/api/gateway', '/api/v10/gateway', '/api/v9/gateway'])(
    '%s says where the gateway is',
    async (path) => {
      expect(await get(path)).toEqual({ status: 200, body: { url: gateway.url } });
    },
  );

  test('/gateway/bot says how to start, and what is left of the day', async () => {
    const client = new RawClient(`${gateway.url}/?v=10&encoding=json`);
    await client.identify(gateway.token);
    clock.advance(60_000);
    expect(await get('/api/v10/gateway/bot', { authorization: `Bot ${gateway.token}` })).toEqual({
      status: 200,
      body: {
        url: gateway.url,
        shards: 9,
        session_start_limit: { total: 100, remaining: 99, reset_after: 86_340_000, max_concurrency: 3 },
      },
    });
    await client.cut();
    clock.advance(86_340_000);
    const renewed = await get('/api/v10/gateway/bot', { authorization: `Bot ${gateway.token}` });
    expect(renewed.body.session_start_limit).toMatchObject({ remaining: 100, reset_after: 86_400_000 });
  });

  test.each([undefined, 'Bot other', defaultToken, `Bearer ${defaultToken}`, 'emulator-token'])(
    'authorization %s is refused',
    async (authorization) => {
      const answer = await get('/api/v10/gateway/bot', authorization === undefined ? {} : { authorization });
      expect(answer).toEqual({ status: 401, body: { message: '401: Unauthorized', code: 0 } });
    },
  );

  test('what is not there is 404, a version not served 400', async () => {
    expect((await get('/api/v10/nothing')).status).toBe(404);
    expect((await get('/api/v5/gateway')).status).toBe(400);
  });
});

describe('the ledger over HTTP', () => {
  test('takes reports and gives the verdict', async () => {
    const client = new RawClient(gateway.url);
    await client.identify(gateway.token);
    gateway.traffic.burst(2);
    const first = await client.until('a message', (payload) => payload.t === 'MESSAGE_CREATE');
    const event = { shard: 0, s: first.s, id: first.d.id, t: 'MESSAGE_CREATE', at: 1 };
    expect(await post('/ledger/handled', { node: 'a', events: [event] })).toEqual({
      status: 200,
      body: { outstanding: 1 },
    });
    expect((await get('/ledger')).body).toMatchObject({ emitted: 2, handled: 1, lost: 1, clean: false });
    expect((await get('/ledger/outstanding')).body).toEqual({ total: 1, perShard: { 0: 1 } });
    await client.cut();
  });

  test('refuses what is no report, with the reason', async () => {
    expect(await post('/ledger/handled', '{"node":"a"}')).toEqual({
      status: 400,
      body: {
        code: 'DSO_EMULATOR_BAD_REPORT',
        message: 'The report of handled events is refused: batch 1 has no "events".',
      },
    });
  });
});

describe('the admin interface over HTTP', () => {
  test('does what is asked for to the sessions that are named', async () => {
    const client = new RawClient(gateway.url);
    const ready = await client.identify(gateway.token);
    expect((await get('/emulator/status')).body).toMatchObject({
      sockets: 1,
      sessions: [{ sessionId: ready.d.session_id, shard: 0, count: 1, attached: true }],
      identifies: { total: 100, remaining: 99 },
      gateway: 'up',
      resumeHost: 'up',
    });
    expect((await post('/emulator/reconnect', { shards: [3] })).body).toEqual({ affected: 0 });
    expect((await post('/emulator/reconnect', {})).body).toEqual({ affected: 1 });
    await client.until('op 7', (payload) => payload.op === 7);
    expect((await post('/emulator/heartbeat', '')).body).toEqual({ affected: 1 });
    await client.until('op 1', (payload) => payload.op === 1);
    expect((await post('/emulator/drop', { code: 4000 })).body).toEqual({ affected: 1 });
    expect(await client.untilClosed()).toBe(4000);
    expect((await post('/emulator/expire', {})).body).toEqual({ affected: 1 });
    expect((await post('/emulator/invalidate', {})).body).toEqual({ affected: 0 });
  });

  test('sets the rate of the traffic, and stops it', async () => {
    expect((await post('/emulator/traffic', { rate: 5, burst: 3 })).body).toEqual({ rate: 5, made: 3 });
    expect((await post('/emulator/traffic', { rate: 0 })).body).toEqual({ rate: 0, made: 3 });
  });

  test('issues a new token, with which the bot identifies', async () => {
    expect((await post('/emulator/token', { token: 'new' })).status).toBe(200);
    for (const old of [defaultToken, 'emulator-token'])
      expect((await get('/gateway/bot', { authorization: `Bot ${old}` })).status).toBe(401);
    expect((await get('/gateway/bot', { authorization: 'Bot new' })).status).toBe(200);
  });

  test.each([
    ['/emulator/traffic', '{"rate":-1}', '"rate" must be'],
    ['/emulator/traffic', '{"burst":1.5}', '"burst" must be'],
    ['/emulator/traffic', '{"speed":1}', '"speed" is not known here; known are rate, burst'],
    ['/emulator/drop', '{"code":1006}', '"code" must be'],
    ['/emulator/drop', '{"shards":3}', '"shards" must be'],
    ['/emulator/drop', '[]', 'not a JSON object'],
    ['/emulator/drop', '{', 'not JSON'],
    ['/emulator/resume-host', '{"mode":"down"}', '"mode" must be one of up, refuse, unavailable, silent'],
    ['/emulator/token', '{}', '"token" must be'],
  ])('refuses a POST %s of %s and names the field', async (path, body, message) => {
    const answer = await post(path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'DSO_EMULATOR_BAD_REQUEST' } });
    expect(answer.body.message).toContain(message);
  });
});
