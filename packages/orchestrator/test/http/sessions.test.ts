/** Pages log in with a token, and are let in by a cookie from then on. */
import { leakGuard, virtualClock } from '@dshard/testkit';
import { seededRandom } from '@dshard/transport';
import type { LightMyRequestResponse } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Role } from '@dshard/api';
import { newToken } from '../../src/http/api-tokens.js';
import { testState } from './fake-orchestrator.js';
import { testServer, TOKEN } from './test-server.js';

leakGuard({ beforeEach, afterEach });

const ORIGIN = { host: '127.0.0.1', origin: 'http://127.0.0.1' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

type Scene = Awaited<ReturnType<typeof testServer>> & {
  clock: ReturnType<typeof virtualClock>;
  tokens: Record<Role, string>;
};

/** With an API token of each role. */
async function scene(options: Parameters<typeof testServer>[0] = {}): Promise<Scene> {
  const clock = virtualClock();
  const made = await testServer({ token: TOKEN, clock, ...options });
  const entries = (['read', 'operate', 'admin'] as const).map((role, index) => {
    const { text, record } = newToken(seededRandom(index));
    return { text, token: { ...record, name: role, role, createdAt: 0, createdBy: 'x', expiresAt: null } };
  });
  made.orchestrator.state = testState({ apiTokens: new Map(entries.map(({ token }) => [token.id, token])) });
  const [read = '', operate = '', admin = ''] = entries.map(({ text }) => text);
  return { ...made, clock, tokens: { read, operate, admin } };
}

function logIn({ server }: Scene, token: string, headers: object = {}): Promise<LightMyRequestResponse> {
  const payload = new URLSearchParams({ token }).toString();
  return server.app.inject({
    method: 'POST',
    url: '/v1/session',
    headers: { ...ORIGIN, ...FORM, ...headers },
    payload,
  });
}

async function loggedIn(of: Scene, token: string): Promise<{ cookie: string; csrf: string }> {
  const answer = await logIn(of, token);
  expect(answer.statusCode).toBe(201);
  return { cookie: cookieOf(answer), csrf: answer.json<{ csrf: string }>().csrf };
}

function cookieOf({ headers }: LightMyRequestResponse): string {
  return String(headers['set-cookie']).split(';')[0] ?? '';
}

const get = async ({ server }: Scene, url: string, cookie: string): Promise<number> =>
  (await server.app.inject({ url, headers: { ...ORIGIN, cookie } })).statusCode;

const post = async ({ server }: Scene, url: string, headers: object): Promise<LightMyRequestResponse> =>
  server.app.inject({ method: 'POST', url, headers: present({ ...ORIGIN, ...FORM, ...headers }), payload: '' });

function present(headers: Record<string, string | undefined>): Record<string, string> {
  return JSON.parse(JSON.stringify(headers)) as Record<string, string>;
}

describe('A page that logs in', () => {
  test('gets a cookie that no script reads and no other site sends, and the role of its token', async () => {
    const of = await scene();
    const answer = await logIn(of, of.tokens.operate);
    expect(answer.json()).toMatchObject({ Error: false, token: 'operate', role: 'operate' });
    const written = String(answer.headers['set-cookie']);
    expect(written).toMatch(/^dso_session=[\w-]+\.[\w-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect(answer.headers['cache-control']).toBe('no-store');
    const cookie = cookieOf(answer);
    const who = await of.server.app.inject({ url: '/v1/session', headers: { ...ORIGIN, cookie } });
    expect(who.json()).toEqual({
      token: 'operate',
      role: 'operate',
      expiresAt: null,
      csrf: answer.json<{ csrf: string }>().csrf,
    });
    expect(await get(of, '/v1/status', cookie)).toBe(200);
    expect(await get(of, '/v1/tokens', cookie)).toBe(403);
    expect(of.orchestrator.audited).toMatchObject([
      { action: 'logIn' },
      { action: 'logIn', status: 201, token: 'operate' },
    ]);
    expect(JSON.stringify(of.orchestrator.audited)).not.toContain(of.tokens.operate);
  });

  test('gets a cookie for https only where it was asked by https', async () => {
    const of = await scene();
    const behindProxy = await logIn(of, TOKEN, { 'x-forwarded-proto': 'https' });
    expect(String(behindProxy.headers['set-cookie'])).toMatch(/; Secure$/);
  });

  test('is refused with a wrong token, and after a few of them has to wait', async () => {
    const of = await scene();
    const codes: number[] = [];
    for (let tries = 0; tries < 7; tries += 1) codes.push((await logIn(of, `wrong-${tries}`)).statusCode);
    expect(codes).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const late = await logIn(of, 'wrong');
    expect(late.headers['retry-after']).toBe('1');
    expect(late.headers['set-cookie']).toBeUndefined();
    of.clock.advance(1_000);
    expect((await logIn(of, TOKEN)).statusCode).toBe(201);
  });

  test('of another site cannot log anybody in', async () => {
    const answer = await logIn(await scene(), TOKEN, { origin: 'https://evil.example' });
    expect(answer.statusCode).toBe(403);
    expect(answer.headers['set-cookie']).toBeUndefined();
  });
});

describe('A request with the cookie of a session that would change something', () => {
  test('is done with the csrf of the session and an Origin of ours, and in no other way', async () => {
    const of = await scene();
    const { cookie, csrf } = await loggedIn(of, TOKEN);
    const other = await loggedIn(of, TOKEN);
    expect((await post(of, '/startnode', { cookie, 'x-dso-csrf': csrf })).statusCode).toBe(200);
    for (const headers of [
      { cookie },
      { cookie, 'x-dso-csrf': '' },
      { cookie, 'x-dso-csrf': '1' },
      { cookie, 'x-dso-csrf': other.csrf },
      { cookie, 'x-dso-csrf': csrf, origin: undefined },
    ]) {
      const refused = await post(of, '/startnode', headers);
      expect(refused.statusCode).toBe(403);
      expect(refused.json()).toMatchObject({ code: 'DSO_CSRF_REFUSED' });
    }
    expect(of.orchestrator.commands).toHaveLength(1);
  });

  test('needs none of that from a program, which sends its token', async () => {
    const of = await scene();
    const answer = await post(of, '/startnode', { authorization: `Bearer ${TOKEN}`, origin: undefined });
    expect(answer.statusCode).toBe(200);
  });
});

describe('A session', () => {
  test('outlives a restart of the orchestrator, and a token that was not touched', async () => {
    const first = await scene();
    const sessions = [await loggedIn(first, TOKEN), await loggedIn(first, first.tokens.read)];
    const second = await scene({ random: seededRandom(99) });
    for (const { cookie } of sessions) expect(await get(second, '/v1/status', cookie)).toBe(200);
  });

  test('ends with its token, when that is revoked or the configured one is another', async () => {
    const of = await scene();
    const { cookie } = await loggedIn(of, of.tokens.admin);
    const configured = await loggedIn(of, TOKEN);
    of.orchestrator.state = testState();
    expect(await get(of, '/v1/status', cookie)).toBe(401);
    const other = await scene({ token: 'another-token-that-is-configured' });
    expect(await get(other, '/v1/status', configured.cookie)).toBe(401);
  });

  test('ends after twelve hours', async () => {
    const of = await scene();
    const { cookie } = await loggedIn(of, TOKEN);
    of.clock.advance(12 * 3_600_000 - 1);
    expect(await get(of, '/v1/status', cookie)).toBe(200);
    of.clock.advance(1);
    expect(await get(of, '/v1/status', cookie)).toBe(401);
  });

  test('ends when the page logs out, for whoever kept the cookie as well', async () => {
    const of = await scene();
    const { cookie, csrf } = await loggedIn(of, TOKEN);
    const headers = { ...ORIGIN, cookie, 'x-dso-csrf': csrf };
    const answer = await of.server.app.inject({ method: 'DELETE', url: '/v1/session', headers });
    expect(answer.json()).toEqual({ Message: 'The session has ended.', Error: false });
    expect(String(answer.headers['set-cookie'])).toMatch(/^dso_session=; Path=\/; Max-Age=0;/);
    expect(await get(of, '/v1/status', cookie)).toBe(401);
  });

  test('cannot be made by somebody who reads the store, or changed by who has one', async () => {
    const of = await scene();
    const { cookie } = await loggedIn(of, of.tokens.read);
    const [text = '', signature = ''] = cookie.slice('dso_session='.length).split('.');
    const ticket = JSON.parse(Buffer.from(text, 'base64url').toString()) as object;
    const adminId = [...of.orchestrator.state.apiTokens.values()].find(({ role }) => role === 'admin')?.id ?? '';
    for (const change of [{ id: adminId }, { id: null }, { until: 9e15 }, { name: 'other' }]) {
      const forged = Buffer.from(JSON.stringify({ ...ticket, ...change })).toString('base64url');
      expect(await get(of, '/v1/status', `dso_session=${forged}.${signature}`)).toBe(401);
    }
    for (const nonsense of ['', '.', 'a.b', 'null.x', `${text}.`, `.${signature}`, `${'x'.repeat(2_000)}.y`, text]) {
      expect(await get(of, '/v1/status', `dso_session=${nonsense}`)).toBe(401);
    }
  });

  test('is not asked for where the orchestrator has no token: everybody is an admin there', async () => {
    const of = await scene({ token: null });
    expect(await get(of, '/v1/session', '')).toBe(200);
    expect((await logIn(of, 'anything')).statusCode).toBe(201);
    const { cookie } = await loggedIn(of, of.tokens.read);
    expect(await get(of, '/v1/tokens', cookie)).toBe(403);
  });
});
