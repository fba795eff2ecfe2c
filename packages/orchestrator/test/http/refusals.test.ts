/** The one shape of whatever is not done, in every layer that refuses. */
import { describe, expect, test } from 'vitest';
import type { InjectOptions } from 'fastify';
import type { Refusal } from '@dshard/api';
import { commandError } from '../../src/domain/state/errors.js';
import { testServer, TOKEN } from './test-server.js';

const withToken = { authorization: `Bearer ${TOKEN}` };

type Case = [what: string, request: InjectOptions, status: number, code: string, message: RegExp, details: object];

const CASES: Case[] = [
  ['no token', { url: '/v1/status' }, 401, 'DSO_TOKEN_MISSING', /wants its token/, {}],
  [
    'a wrong token',
    { url: '/v1/status', headers: { authorization: 'Bearer wrong' } },
    401,
    'DSO_TOKEN_WRONG',
    /not one of this orchestrator/,
    {},
  ],
  [
    'another host',
    { url: '/v1/status', headers: { ...withToken, host: 'evil.example' } },
    403,
    'DSO_HOST_REFUSED',
    /evil\.example/,
    {},
  ],
  ['no such path', { url: '/nothing', headers: withToken }, 404, 'DSO_NO_SUCH_PATH', /There is no GET \/nothing/, {}],
  [
    'a missing parameter',
    { method: 'POST', url: '/stopshard', headers: withToken },
    400,
    'DSO_PARAMETER_INVALID',
    /"shard"/,
    { parameters: ['shard'] },
  ],
  [
    'a query that cannot be understood',
    { url: '/v1/nodes?query=color:red', headers: withToken },
    400,
    'DSO_QUERY_INVALID',
    /color/,
    { query: 'color:red' },
  ],
  ['an unknown shard', { url: '/v1/shards/99', headers: withToken }, 404, 'DSO_UNKNOWN_SHARD', /no shard 99/, {}],
  ['an unknown node', { url: '/v1/nodes/x', headers: withToken }, 404, 'DSO_UNKNOWN_NODE', /no node "x"/, {}],
  [
    'an unknown operation',
    { url: '/v1/operations/x', headers: withToken },
    404,
    'DSO_UNKNOWN_OPERATION',
    /no operation "x"/,
    {},
  ],
  [
    'an unknown migration',
    { url: '/v1/migrations/x', headers: withToken },
    404,
    'DSO_UNKNOWN_MIGRATION',
    /No migration "x"/,
    {},
  ],
  [
    'a body that is no JSON',
    { method: 'POST', url: '/stopshard', headers: { ...withToken, 'content-type': 'application/json' }, payload: '{' },
    400,
    'DSO_REQUEST_INVALID',
    /./,
    {},
  ],
  [
    'a body that is too large',
    { method: 'POST', url: '/stopshard', headers: withToken, payload: { shard: 'x'.repeat(70_000) } },
    413,
    'DSO_REQUEST_INVALID',
    /./,
    {},
  ],
  [
    'an idempotency key that is too long',
    {
      method: 'POST',
      url: '/v1/operations',
      headers: { ...withToken, 'idempotency-key': 'k'.repeat(201) },
      payload: { kind: 'rebalance' },
    },
    400,
    'DSO_REQUEST_INVALID',
    /Idempotency-Key/,
    {},
  ],
];

const FAULTS = [
  ['DSO_UNKNOWN_NODE', 404],
  ['DSO_NODE_BUSY', 409],
  ['DSO_CHANGED_MEANWHILE', 412],
  ['DSO_IDEMPOTENCY_KEY_USED', 409],
  ['DSO_API_TOKEN_NAME_TAKEN', 409],
] as const;

const refusal = (code: string, message: unknown, details: object): Refusal => ({
  Message: message as string,
  Error: true,
  code,
  message: message as string,
  details: details as Refusal['details'],
  documentation: expect.stringMatching(new RegExp(`docs/reference/errors\\.md#${code.toLowerCase()}$`)),
});

describe('what is not done is answered in one shape', () => {
  test.each(CASES)('for %s', async (_what, request, status, code, message, details) => {
    const { server } = await testServer({ token: TOKEN });
    const response = await server.app.inject(request);
    expect(response.json()).toEqual(refusal(code, expect.stringMatching(message), details));
    expect(response.statusCode).toBe(status);
    const { Message, message: same } = response.json();
    expect(same).toBe(Message);
  });

  test.each(FAULTS)('for %s, which a command ended with, as %i', async (code, status) => {
    const { server, orchestrator } = await testServer();
    orchestrator.result = { ok: false, error: commandError(code, 'The reason.') };
    const response = await server.app.inject({ method: 'POST', url: '/stopshard', payload: { shard: 1 } });
    expect(response.json()).toEqual(refusal(code, 'The reason.', {}));
    expect(response.statusCode).toBe(status);
  });
});
