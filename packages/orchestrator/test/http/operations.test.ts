import { describe, expect, test } from 'vitest';
import type { CommandResult, OperatorCommand } from '../../src/domain/state/commands.js';
import { testServer } from './test-server.js';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_BODY = { 'content-type': 'application/json' };

/** endpoint, form body → command */
const accepted: [path: string, body: string, command: OperatorCommand][] = [
  ['/startnode', '', { kind: 'startNode' }],
  ['/shutdownnode', 'node_id=a', { kind: 'shutdownNode', node: 'a', now: false }],
  ['/shutdownnode', 'node_id=a&now=true', { kind: 'shutdownNode', node: 'a', now: true }],
  ['/shutdownnode', 'node_id=a%20b%2Fc', { kind: 'shutdownNode', node: 'a b/c', now: false }],
  ['/migrateshard', 'destination_node=b&shard=3', { kind: 'migrateShard', shard: 3, destination: 'b' }],
  ['/migrateshard', 'origin_node=a&destination_node=b&shard=0', { kind: 'migrateShard', shard: 0, destination: 'b' }],
  [
    '/migratenode',
    'origin_node=a&destination_node=b&shutdown=true',
    {
      kind: 'startOperation',
      plan: { kind: 'drain', origins: ['a'], destination: 'b', shutdown: true, deadline: null },
      answer: 'ended',
    },
  ],
  [
    '/migratenode',
    'origin_node=a&destination_node=b&shutdown=false',
    {
      kind: 'startOperation',
      plan: { kind: 'drain', origins: ['a'], destination: 'b', shutdown: false, deadline: null },
      answer: 'ended',
    },
  ],
  // What is not asked for is not shut down.
  [
    '/migratenode',
    'origin_node=a&destination_node=b',
    {
      kind: 'startOperation',
      plan: { kind: 'drain', origins: ['a'], destination: 'b', shutdown: false, deadline: null },
      answer: 'ended',
    },
  ],
  ['/fullmigration', '', { kind: 'startOperation', plan: { kind: 'rollout' }, answer: 'ended' }],
  ['/stopshard', 'shard=12', { kind: 'stopShard', shard: 12 }],
  ['/startshards', 'node=a&shards=0-2,7', { kind: 'startShards', node: 'a', shards: [0, 1, 2, 7] }],
  ['/blacklistnode', 'node=a', { kind: 'cordonNode', node: 'a' }],
  ['/cordonnode', 'node=a', { kind: 'cordonNode', node: 'a' }],
  ['/unquarantine', 'shards=7', { kind: 'unquarantine', shards: [7] }],
  ['/unquarantine', 'shards=0-2,7', { kind: 'unquarantine', shards: [0, 1, 2, 7] }],
  ['/unquarantine', 'shards=all', { kind: 'unquarantine', shards: null }],
  ['/takeover', 'node=a', { kind: 'takeOverNode', node: 'a' }],
  ['/uncordonnode', 'node=a', { kind: 'uncordonNode', node: 'a' }],
  ['/cordonnode', 'host=rack-2', { kind: 'cordonHost', host: 'rack-2' }],
  ['/uncordonnode', 'host=rack-2', { kind: 'uncordonHost', host: 'rack-2' }],
];

