import type { Alarm, Health, Readiness, ShardList } from '@dshard/api';
import { describe, expect, test } from 'vitest';
import type { OrchestratorState, ShardState } from '../../src/domain/state/state.js';
import { testNode, testState } from './fake-orchestrator.js';
import { testServer, TOKEN } from './test-server.js';

const bearer = { authorization: `Bearer ${TOKEN}` };

function shard(changes: object = {}): ShardState {
  const link = { node: 'a', phase: 'ready', since: 10, refused: null, reason: null, ...changes } as const;
  return { kind: 'running', node: 'a', since: 10, link };
}

const refused = shard({ phase: 'disconnected', refused: 4014, reason: 'enable them' });

function fleet(changes: Partial<OrchestratorState> = {}): OrchestratorState {
  const shards = [shard(), shard(), refused, shard()];
  return testState({ shards, nodes: new Map([['a', testNode('a')]]), ...changes });
}

const alarm: Alarm = {
  key: 'credentialsRefused:4014',
  kind: 'credentialsRefused',
  level: 'error',
  since: 10,
  raisedAt: 20,
  reason: 'Shard 2 is refused.',
  remedy: 'Enable them.',
  shards: [2],
  nodes: ['a'],
};

describe('GET /livez', () => {
  test('answers everybody, also while the orchestrator starts: a scheduler must not end it for that', async () => {
    const { server } = await testServer({ token: TOKEN, isReady: () => false });
    const response = await server.app.inject({ url: '/livez', headers: { host: 'some.pod.local' } });
    expect([response.statusCode, response.json()]).toEqual([200, { ok: true }]);
  });
});

describe('GET /readyz', () => {
  test.each<[what: string, changes: Partial<OrchestratorState>, missing: RegExp]>([
    ['waits for its nodes after a start', { graceUntil: 9_000 }, /running nodes are waited for/],
    ['does not know the total yet', { totalShards: null }, /total shard count/],
    ['shuts the fleet down', { ending: { request: null, deadline: 1, parking: null } }, /being shut down/],
  ])('is 503 while the orchestrator %s', async (_, changes, missing) => {
    const { server, orchestrator } = await testServer();
    orchestrator.state = fleet(changes);
    const response = await server.app.inject('/readyz');
    expect(response.statusCode).toBe(503);
    expect(response.json<Readiness>()).toMatchObject({ ready: false, missing: [expect.stringMatching(missing)] });
  });

  test.each([
    ['suspended', 'the store cannot be written: The disk is full.'],
    ['lost', 'another orchestrator leads on the store: The disk is full.'],
  ] as const)('is 503 while the store is %s', async (state, missing) => {
    const { server, orchestrator } = await testServer();
    orchestrator.state = fleet();
    Object.assign(orchestrator, { store: { name: 's', epoch: 1, state, since: 0, problem: 'The disk is full.' } });
    const response = await server.app.inject('/readyz');
    expect([response.statusCode, response.json<Readiness>().missing]).toEqual([503, [missing]]);
  });

  test('is 503 while the orchestrator starts', async () => {
    const { server } = await testServer({ isReady: () => false });
    expect((await server.app.inject('/readyz')).statusCode).toBe(503);
  });

  test('is 200 although a shard is down, and names the shard to those who know the token', async () => {
    const { server, orchestrator } = await testServer({ token: TOKEN });
    orchestrator.state = fleet();
    const told = await server.app.inject({ url: '/readyz', headers: bearer });
    expect(told.statusCode).toBe(200);
    expect(told.json<Readiness>()).toMatchObject({
      ready: true,
      missing: [],
      notUp: [{ id: 2, condition: { kind: 'refused', code: 4014, node: 'a', why: 'enable them' } }],
    });
    const stranger = await server.app.inject({ url: '/readyz', headers: { host: 'some.pod.local' } });
    expect([stranger.statusCode, stranger.json()]).toEqual([200, { ready: true }]);
  });
});

describe('GET /v1/health', () => {
  test('lists the alarms that stand, and wants the token', async () => {
    const { server, orchestrator } = await testServer({ token: TOKEN });
    orchestrator.state = fleet();
    orchestrator.standing = [alarm];
    expect((await server.app.inject('/v1/health')).statusCode).toBe(401);
    const response = await server.app.inject({ url: '/v1/health', headers: bearer });
    expect(response.json<Health>()).toMatchObject({ ok: false, totalShards: 4, up: 3, alarms: [alarm] });
  });

  test('is well with warnings only', async () => {
    const { server, orchestrator } = await testServer();
    orchestrator.standing = [{ ...alarm, level: 'warn' }];
    expect((await server.app.inject('/v1/health')).json<Health>().ok).toBe(true);
  });
});

describe('GET /v1/shards', () => {
  test.each([
    ['/v1/shards', [0, 1, 2, 3]],
    ['/v1/shards?condition=notUp', [2]],
    ['/v1/shards?condition=up', [0, 1, 3]],
    ['/v1/shards?condition=quarantined', []],
  ])('%s', async (url, ids) => {
    const { server, orchestrator } = await testServer();
    orchestrator.state = fleet();
    const { shards } = (await server.app.inject(url)).json<ShardList>();
    expect(shards.map(({ id }) => id)).toEqual(ids);
  });

  test('refuses a condition that there is not, by name', async () => {
    const { server } = await testServer();
    const response = await server.app.inject('/v1/shards?condition=fine');
    expect([response.statusCode, response.json<{ Message: string }>().Message]).toEqual([
      400,
      expect.stringMatching(/notUp/),
    ]);
  });
});
