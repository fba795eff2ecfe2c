import { leakGuard, until, virtualClock } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GatewayEmulator } from '../../src/emulator.js';
import { startGatewayEmulator } from '../../src/emulator.js';
import { RawClient } from './raw-client.js';

leakGuard({ beforeEach, afterEach });

let gateway: GatewayEmulator;
const clock = virtualClock();

beforeEach(async () => {
  gateway = await startGatewayEmulator({ guilds: 3, members: 6 }, { clock });
});
afterEach(() => gateway.close());

type Body = Record<string, unknown>;
type Answer = { status: number; body: Body };

async function call(
  method: string,
  path: string,
  body?: unknown,
  token: string | null = gateway.token,
): Promise<Answer> {
  const form = body instanceof FormData;
  const response = await fetch(`${gateway.apiUrl}/v10${path}`, {
    method,
    headers: {
      connection: 'close',
      ...(token === null ? {} : { authorization: `Bot ${token}` }),
      ...(form ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: form ? body : typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Body) };
}

const app = (): string => gateway.world.applicationId;
const guild = () => gateway.world.guildAt(0);
const channel = (): string => guild().textChannels[0]?.id ?? '';
const ping = { name: 'ping', description: 'Answers' };

describe('what a library asks when it starts', () => {
  test.each([
    ['/users/@me', () => ({ id: app(), bot: true })],
    ['/applications/@me', () => ({ id: app(), bot: { id: app() } })],
    ['/oauth2/applications/@me', () => ({ id: app() })],
    ['/gateway/bot', () => ({ shards: 1 })],
    [() => `/guilds/${guild().id}`, () => ({ id: guild().id, name: guild().name })],
    [() => `/guilds/${guild().id}/members/@me`, () => ({ user: { id: app() } })],
    [() => `/channels/${channel()}`, () => ({ id: channel(), guild_id: guild().id })],
    [() => `/users/${guild().ownerId}`, () => ({ id: guild().ownerId })],
  ])('is served: GET %s', async (path, expected) => {
    const answer = await call('GET', typeof path === 'string' ? path : path());
    expect(answer).toMatchObject({ status: 200, body: expected() });
  });

  test('is served: members, page by page', async () => {
    const all = [...guild().allMembers()].map(({ user }) => user.id);
    const first = await call('GET', `/guilds/${guild().id}/members?limit=4`);
    expect(first.body).toHaveLength(4);
    const last = (first.body as unknown as { user: { id: string } }[])[3]?.user.id ?? '';
    const rest = await call('GET', `/guilds/${guild().id}/members?limit=100&after=${last}`);
    expect(rest.body).toHaveLength(all.length - 4);
  });
});

describe('refusals are those of Discord', () => {
  test.each<[string, string, unknown, number, number]>([
    ['GET', '/nowhere', undefined, 404, 0],
    ['DELETE', '/users/@me', undefined, 405, 0],
    ['GET', '/channels/1', undefined, 404, 10_003],
    ['GET', '/guilds/1', undefined, 404, 10_004],
    ['GET', '/users/1', undefined, 404, 10_013],
    ['POST', '/channels/1/messages', { content: 'x' }, 404, 10_003],
    ['POST', '/channels/:channel/messages', {}, 400, 50_006],
    ['POST', '/channels/:channel/messages', { content: '   ' }, 400, 50_006],
    ['POST', '/channels/:channel/messages', { content: 'x'.repeat(2001) }, 400, 50_035],
    ['POST', '/channels/:channel/messages', { content: { a: 1 } }, 400, 50_035],
    ['POST', '/channels/:channel/messages', { embeds: 'x' }, 400, 50_035],
    ['POST', '/channels/:channel/messages', { embeds: Array.from({ length: 11 }, () => ({})) }, 400, 50_035],
    ['POST', '/channels/:channel/messages', '{', 400, 50_109],
    ['POST', '/channels/:channel/messages', '[]', 400, 50_035],
    ['POST', '/channels/:category/messages', { content: 'x' }, 400, 50_008],
    ['GET', '/channels/:channel/messages?limit=0', undefined, 400, 50_035],
    ['GET', '/channels/:channel/messages?before=x', undefined, 400, 50_035],
    ['PATCH', '/channels/:channel/messages/1', { content: 'x' }, 404, 10_008],
    ['POST', '/applications/1/commands', ping, 404, 10_002],
    ['POST', '/applications/:app/guilds/1/commands', ping, 403, 50_001],
    ['POST', '/applications/:app/commands', { name: 'Ping', description: 'x' }, 400, 50_035],
    ['POST', '/applications/:app/commands', { name: 'p i', description: 'x' }, 400, 50_035],
    ['POST', '/applications/:app/commands', { name: 'ping' }, 400, 50_035],
    ['POST', '/applications/:app/commands', { ...ping, type: 9 }, 400, 50_035],
    [
      'POST',
      '/applications/:app/commands',
      { ...ping, options: [{ name: 'x', description: 'y', type: 99 }] },
      400,
      50_035,
    ],
    ['PUT', '/applications/:app/commands', [ping, ping], 400, 50_035],
    ['PUT', '/applications/:app/commands', {}, 400, 50_035],
    ['PATCH', '/applications/:app/commands/1', {}, 404, 10_063],
    ['POST', '/interactions/1/x/callback', { type: 4, data: { content: 'x' } }, 404, 10_062],
    ['POST', '/interactions/1/x/callback', {}, 400, 50_035],
    ['POST', '/webhooks/:app/x', { content: 'x' }, 404, 10_015],
    ['POST', '/users/@me/channels', { recipient_id: '1' }, 400, 50_035],
  ])('%s %s with %j is refused: %d, code %d', async (method, path, body, status, code) => {
    const category = guild().parts.channels[0]?.id ?? '';
    const place = path.replace(':channel', channel()).replace(':category', category).replace(':app', app());
    const answer = await call(method, place, body);
    expect(answer).toMatchObject({ status, body: { code } });
    expect(answer.body['message']).toMatch(/\w/);
  });

  test('a hundred and one commands are too many', async () => {
    const many = Array.from({ length: 101 }, (_, index) => ({ ...ping, name: `ping${index}` }));
    expect(await call('PUT', `/applications/${app()}/commands`, many)).toMatchObject({
      status: 400,
      body: { code: 30_032 },
    });
    await call('PUT', `/applications/${app()}/commands`, many.slice(0, 100));
    expect(await call('POST', `/applications/${app()}/commands`, ping)).toMatchObject({
      status: 400,
      body: { code: 30_032 },
    });
  });

  test.each([null, 'other'])('the token %s is none', async (token) => {
    const paths = ['/users/@me', `/channels/${channel()}`, `/applications/${app()}/commands`];
    for (const path of paths) {
      expect(await call('GET', path, undefined, token)).toEqual({
        status: 401,
        body: { message: '401: Unauthorized', code: 0 },
      });
    }
  });
});

test('application commands are made, changed, replaced and deleted, in two scopes', async () => {
  const scopes = [`/applications/${app()}/commands`, `/applications/${app()}/guilds/${guild().id}/commands`];
  for (const scope of scopes) {
    const made = await call('POST', scope, ping);
    expect(made).toMatchObject({ status: 201, body: { ...ping, type: 1, application_id: app() } });
    const again = await call('POST', scope, { ...ping, description: 'Again' });
    expect(again).toMatchObject({ status: 200, body: { id: made.body['id'], description: 'Again' } });
    const edited = await call('PATCH', `${scope}/${String(made.body['id'])}`, { name: 'pong' });
    expect(edited.body).toMatchObject({ id: made.body['id'], name: 'pong', description: 'Again' });
    expect((await call('GET', scope)).body).toHaveLength(1);
    const all = await call('PUT', scope, [
      { name: 'pong', description: 'x' },
      { name: 'Ping', type: 2 },
    ]);
    expect(all.body).toMatchObject([{ id: made.body['id'] }, { name: 'Ping', type: 2, description: '' }]);
    expect((await call('DELETE', `${scope}/${String(made.body['id'])}`)).status).toBe(204);
    expect((await call('GET', `${scope}/${String(made.body['id'])}`)).status).toBe(404);
    expect((await call('PUT', scope, [])).body).toEqual([]);
  }
});

describe('what a bot answers is seen:', () => {
  let client: RawClient;
  beforeEach(async () => {
    client = new RawClient(gateway.url);
    await client.identify(gateway.token);
  });
  afterEach(() => client.cut());

  test('a message, and the answer is seen, by the bot as well', async () => {
    const said = gateway.people.say('!ping', { channelId: channel() });
    await client.until('the message', (payload) => payload.d?.id === said.id);
    const reply = { content: 'pong', message_reference: { message_id: said.id }, embeds: [{ title: 'x' }] };
    const { status, body } = await call('POST', `/channels/${channel()}/messages`, reply);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      content: 'pong',
      type: 19,
      author: { id: app() },
      referenced_message: { id: said.id },
    });
    await client.until('its own message', (payload) => payload.t === 'MESSAGE_CREATE' && payload.d.id === body['id']);
    expect(gateway.posted.list({ channelId: channel() })).toMatchObject([
      { kind: 'message', message: { content: 'pong' } },
    ]);

    const path = `/channels/${channel()}/messages/${String(body['id'])}`;
    expect((await call('PATCH', path, { content: 'pong!' })).body).toMatchObject({
      content: 'pong!',
      embeds: [{ title: 'x' }],
    });
    expect((await call('PATCH', `/channels/${channel()}/messages/${said.id}`, { content: 'x' })).body).toMatchObject({
      code: 50_005,
    });
    expect((await call('GET', `/channels/${channel()}/messages`)).body).toMatchObject([
      { content: 'pong!' },
      { content: '!ping' },
    ]);
    expect((await call('PUT', `/channels/${channel()}/messages/${said.id}/reactions/%F0%9F%91%8D/@me`)).status).toBe(
      204,
    );
    expect((await call('DELETE', path)).status).toBe(204);
    expect((await call('GET', path)).status).toBe(404);
    expect(gateway.posted.list().map(({ kind }) => kind)).toEqual(['message', 'edit', 'reaction', 'delete']);
  });

  test('a message with a file', async () => {
    const form = new FormData();
    form.set('payload_json', JSON.stringify({ content: 'look' }));
    form.set('files[0]', new Blob(['hello']), 'hello.txt');
    const { body } = await call('POST', `/channels/${channel()}/messages`, form);
    expect(body).toMatchObject({ content: 'look', attachments: [{ filename: 'hello.txt', size: 5 }] });
  });

  test('a command: at once, later, and with more', async () => {
    await call('PUT', `/applications/${app()}/commands`, [
      { ...ping, options: [{ name: 'n', description: 'x', type: 4 }] },
    ]);
    const used = gateway.people.useCommand('ping', { n: 3 }, { guildId: guild().id });
    const created = await client.until('the interaction', (payload) => payload.t === 'INTERACTION_CREATE');
    expect(created.d).toMatchObject({
      id: used.id,
      type: 2,
      data: { name: 'ping', options: [{ name: 'n', type: 4, value: 3 }] },
    });
    const hook = `/webhooks/${app()}/${used.token}`;
    expect((await call('POST', hook, { content: 'too early' }, null)).status).toBe(404);
    const callback = `/interactions/${used.id}/${used.token}/callback`;
    expect((await call('POST', callback, { type: 5 }, null)).status).toBe(204);
    expect((await call('POST', callback, { type: 5 }, null)).body).toMatchObject({ code: 40_060 });
    expect((await call('PATCH', `${hook}/messages/@original`, { content: 'pong' }, null)).body).toMatchObject({
      content: 'pong',
      type: 20,
    });
    expect((await call('PATCH', `${hook}/messages/@original`, { content: 'pong 3' }, null)).body).toMatchObject({
      content: 'pong 3',
    });
    expect((await call('POST', hook, { content: 'more', flags: 64 }, null)).body).toMatchObject({
      content: 'more',
      flags: 64,
    });
    expect((await call('GET', `${hook}/messages/@original`, undefined, null)).body).toMatchObject({
      content: 'pong 3',
    });
    expect(gateway.posted.list({ interactionId: used.id }).map(({ kind }) => kind)).toEqual([
      'deferral',
      'message',
      'edit',
      'message',
    ]);
    clock.advance(15 * 60_000 + 1);
    expect((await call('POST', hook, { content: 'too late' }, null)).body).toMatchObject({ code: 10_015 });
  });

  test('a command, but not later than three seconds after', async () => {
    await call('PUT', `/applications/${app()}/commands`, [ping]);
    const used = gateway.people.useCommand('ping');
    clock.advance(3_001);
    const late = await call(
      'POST',
      `/interactions/${used.id}/${used.token}/callback`,
      { type: 4, data: { content: 'x' } },
      null,
    );
    expect(late).toMatchObject({ status: 404, body: { code: 10_062 } });
  });

  test('a button, by changing its message', async () => {
    const { body } = await call('POST', `/channels/${channel()}/messages`, {
      content: 'press',
      components: [{ type: 1, components: [{ type: 2, style: 1, label: 'Go', custom_id: 'go' }] }],
    });
    const pressed = gateway.people.press('go', String(body['id']), { channelId: channel() });
    const created = await client.until('the press', (payload) => payload.t === 'INTERACTION_CREATE');
    expect(created.d).toMatchObject({
      type: 3,
      data: { custom_id: 'go', component_type: 2, id: 2 },
      message: { id: body['id'] },
    });
    const answer = { type: 7, data: { content: 'pressed' } };
    const callback = `/interactions/${pressed.id}/${pressed.token}/callback?with_response=true`;
    expect((await call('POST', callback, answer, null)).body).toMatchObject({
      resource: { message: { content: 'pressed' } },
    });
    expect((await call('GET', `/channels/${channel()}/messages/${String(body['id'])}`)).body).toMatchObject({
      content: 'pressed',
    });
  });

  test('and what was posted can be waited for', async () => {
    const seen = gateway.posted.seen({ kind: 'message' });
    await call('POST', `/channels/${channel()}/messages`, { content: 'here' });
    expect(await seen).toMatchObject({ n: 1, message: { content: 'here' } });
  });
});