/** endpoint, body, what the message must name */
const refused: [path: string, body: string, named: RegExp][] = [
  ['/shutdownnode', '', /"node_id" is missing/],
  ['/shutdownnode', 'node_id=', /"node_id" must be the id of a node, not ""/],
  ['/shutdownnode', `node_id=${'x'.repeat(129)}`, /"node_id"/],
  ['/shutdownnode', 'node_id=a&node_id=b', /"node_id".*not a list of 2/],
  ['/migrateshard', 'shard=1', /"destination_node" is missing/],
  ['/migrateshard', 'destination_node=b', /"shard" is missing/],
  ['/migrateshard', '', /"destination_node".*"shard"/],
  [
    '/startshards',
    `node=a&shards=${Array.from({ length: 1_000 }, () => '0-99999').join()}`,
    /"shards".*100000 at most/,
  ],
  ['/stopshard', 'shard=', /"shard"/],
  ['/stopshard', 'shard=-1', /"shard"/],
  ['/stopshard', 'shard=1.5', /"shard"/],
  ['/stopshard', 'shard=0x10', /"shard"/],
  ['/stopshard', 'shard=1e3', /"shard"/],
  ['/stopshard', 'shard=999999999999999999999', /"shard"/],
  ['/stopshard', 'shard=one', /not "one"/],
  ['/stopshard', 'shrad=1', /no parameter "shrad": did you mean "shard"/],
  ['/migratenode', 'origin_node=a', /"destination_node" is missing/],
  ['/migratenode', 'origin_node=a&destination_node=b&shutdown=maybe', /"shutdown" must be true or false/],
  ['/migratenode', 'origin_node=a&destination_node=b&shutdwon=false', /did you mean "shutdown"/],
  ['/startshards', 'node=a&shards=5-2', /"shards"/],
  ['/blacklistnode', 'node_id=', /no parameter "node_id"|either a "node" or a "host"/],
  ['/cordonnode', '', /either a "node" or a "host"/],
  ['/uncordonnode', '', /either a "node" or a "host"/],
  ['/cordonnode', 'node=a&host=h', /either a "node" or a "host"/],
  ['/cordonnode', `host=${'x'.repeat(256)}`, /"host" must be the name of a host/],
  ['/unquarantine', '', /"shards" is missing/],
  ['/unquarantine', 'shards=every', /"shards"/],
  ['/takeover', '', /"node" is missing/],
];

describe('operations', () => {
  test.each(accepted)('POST %s with the form "%s" is a command', async (url, payload, command) => {
    const { server, orchestrator } = await testServer();
    const response = await server.app.inject({ method: 'POST', url, payload, headers: FORM });
    expect(response.statusCode).toBe(200);
    expect(response.body).toBe('{"Message":"It is done.","Error":false}');
    expect(orchestrator.commands).toEqual([command]);
  });

  test.each(accepted)('POST %s takes "%s" as JSON and in the query, too', async (url, body, command) => {
    const { server, orchestrator } = await testServer();
    const payload = JSON.stringify(Object.fromEntries(new URLSearchParams(body)));
    const asJson = await server.app.inject({ method: 'POST', url, payload, headers: JSON_BODY });
    const asQuery = await server.app.inject({ method: 'POST', url: `${url}?${body}` });
    expect([asJson.statusCode, asQuery.statusCode]).toEqual([200, 200]);
    expect(orchestrator.commands).toEqual([command, command]);
  });

  test.each(refused)('POST %s refuses the form "%s" and names what is wrong', async (url, payload, named) => {
    const { server, orchestrator } = await testServer();
    const response = await server.app.inject({ method: 'POST', url, payload, headers: FORM });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ Message: expect.stringMatching(named), Error: true });
    expect(orchestrator.commands).toEqual([]);
  });

  // Coercion would take each of these for shard 0 or 1.
  test.each(['null', 'true', 'false', '[]', '[1]', '{}', '""', '" 1"'])(
    'shard %s in JSON is no shard',
    async (shard) => {
      const { server, orchestrator } = await testServer();
      const payload = `{"shard":${shard}}`;
      const response = await server.app.inject({ method: 'POST', url: '/stopshard', payload, headers: JSON_BODY });
      expect(response.statusCode).toBe(400);
      expect(orchestrator.commands).toEqual([]);
    },
  );

  test('the body wins over the query', async () => {
    const { server, orchestrator } = await testServer();
    await server.app.inject({ method: 'POST', url: '/stopshard?shard=1', payload: 'shard=2', headers: FORM });
    expect(orchestrator.commands).toEqual([{ kind: 'stopShard', shard: 2 }]);
  });

  const results: [what: string, result: CommandResult, status: number][] = [
    ['an unknown node', { ok: false, error: { code: 'DSO_UNKNOWN_NODE', message: 'm', fault: 'caller' } }, 404],
    ['an unknown shard', { ok: false, error: { code: 'DSO_UNKNOWN_SHARD', message: 'm', fault: 'caller' } }, 404],
    [
      'another fault of the caller',
      { ok: false, error: { code: 'DSO_SAME_NODE', message: 'm', fault: 'caller' } },
      400,
    ],
    ['a busy node', { ok: false, error: { code: 'DSO_NODE_BUSY', message: 'm', fault: 'conflict' } }, 409],
    ['a fault of the fleet', { ok: false, error: { code: 'DSO_NODE_LOST', message: 'm', fault: 'fleet' } }, 500],
  ];
  test.each(results)('the status of the answer fits the result: %s', async (_what, result, status) => {
    const { server, orchestrator } = await testServer();
    orchestrator.result = result;
    const response = await server.app.inject({ method: 'POST', url: '/fullmigration' });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({ Message: 'm', Error: true });
  });

  test('versions are asked for and pulled', async () => {
    const { server } = await testServer();
    expect((await server.app.inject('/deployedversion')).json()).toMatchObject({
      Message: 'v2',
      Error: false,
    });
    const pulled = await server.app.inject({ method: 'POST', url: '/pullnewversion' });
    expect(pulled.json()).toEqual({ Message: 'It is done.', Error: false });
  });
});

