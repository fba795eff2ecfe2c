/** Every request of the admin interface over HTTP: what it answers, what it refuses, and what it does with garbage. */
import { leakGuard, virtualClock } from '@dshard/testkit';
import type { VirtualClock } from '@dshard/testkit';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { requestTable } from '../../src/admin/request-table.js';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';
import { RawClient } from '../server/raw-client.js';

leakGuard({ beforeEach, afterEach });

let clock: VirtualClock;
let gateway: GatewayEmulator;

beforeEach(async () => {
  clock = virtualClock();
  gateway = await startGatewayEmulator({ shards: 2, guilds: 2 }, { clock });
});
afterEach(() => gateway.close());

type Answer = { status: number; body: unknown; text: string };

async function ask(name: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const [method = 'GET', path = '/'] = name.split(' ');
  const response = await fetch(`${gateway.httpUrl}${path}`, {
    method,
    headers: { connection: 'close', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type') === 'application/json';
  return { status: response.status, body: isJson ? JSON.parse(text) : null, text };
}

const guild = (): string => gateway.world.guildAt(0).id;
const member = (): string => gateway.world.guildAt(0).ownerId;

/** A body that works for every request, and what is answered. */
const examples: Record<string, { body?: () => unknown; answer: unknown }> = {
  'GET /emulator': { answer: { 'POST /emulator/drop': { what: expect.any(String) as string } } },
  'GET /emulator/status': { answer: { sockets: 1, gateway: 'up', tokenValid: true, sessions: [{ shard: 0 }] } },
  'POST /emulator/reconnect': { body: () => ({ shards: '0-3,7' }), answer: { affected: 1 } },
  'POST /emulator/invalidate': { body: () => ({ shards: [0], resumable: true }), answer: { affected: 1 } },
  'POST /emulator/drop': { body: () => ({ code: 4000 }), answer: { affected: 1 } },
  'POST /emulator/deafen': { body: () => ({ shards: [0] }), answer: { affected: 1 } },
  'POST /emulator/reset': { body: () => ({ sessionId: 'unknown' }), answer: { affected: 0 } },
  'POST /emulator/stall': { body: () => ({ forMs: 10 }), answer: { affected: 1 } },
  'POST /emulator/slow': { body: () => ({ latencyMs: 5, bytesPerSecond: 100, forMs: 5 }), answer: { affected: 1 } },
  'POST /emulator/heal': { answer: { affected: 1 } },
  'POST /emulator/voice-drop': { body: () => ({ guilds: [guild()], code: 4015 }), answer: { affected: 0 } },
  'POST /emulator/expire': { body: () => ({}), answer: { affected: 1 } },
  'POST /emulator/resumes': {
    body: () => ({ answer: 'never', shards: '0-1', forMs: 5_000 }),
    answer: { answers: [{ to: 'resume', answer: 'never', shards: [0, 1] }] },
  },
  'POST /emulator/identifies': {
    body: () => ({ answer: 'refuse' }),
    answer: { answers: [{ to: 'identify', answer: 'refuse', shards: null, until: null }] },
  },
  'POST /emulator/heartbeat': { body: () => '', answer: { affected: 1 } },
  'POST /emulator/next-sockets': { body: () => ({ times: 0, hello: false }), answer: { times: 0, hello: false } },
  'POST /emulator/throttle': { body: () => ({ forMs: 5 }), answer: { forMs: 5 } },
  'POST /emulator/resume-host': { body: () => ({ mode: 'refuse', forMs: 10 }), answer: { mode: 'refuse' } },
  'POST /emulator/gateway-host': { body: () => ({ mode: 'unavailable' }), answer: { mode: 'unavailable' } },
  'POST /emulator/gateway-away': { body: () => ({ forMs: 10 }), answer: { how: 'hang-up', rest: true } },
  'POST /emulator/gateway-back': { answer: { sessionsHeld: false } },
  'POST /emulator/outage': { body: () => ({ guilds: [guild(), '1'] }), answer: { affected: 1 } },
  'POST /emulator/outage-end': { body: () => ({}), answer: { affected: 0 } },
  'POST /emulator/token': { body: () => ({ token: 'new' }), answer: { tokenValid: true } },
  'POST /emulator/token-reset': { answer: { tokenValid: false } },
  'POST /emulator/revoke-intents': { body: () => ({ intents: 256, code: 4014 }), answer: { intents: 256 } },
  'POST /emulator/grant-intents': { body: () => ({ intents: 256 }), answer: { disallowedIntents: 0 } },
  'POST /emulator/session-starts': { body: () => ({ remaining: 3 }), answer: { total: 1000, remaining: 3 } },
  'POST /emulator/traffic': { body: () => ({ rate: 5, burst: 2 }), answer: { rate: 5, made: 2 } },
  'GET /emulator/schedule': { answer: [] },
  'POST /emulator/schedule/cancel': { body: () => ({ id: 1 }), answer: { cancelled: false } },
  'GET /emulator/guilds': { answer: { total: 2, guilds: [{ id: expect.any(String) as string }, {}] } },
  'GET /emulator/guild': { answer: { member_count: 6, channels: expect.any(Array) as unknown, unavailable: false } },
  'POST /emulator/edit': {
    body: () => ({ guildId: guild(), kind: 'role', action: 'create', data: { name: 'nova' } }),
    answer: {},
  },
  'GET /emulator/posted': { answer: { count: 0, posted: [] } },
  'POST /emulator/say': { body: () => ({ content: 'hello' }), answer: { content: 'hello' } },
  'POST /emulator/command': { body: () => ({ name: 'ping' }), answer: 'the bot has not registered /ping' },
  'POST /emulator/context-menu': {
    body: () => ({ name: 'x', targetUserId: member() }),
    answer: 'has not registered x',
  },
  'POST /emulator/autocomplete': { body: () => ({ name: 'x', focused: 'y' }), answer: 'has not registered /x' },
  'POST /emulator/choose': {
    body: () => ({ customId: 'x', messageId: '1', values: ['a'] }),
    answer: 'there is no message 1',
  },
  'POST /emulator/submit': { body: () => ({ interactionId: '1', values: {} }), answer: 'there is no interaction 1' },
  'GET /emulator/interaction': { answer: '\\"id\\" must say which interaction' },
  'POST /emulator/press': { body: () => ({ customId: 'x', messageId: '1' }), answer: 'there is no message 1' },
  'POST /emulator/react': { body: () => ({ emoji: '👍', messageId: '1' }), answer: {} },
  'POST /emulator/join': { body: () => ({ guildId: guild(), name: 'nova' }), answer: {} },
  'POST /emulator/leave': { body: () => ({ guildId: guild(), userId: member() }), answer: {} },
  'POST /emulator/presence': { body: () => ({ guildId: guild(), userId: member(), status: 'dnd' }), answer: {} },
  'POST /emulator/voice': { body: () => ({ guildId: guild(), userId: member(), channelId: null }), answer: {} },
  'POST /emulator/event': { body: () => ({ t: 'X', d: {} }), answer: { id: expect.any(String) as string } },
  'GET /ledger': { answer: { emitted: 0, clean: true } },
  'GET /ledger/report': { answer: 'CLEAN' },
  'GET /ledger/answers': { answer: { messages: 0, answeredOnce: 0, answeredTwice: 0, waiting: 0, unanswered: 0 } },
  'GET /ledger/outstanding': { answer: { total: 0, perShard: {} } },
  'GET /ledger/shards': { answer: [{ shard: 0, count: 1, sessions: 1, emitted: 0 }] },
  'GET /ledger/sessions': { answer: [{ shard: 0, count: 1, events: [{ kind: 'attached' }] }] },
  'POST /ledger/emitted': { body: () => ({ sessionId: 'x' }), answer: [] },
  'POST /ledger/expect-exactly-once': {
    body: () => ({ handled: [{ id: 'x' }] }),
    answer: { ok: false, problems: [expect.stringContaining('1 of 0 events') as string, expect.any(String) as string] },
  },
};

async function withClient<T>(act: () => Promise<T>): Promise<T> {
  const client = new RawClient(gateway.url);
  await client.identify(gateway.token);
  try {
    return await act();
  } finally {
    gateway.admin.heal();
    await client.cut();
  }
}

describe('every request of the admin interface', () => {
  test('has an example in this file', () => {
    expect(Object.keys(examples).toSorted()).toEqual(Object.keys(requestTable).toSorted());
  });

  test.each(Object.entries(examples))('%s answers its example as the table says', async (name, { body, answer }) => {
    const { status, body: answered, text } = await withClient(() => ask(name, body?.()));
    if (typeof answer === 'string') expect(text).toContain(answer);
    else expect(answered).toMatchObject(answer as object);
    expect(status).toBe(typeof answer === 'string' && answer !== 'CLEAN' ? 400 : 200);
  });

  test.each(Object.keys(requestTable))(
    '%s refuses a field or parameter that it does not know, and names it',
    async (name) => {
      const [method, path] = name.split(' ');
      const refused = await (method === 'GET' ? ask(`GET ${path}?bogus=1`) : ask(name, { bogus: 1 }));
      expect(refused).toMatchObject({ status: 400, body: { code: 'DSO_EMULATOR_BAD_REQUEST' } });
      expect(refused.text).toContain('bogus');
    },
  );
});

describe('fields of the wrong kind are named', () => {
  test.each([
    ['drop', '{"shards":"3-1"}', '"shards" must be'],
    ['drop', '{"shards":"1,x"}', '"shards" must be'],
    ['drop', '{"shards":"0-999999"}', '"shards" must be'],
    ['drop', '{"shards":[-1]}', '"shards" must be'],
    ['drop', '{"sessionId":1}', '"sessionId" must be'],
    ['drop', '{"code":1005}', '"code" must be'],
    ['drop', '{"inMs":-1}', '"inMs" must be'],
    ['drop', '{"everyMs":0}', '"everyMs" must be'],
    ['drop', '{"times":3}', '"times" needs "everyMs"'],
    ['invalidate', '{"resumable":1}', '"resumable" must be true or false'],
    ['stall', '{"forMs":0}', '"forMs" must be'],
    ['slow', '{"bytesPerSecond":0}', '"bytesPerSecond" must be'],
    ['slow', '{"latencyMs":"1"}', '"latencyMs" must be'],
    ['next-sockets', '{"times":1.5}', '"times" must be'],
    ['throttle', '{}', '"forMs" must say how long'],
    ['gateway-host', '{"mode":"refuse"}', '"forMs" is needed with refuse'],
    ['gateway-away', '{"how":"refuse"}', '"forMs" is needed with refuse'],
    ['gateway-away', '{"how":"refuse","rest":true,"forMs":5}', '"rest" cannot be true with refuse'],
    ['gateway-away', '{"how":"up"}', '"how" must be one of'],
    ['context-menu', '{"name":"x"}', '"targetUserId" or "targetMessageId" must say'],
    ['choose', '{"customId":"x","messageId":"1"}', '"values" must be an array of strings'],
    ['submit', '{"interactionId":"1","values":{"a":1}}', '"values" must be an object of'],
    ['autocomplete', '{"name":"x","focused":"y","text":1}', '"text" must be a string'],
    ['resumes', '{}', '"answer" must be one of serve, never, resumable, refuse'],
    ['resumes', '{"answer":"never","sessionId":"x"}', '"sessionId" is not known here'],
    ['grant-intents', '{}', '"intents" must say which'],
    ['outage', '{}', '"guilds" must say which'],
    ['outage', '{"guilds":[1]}', '"guilds" must be'],
    ['token', '{"token":"Bot x"}', 'without "Bot " before it'],
    ['revoke-intents', '{"intents":0}', '"intents" must be'],
    ['session-starts', '{"remaining":-1}', '"remaining" must be'],
    ['schedule/cancel', '{}', '"id" must say which'],
    ['drop', '[]', 'not a JSON object'],
    ['drop', '{"__proto__":{}}', '"__proto__" is not known here'],
  ])('%s with %s is refused', async (path, body, message) => {
    const refused = await ask(`POST /emulator/${path}`, body);
    expect(refused).toMatchObject({ status: 400, body: { code: 'DSO_EMULATOR_BAD_REQUEST' } });
    expect(refused.text).toContain(message.replaceAll('"', '\\"'));
  });
});

describe('the admin interface', () => {
  test.each([
    ['GET /emulator/nothing', 404, 'GET /emulator lists'],
    ['GET /emulator/drop', 405, 'there is POST /emulator/drop'],
    ['DELETE /ledger', 405, 'there is GET /ledger'],
    ['POST /emulator/constructor', 404, 'GET /emulator lists'],
  ])('answers %s by saying what there is', async (name, status, message) => {
    const answer = await ask(name, name.startsWith('GET') ? undefined : {});
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(message);
  });

  test.each([{ origin: 'https://example.com' }, { origin: 'null' }, { origin: 'http://localhost.example.com' }])(
    'is not there for a web page (%o)',
    async (headers) => {
      expect(await ask('POST /emulator/drop', {}, headers)).toMatchObject({ status: 403 });
      expect(await ask('GET /ledger', undefined, { origin: 'http://localhost:3000' })).toMatchObject({ status: 200 });
    },
  );
});

describe('a fault that is asked for later', () => {
  test('waits for its time, and comes again', async () => {
    await withClient(async () => {
      const { status, body } = await ask('POST /emulator/heartbeat', { shards: '0-3', inMs: 5_000, everyMs: 30_000 });
      expect({ status, body }).toMatchObject({
        status: 202,
        body: { scheduled: { id: 1, name: 'POST /emulator/heartbeat', everyMs: 30_000, done: 0, left: null } },
      });
      clock.advance(35_000);
      expect((await ask('GET /emulator/schedule')).body).toMatchObject([{ done: 2, lastError: null }]);
      expect((await ask('POST /emulator/schedule/cancel', { id: 1 })).body).toEqual({ cancelled: true });
      expect((await ask('GET /emulator/schedule')).body).toEqual([]);
    });
  });

  test('on the generic host refuses everybody for a while, this interface too, and is over by itself', async () => {
    await ask('POST /emulator/gateway-host', { mode: 'refuse', forMs: 10_000 });
    await clock.run(200);
    await expect(ask('GET /emulator/status')).rejects.toThrow('fetch failed');
    await clock.run(10_000);
    await expect.poll(async () => (await ask('GET /emulator/status')).status).toBe(200);
  });

  test('of an unavailable host still lets this interface be served', async () => {
    await ask('POST /emulator/gateway-host', { mode: 'unavailable', forMs: 5_000 });
    expect((await ask('GET /api/v10/gateway')).status).toBe(503);
    expect((await ask('GET /emulator/status')).body).toMatchObject({ gateway: 'unavailable' });
    await clock.run(5_000);
    expect((await ask('GET /api/v10/gateway')).status).toBe(200);
  });
});

test('garbage, in whatever field of whatever request, is refused or done, and never an error of ours', async () => {
  const names = Object.keys(requestTable).filter((name) => name.startsWith('POST'));
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(0, -1, 1, 1e300, '', '0-3', [], {}, null, true, 'Bot x', '9'.repeat(25), [[]], ['1']),
  );
  const request = fc.constantFrom(...names).chain((name) => {
    const fields = [...Object.keys(requestTable[name]?.fields ?? {}), 'inMs', 'everyMs', 'times'];
    const body = fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 4 });
    return fc.tuple(fc.constant(name), fc.oneof({ weight: 6, arbitrary: body }, fc.string(), fc.json()));
  });
  await fc.assert(
    fc.asyncProperty(request, async ([name, body]) => {
      // A token that nobody knows, or a host that is down, would leave nothing to ask.
      const { status, text } = await ask(name, body);
      expect([200, 202, 400]).toContain(status);
      if (status === 400) expect(text).toMatch(/DSO_EMULATOR_BAD_(?:REQUEST|REPORT)/);
      expect(gateway.admin.status().gateway).toBeDefined();
    }),
    { numRuns: 300 },
  );
  expect((await ask('GET /emulator/status')).status).toBe(200);
});
