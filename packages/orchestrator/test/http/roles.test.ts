import { CONTRACT, ENDPOINT_NAMES, ROLES, type AnyEndpoint, type Role } from '@dshard/api';
import { seededRandom } from '@dshard/transport';
import { virtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import { newToken } from '../../src/http/api-tokens.js';
import { testState } from './fake-orchestrator.js';
import { TOKEN, testServer } from './test-server.js';

const random = seededRandom(11);
const clock = virtualClock();
const tokens = ROLES.map((role) => ({ role, ...newToken(random) }));
const apiTokens = new Map(
  tokens.map(({ role, record }) => [
    record.id,
    { ...record, name: role, role, createdAt: 1, createdBy: 'test', expiresAt: null },
  ]),
);

async function ask(name: keyof typeof CONTRACT, authorization: string | null) {
  const { server, orchestrator } = await testServer({ token: TOKEN, clock });
  orchestrator.state = testState({ apiTokens });
  const { method, path }: AnyEndpoint = CONTRACT[name];
  const url = path.replaceAll(/:\w+/g, '1');
  const headers = authorization === null ? {} : { authorization };
  const response = await server.app.inject({ method, url, headers });
  return {
    status: response.statusCode,
    code: response.body.includes('"code"') ? response.json().code : null,
    orchestrator,
  };
}

const rank = (role: Role): number => ROLES.indexOf(role);
const cases = ENDPOINT_NAMES.flatMap((name) => tokens.map(({ role, text }) => [name, role, text] as const));

describe('every entry of the contract and every role', () => {
  test.each(cases)('%s is refused to the role %s exactly if the role is too low', async (name, role, text) => {
    const needed = CONTRACT[name].role;
    const { code, orchestrator } = await ask(name, `Bearer ${text}`);
    const isRefused = needed !== 'none' && rank(role) < rank(needed);
    expect(code === 'DSO_ROLE_TOO_LOW').toBe(isRefused);
    expect(['DSO_TOKEN_MISSING', 'DSO_TOKEN_WRONG']).not.toContain(code);
    if (isRefused) expect([orchestrator.commands, orchestrator.audited]).toEqual([[], []]);
  });

  test.each(ENDPOINT_NAMES)('%s without a token is answered only if it is a probe', async (name) => {
    const { status, orchestrator } = await ask(name, null);
    expect(status === 401).toBe(CONTRACT[name].role !== 'none');
    expect([orchestrator.commands, orchestrator.audited]).toEqual([[], []]);
  });
});

test('a token that has expired opens nothing', async () => {
  const made = newToken(random);
  const { server, orchestrator } = await testServer({ token: TOKEN, clock });
  const ended = { ...made.record, name: 'old', role: 'admin', createdAt: 1, createdBy: 'test', expiresAt: 1 } as const;
  orchestrator.state = testState({ apiTokens: new Map([[ended.id, ended]]) });
  const response = await server.app.inject({ url: '/v1/status', headers: { authorization: `Bearer ${made.text}` } });
  expect([response.statusCode, response.json().code]).toEqual([401, 'DSO_TOKEN_WRONG']);
});

test('wrong tokens slow down their address, and the token that was right from there is still looked at', async () => {
  const { server } = await testServer({ token: TOKEN, clock });
  const status = async (token: string): Promise<number> =>
    (await server.app.inject({ url: '/v1/whoami', headers: { authorization: `Bearer ${token}` } })).statusCode;
  expect(await status(TOKEN)).toBe(200);
  const answers: number[] = [];
  for (let guess = 0; guess < 8; guess += 1) answers.push(await status(`wrong-${guess}`));
  expect(answers).toContain(429);
  expect(await status(TOKEN)).toBe(200);
});

test('what may change something is in the audit with its end, and without the token', async () => {
  const { server, orchestrator } = await testServer({ token: TOKEN, clock });
  const headers = { authorization: `Bearer ${TOKEN}`, 'x-requested-by': 'ann' };
  await server.app.inject({ method: 'POST', url: '/stopshard', payload: { shard: 3 }, headers });
  const [begun, ended] = orchestrator.audited;
  expect(begun).toMatchObject({ action: 'stopShard', client: 'ann', parameters: '{"shard":3}', status: null });
  expect(ended).toMatchObject({ id: begun?.id, status: 200, code: null });
  expect(JSON.stringify(orchestrator.audited)).not.toContain(TOKEN);
});
