import { describe, expect, test } from 'vitest';
import { TOKEN, testServer } from './test-server.js';

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

async function post(payload: object, result?: object) {
  const { server, orchestrator } = await testServer();
  if (result !== undefined) orchestrator.result = result as never;
  const response = await server.app.inject({ method: 'POST', url: '/v1/call', payload });
  return { response, body: response.json<Record<string, unknown>>(), commands: orchestrator.commands };
}

describe('POST /v1/call', () => {
  test('asks with what it was given, and with defaults', async () => {
    const { commands } = await post({ name: 'guilds' });
    expect(commands).toEqual([
      { kind: 'callFleet', name: 'guilds', args: json(null), each: 'node', shards: [], timeoutMs: 10_000 },
    ]);
    const given = await post({ name: 'g', args: '{"a":[1]}', each: 'shard', shards: '0-2', timeout: '2m' });
    expect(given.commands).toEqual([
      { kind: 'callFleet', name: 'g', args: json({ a: [1] }), each: 'shard', shards: [0, 1, 2], timeoutMs: 120_000 },
    ]);
  });

  test.each([
    [{}, /"name" is missing/],
    [{ name: '$eval' }, /"name" must be the name of a handler/],
    [{ name: '$value', args: '{"property":"token"}' }, /"name" must be/],
    [{ name: 'x'.repeat(101) }, /"name" must be/],
    [{ name: 'g', args: '{' }, /"args" must be JSON/],
    [{ name: 'g', each: 'guild' }, /"each" must be one of node, shard/],
    [{ name: 'g', shards: '3-1' }, /"shards" must be/],
    [{ name: 'g', timeout: '1h' }, /"timeout" must be a time from 1 ms to 10 minutes/],
    [{ name: 'g', timeout: 0 }, /"timeout" must be/],
    [{ name: 'g', nmae: 'x' }, /did you mean "name"/],
  ])('refuses the question %j and names what is wrong', async (payload, message) => {
    const { response, body, commands } = await post(payload);
    expect(response.statusCode).toBe(400);
    expect(body['Message']).toMatch(message);
    expect(commands).toEqual([]);
  });

  test('answers with what came, and names what did not', async () => {
    const nothing = new Uint8Array(0);
    const call = {
      answers: [
        { nodeId: 'a', shards: [0, 1], value: json({ guilds: 3 }), error: null },
        { nodeId: 'b', shards: [2], value: nothing, error: 'it threw' },
        { nodeId: 'c', shards: [3], value: new Uint8Array([123]), error: null },
      ],
      missing: [{ nodeId: '', shards: [4], reason: 'nobody runs them' }],
      error: null,
    };
    const { response, body } = await post({ name: 'g' }, { ok: true, message: '', data: { call } });
    expect(response.statusCode).toBe(200);
    expect(body).toMatchObject({
      Message: '2 shards answered, 3 did not.',
      Error: true,
      answers: [{ node: 'a', shards: [0, 1], value: { guilds: 3 } }],
      failures: [
        { node: null, shards: [4], reason: 'nobody runs them' },
        { node: 'b', shards: [2], reason: 'it threw' },
        { node: 'c', shards: [3], reason: 'it answered something that is no JSON' },
      ],
    });
  });

  test('passes on why the orchestrator refuses', async () => {
    const error = { code: 'DSO_CALL_REFUSED', message: 'Too many.', fault: 'conflict' };
    const { response, body } = await post({ name: 'g' }, { ok: false, error });
    expect(response.statusCode).toBe(409);
    expect(body).toMatchObject({ Message: 'Too many.', Error: true });
  });

  test('needs the token like everything else', async () => {
    const { server } = await testServer({ token: TOKEN });
    const response = await server.app.inject({ method: 'POST', url: '/v1/call', payload: { name: 'g' } });
    expect(response.statusCode).toBe(401);
  });
});
