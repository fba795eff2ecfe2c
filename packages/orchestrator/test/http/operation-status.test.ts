import { describe, expect, test } from 'vitest';
import type { EndedOperation, OperationState } from '../../src/domain/state/operations.js';
import { operation, rolloutData, testNode, testState } from './fake-orchestrator.js';
import { testServer } from './test-server.js';

const ended: EndedOperation = {
  id: 'd3',
  kind: 'drain',
  outcome: 'failed',
  text: 'It did not work.',
  by: 'bob from 10.0.0.1',
  startedAt: 1,
  endedAt: 2,
};

/** Node a is drained to b as a step of rollout r1; of four shards one is moved, one moves, one failed, one waits. */
const state = testState({
  shards: [
    { kind: 'running', node: 'b', since: 1 },
    { kind: 'migrating', migration: 'm1' },
    { kind: 'running', node: 'a', since: 1 },
    { kind: 'running', node: 'a', since: 1 },
  ],
  nodes: new Map([
    ['a', testNode('a')],
    ['b', testNode('b')],
  ]),
  migrations: new Map([
    [
      'm1',
      {
        id: 'm1',
        shard: 1,
        origin: 'a',
        destination: 'b',
        step: { kind: 'openingOrigin' },
        startedAt: 40,
        deadline: 99,
        request: null,
        by: 'alice',
        operation: 'd4',
        epoch: 2,
      },
    ],
  ]),
  operations: new Map<string, OperationState>([
    [
      'r1',
      {
        ...operation('r1', 4),
        kind: 'rollout',
        ...rolloutData({ waiting: ['b'], done: ['y', 'z'] }),
      },
    ],
    [
      'd4',
      {
        ...operation('d4', 5),
        parent: 'r1',
        kind: 'drain',
        origins: ['a'],
        destinations: ['b'],
        launched: false,
        shutdown: true,
        until: null,
        phase: 'moving',
        moved: [0],
        failed: [{ shard: 2, reason: 'no' }],
        retried: [],
      },
    ],
  ]),
  endedOperations: [{ ...ended, id: 'd2', outcome: 'done' }, ended],
});

describe('GET /v1/operations', () => {
  test('tells what is under way, how far it is, and how the last ones ended', async () => {
    const { server, orchestrator } = await testServer();
    orchestrator.state = state;
    const operations = (await server.app.inject('/v1/operations')).json();
    expect(operations).toMatchObject([
      {
        id: 'r1',
        kind: 'rollout',
        state: 'running',
        by: 'alice',
        nodes: { done: 2, total: 3 },
        text: '2 of 3 nodes replaced.',
        endedAt: null,
      },
      { id: 'd3', state: 'failed', text: 'It did not work.', by: 'bob from 10.0.0.1', endedAt: 2 },
      { id: 'd2', state: 'done' },
    ]);
    expect((await server.app.inject('/v1/status')).json().operations).toEqual(operations);
  });

  test.each([
    ['r1', 200, { kind: 'rollout' }],
    ['d4', 200, { kind: 'drain', shards: { moved: 1, total: 4, moving: [1], waiting: [3] } }],
    ['d3', 200, { state: 'failed' }],
    ['d99', 404, { Error: true, Message: 'There is no operation "d99".' }],
    ['%00', 400, { Error: true }],
    ['x'.repeat(300), 414, { Error: true }],
  ])('tells of one operation when it is asked for %s', async (id, status, body) => {
    const { server, orchestrator } = await testServer();
    orchestrator.state = state;
    const response = await server.app.inject(`/v1/operations/${id}`);
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject(body);
  });
});

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