describe('people, steered over HTTP,', () => {
  const post = async (path: string, body: unknown): Promise<Answer> => {
    const response = await fetch(`${gateway.httpUrl}${path}`, {
      method: 'POST',
      headers: { connection: 'close' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Body };
  };

  test('say, join, leave, move and change, and the bot is told', async () => {
    const client = new RawClient(gateway.url);
    await client.identify(gateway.token, [0, 1], 0x1ffff);
    const guildId = guild().id;
    const userId = guild().generated(2).user.id;
    const steps: [string, object, string][] = [
      ['/emulator/say', { content: 'hello', guildId }, 'MESSAGE_CREATE'],
      ['/emulator/leave', { guildId, userId }, 'GUILD_MEMBER_REMOVE'],
      ['/emulator/join', { guildId, userId }, 'GUILD_MEMBER_ADD'],
      ['/emulator/join', { guildId, name: 'nova' }, 'GUILD_MEMBER_ADD'],
      ['/emulator/presence', { guildId, userId, status: 'dnd' }, 'PRESENCE_UPDATE'],
      ['/emulator/voice', { guildId, userId, channelId: guild().voiceChannelIds()[0] }, 'VOICE_STATE_UPDATE'],
      ['/emulator/voice', { guildId, userId, channelId: null }, 'VOICE_STATE_UPDATE'],
      ['/emulator/react', { emoji: '👍', messageId: '1', channelId: channel() }, 'MESSAGE_REACTION_ADD'],
      ['/emulator/event', { t: 'ANYTHING', d: { x: 1 }, guildId }, 'ANYTHING'],
      ['/emulator/event', { t: 'WITHOUT_GUILD', d: {} }, 'WITHOUT_GUILD'],
    ];
    for (const [path, body] of steps) expect(await post(path, body), path).toMatchObject({ status: 200 });
    const types = (): string[] =>
      client.received.flatMap(({ t }) => (t === null || t === 'READY' || t === 'GUILD_CREATE' ? [] : [t]));
    await until(() => types().length >= steps.length, { what: 'all events' });
    expect(types()).toEqual(steps.map(([, , type]) => type));
    await client.cut();
  });

  test.each([
    ['/emulator/say', {}, '"content" must be'],
    ['/emulator/say', '[', 'not JSON'],
    ['/emulator/say', { content: 'x', to: 'y' }, '"to" is not known here'],
    ['/emulator/say', { content: 'x', guildId: '1' }, 'there is no guild 1'],
    ['/emulator/say', { content: 'x', channelId: '1' }, 'there is no channel 1'],
    ['/emulator/say', { content: 'x', userId: '1' }, '1 is not a member'],
    ['/emulator/say', { content: 'x', direct: 'yes' }, '"direct" must be'],
    ['/emulator/say', { content: 'x'.repeat(3_000) }, 'no message'],
    ['/emulator/command', { name: 'ping' }, 'has registered no command yet'],
    ['/emulator/command', { name: 'ping', options: [] }, '"options" must be'],
    ['/emulator/press', { customId: 'x', messageId: '1' }, 'there is no message 1'],
    ['/emulator/leave', { guildId: '1', userId: '2' }, 'there is no guild 1'],
    ['/emulator/presence', { guildId: '1', userId: '2', status: 'away' }, '"status" must be one of'],
    ['/emulator/event', { t: 'X', d: 1 }, '"d" must be'],
    ['/emulator/event', { t: 'X', d: {}, intents: 'all' }, '"intents" must be'],
  ])('are refused POST %s with %j', async (path, body, problem) => {
    const answer = await post(path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'DSO_EMULATOR_BAD_REQUEST' } });
    expect(answer.body['message']).toContain(problem);
  });

  test('what the bot posted is read there, from where one was', async () => {
    for (const content of ['one', 'two']) await call('POST', `/channels/${channel()}/messages`, { content });
    const read = async (query: string): Promise<Answer> => {
      const response = await fetch(`${gateway.httpUrl}/emulator/posted${query}`, { headers: { connection: 'close' } });
      return { status: response.status, body: (await response.json()) as Body };
    };
    expect((await read('')).body).toMatchObject({
      count: 2,
      posted: [{ n: 1 }, { n: 2, message: { content: 'two' } }],
    });
    expect((await read('?after=1&kind=message')).body['posted']).toHaveLength(1);
    expect((await read('?channelId=5')).body['posted']).toHaveLength(0);
    for (const query of ['?after=x', '?kind=song', '?other=1']) expect((await read(query)).status).toBe(400);
  });
});