describe('garbage', () => {
  const garbage: [what: string, headers: Record<string, string>, payload: string, status: number][] = [
    ['broken JSON', JSON_BODY, '{"shard":', 400],
    ['a JSON list', JSON_BODY, '[1]', 400],
    ['a JSON text', JSON_BODY, '"shard"', 400],
    ['a polluting JSON', JSON_BODY, '{"__proto__":{"shard":1}}', 400],
    ['an unknown content type', { 'content-type': 'text/xml' }, '<shard/>', 415],
    ['too much', FORM, `shard=${'1'.repeat(70_000)}`, 413],
    ['binary in a form', FORM, '%ff%fe=%00', 400],
  ];
  test.each(garbage)('%s is refused in the same shape', async (_what, headers, payload, status) => {
    const { server, orchestrator } = await testServer();
    const response = await server.app.inject({ method: 'POST', url: '/stopshard', payload, headers });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({ Message: expect.stringMatching(/./), Error: true });
    expect(orchestrator.commands).toEqual([]);
  });

  test('an empty JSON body is taken as no parameters', async () => {
    const { server } = await testServer();
    const response = await server.app.inject({ method: 'POST', url: '/startnode', payload: '', headers: JSON_BODY });
    expect(response.statusCode).toBe(200);
  });

  test.each([
    ['GET', '/nothing', /no GET \/nothing/],
    ['GET', '/startnode', /There is POST \/startnode/],
    ['POST', '/status', /There is GET \/status/],
    ['DELETE', '/v1/status', /no DELETE/],
    ['POST', '/v1/events', /There is GET \/v1\/events/],
    ['GET', '/%c0', /./],
  ] as const)('%s %s is refused as unknown in the same shape', async (method, url, message) => {
    const { server } = await testServer();
    const response = await server.app.inject({ method, url });
    expect(response.statusCode).toBeGreaterThanOrEqual(400);
    expect(response.statusCode).toBeLessThan(500);
    expect(response.json()).toMatchObject({ Message: expect.stringMatching(message), Error: true });
  });

  test('nobody is let in before the orchestrator runs', async () => {
    let ready = false;
    const { server } = await testServer({ isReady: () => ready });
    expect((await server.app.inject('/status')).statusCode).toBe(503);
    ready = true;
    expect((await server.app.inject('/status')).statusCode).toBe(200);
  });
});