describe('POST /v1/operations', () => {
  test.each([
    ['kind=rollout', { kind: 'rollout', ...rolloutData().options }],
    ['kind=rollout&bake=0&surge=2', { kind: 'rollout', ...rolloutData().options, bake: 0, surge: 2 }],
    [
      'kind=drain&origins=a,b&deadline=10m',
      { kind: 'drain', origins: ['a', 'b'], host: null, destination: null, shutdown: false, deadline: 600_000 },
    ],
    [
      'kind=drain&origins=["a,b"]',
      { kind: 'drain', origins: ['a,b'], host: null, destination: null, shutdown: false, deadline: null },
    ],
    [
      'kind=drain&host=rack-2',
      { kind: 'drain', origins: [], host: 'rack-2', destination: null, shutdown: false, deadline: null },
    ],
    ['kind=takeover&host=rack-2', { kind: 'takeover', nodes: [], host: 'rack-2', force: false }],
    [
      'kind=drain&origins=a&destination=b',
      { kind: 'drain', origins: ['a'], host: null, destination: 'b', shutdown: false, deadline: null },
    ],
    [
      'kind=drain&origins=a&destination=b&shutdown=true',
      { kind: 'drain', origins: ['a'], host: null, destination: 'b', shutdown: true, deadline: null },
    ],
  ])('starts one and answers at once with its id: %s', async (payload, plan) => {
    const { server, orchestrator } = await testServer();
    orchestrator.result = { ok: true, message: 'It has begun.', data: { operation: 'r7' } };
    const response = await server.app.inject({ method: 'POST', url: '/v1/operations', payload, headers: FORM });
    expect(response.statusCode).toBe(202);
    expect(response.json()).toMatchObject({ Message: 'It has begun.', Error: false, operation: 'r7' });
    expect(orchestrator.commands).toEqual([{ kind: 'startOperation', plan, answer: 'begun' }]);
  });

  test('starts nothing with dryRun, and answers what it would do', async () => {
    const { server, orchestrator } = await testServer();
    const dryRun = { lines: ['4 shards would move.'], costs: null, shards: [0, 1], launches: 1 };
    orchestrator.result = { ok: true, message: 'Replacing 2 nodes.', data: { operation: null, dryRun } };
    const payload = 'kind=rollout&dryRun=true';
    const response = await server.app.inject({ method: 'POST', url: '/v1/operations', payload, headers: FORM });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ Message: 'Replacing 2 nodes.', Error: false, operation: null, dryRun });
    expect(orchestrator.commands).toEqual([
      { kind: 'planOperation', plan: { kind: 'rollout', ...rolloutData().options } },
    ]);
  });

  test('answers 200 when there is nothing to do', async () => {
    const { server, orchestrator } = await testServer();
    orchestrator.result = { ok: true, message: 'There is nothing to replace.', data: { operation: null } };
    const response = await server.app.inject({ method: 'POST', url: '/v1/operations?kind=rollout' });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ Message: 'There is nothing to replace.', Error: false, operation: null });
  });

  test.each([
    ['', /"kind" is missing/],
    ['kind=dance', /"kind" must be one of .*drain.*not "dance"/],
    ['kind=drain&origins=', /"origins" must be the ids of nodes/],
    ['kind=drain&origins=[1]', /"origins" must be the ids of nodes/],
    ['kind=drain&origins=a&destination=b&shutdwon=true', /did you mean "shutdown"/],
    ['kind=rollout&dryrun=true', /did you mean "dryRun"/],
    ['kind=rollout&dryRun=perhaps', /"dryRun" must be true or false/],
  ])('refuses "%s", and names what is wrong', async (payload, named) => {
    const { server, orchestrator } = await testServer();
    const response = await server.app.inject({ method: 'POST', url: '/v1/operations', payload, headers: FORM });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ Message: expect.stringMatching(named), Error: true });
    expect(orchestrator.commands).toEqual([]);
  });

  test('answers with the refusal of the orchestrator', async () => {
    const { server, orchestrator } = await testServer();
    orchestrator.result = {
      ok: false,
      error: { code: 'DSO_NODE_BUSY', message: 'Node a is busy.', fault: 'conflict' },
    };
    const response = await server.app.inject({ method: 'POST', url: '/v1/operations?kind=rollout' });
    expect([response.statusCode, response.json()]).toMatchObject([409, { Message: 'Node a is busy.', Error: true }]);
  });
});

test.each([
  ['r1', 'r1'],
  ['d%204', 'd 4'],
  ['..%2Fx', '../x'],
])('POST /v1/operations/%s/cancel cancels the operation of that id', async (path, operation) => {
  const { server, orchestrator } = await testServer();
  const response = await server.app.inject({ method: 'POST', url: `/v1/operations/${path}/cancel` });
  expect(response.json()).toEqual({ Message: 'It is done.', Error: false });
  expect(orchestrator.commands).toEqual([{ kind: 'cancelOperation', operation }]);
});

test.each([
  [undefined, 'REST from 127.0.0.1'],
  ['', 'REST from 127.0.0.1'],
  ['alice@laptop (dso)', 'alice@laptop (dso) from 127.0.0.1'],
  ['a\u00ffb\tc', 'a b c from 127.0.0.1'],
  ['x'.repeat(5_000), `${'x'.repeat(120)} from 127.0.0.1`],
])('the history names who asked, also when X-Requested-By is %j', async (name, by) => {
  const { server, orchestrator } = await testServer();
  const headers = name === undefined ? {} : { 'x-requested-by': name };
  await server.app.inject({ method: 'POST', url: '/fullmigration', headers });
  await server.app.inject({ method: 'POST', url: '/v1/operations/r1/cancel', headers });
  expect(orchestrator.requesters).toEqual([by, by]);
});
