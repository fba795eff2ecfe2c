/** What of a client other nodes may read. `token` was answered to everybody who asked, by every node. */
import { Client, Guild } from 'discord.js';
import { leakGuard } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { valueAt } from '../../src/fleet/client-path.js';
import { json, world } from './fleet-world.js';

leakGuard({ beforeEach, afterEach });

const TOKEN = 'MTIz.the-token';

class Bot {
  readonly token = TOKEN;
  readonly _token = TOKEN;
  readonly rest = {
    options: { auth: `Bot ${TOKEN}`, baseURL: '/api' },
    botToken: TOKEN,
    _secret: TOKEN,
    calls: 7,
    callCount: 7,
  };
  readonly guilds = new Map([['1', { id: '1', ownerToken: TOKEN }]]);
  readonly listOfGuilds = [{ name: 'one', token: TOKEN }];
  readonly shards = Object.create(null, { size: { value: 4, enumerable: true } }) as object;
  get uptime(): number {
    return 12;
  }
  login(): void {
    throw new Error('it was called');
  }
}

describe('a property of the client', () => {
  test.each([
    ['uptime', 12],
    ['guilds.size', 1],
    ['rest.callCount', 7],
    ['listOfGuilds.0.name', 'one'],
    ['listOfGuilds.length', 1],
    ['listOfGuilds.0.name.length', 3],
    ['shards.size', 4],
    ['nothing.id', undefined],
    ['nothing.of.this.name', undefined],
  ])('is read when it is "%s"', (property, value) => {
    expect(valueAt(new Bot(), property, [])).toEqual(value);
  });

  test.each([
    ['rest.calls', ['rest.calls'], 7],
    ['rest.calls', ['rest'], 7],
    ['listOfGuilds', ['listOfGuilds'], [{ name: 'one', token: TOKEN }]],
    ['nothing', ['nothing'], undefined],
    ['guilds.toString', ['guilds'], undefined],
  ] as const)('is read when it is "%s" and the bot names %j', (property, named, value) => {
    expect(valueAt(new Bot(), property, named)).toEqual(value);
    expect(() => valueAt(new Bot(), property, [])).toThrow(expect.objectContaining({ code: 'DSO_CALL_INVALID' }));
  });

  /** The story: whatever was not known to be a secret was told to whoever asked. */
  test.each([
    'rest',
    'rest.options',
    'rest.options.baseURL',
    'listOfGuilds',
    'listOfGuilds.0',
    'guilds',
    'options',
    '',
  ])('is not answered when it is "%s", for nobody has named it', (property) => {
    expect(() => valueAt(new Bot(), property, ['rest.optionsOfAnother', 'uptime'])).toThrow(/values: \[…\]/);
  });

  test('is not answered whole under a name that stands for a number', () => {
    expect(() => valueAt({ count: { everything: 1 } }, 'count', [])).toThrow(/is an object/);
  });

  test.each([
    ['token', 'token'],
    ['Token', 'Token'],
    ['_token', '_token'],
    ['rest.botToken', 'botToken'],
    ['rest.options.auth', 'auth'],
    ['rest._secret', '_secret'],
    ['__proto__', '__proto__'],
    ['guilds.__proto__.size', '__proto__'],
    ['constructor.name', 'constructor'],
    ['guilds.constructor', 'constructor'],
    ['login', 'login'],
    ['login.prototype', 'prototype'],
    ['guilds.get', 'get'],
    ['listOfGuilds.map.length', 'map'],
    ['nothing.token', 'token'],
  ])('is not answered when it is %s, and the error names %s', (property, name) => {
    expect(() => valueAt(new Bot(), property, [property])).toThrow(
      expect.objectContaining({ code: 'DSO_CALL_INVALID', message: expect.stringContaining(`part "${name}"`) }),
    );
  });

  test('has no secrets within when it is sent', async () => {
    const { ask, close } = await world({ fleet: { client: new Bot(), values: ['rest', 'listOfGuilds'] } });
    const values = [];
    for (const property of ['rest', 'listOfGuilds']) {
      values.push((await ask({ name: '$value', args: json({ property }) }))[0]?.value);
    }
    expect(values).toEqual([{ options: { baseURL: '/api' }, calls: 7, callCount: 7 }, [{ name: 'one' }]]);
    await close();
  });

  test('is refused with the reason when another node asks', async () => {
    const { ask, close } = await world({ fleet: { client: new Bot() } });
    const [answer] = await ask({ name: '$value', args: json({ property: 'token' }) });
    expect(answer).toMatchObject({ value: null, error: expect.stringMatching(/"token".*secrets.*fleet\.handle\(\)/) });
    await close();
  });
});

test('what bots ask a discord.js client for is answered', () => {
  const client = new Client({ intents: [] });
  client.token = TOKEN;
  Object.assign(client, { commands: new Map([['ping', {}]]) });
  const guild = { id: '5', name: 'five', unavailable: false, memberCount: 9 };
  client.guilds.cache.set('5', Reflect.construct(Guild, [client, guild]) as Guild);
  const wanted = ['guilds.cache.size', 'users.cache.size', 'ws.ping', 'uptime', 'commands.size', 'options.shardCount'];
  expect(wanted.map((property) => valueAt(client, property, []))).toEqual([1, 0, NaN, null, 1, 1]);
  for (const property of ['token', 'rest._token', 'guilds.client.token', 'guilds.cache.constructor']) {
    expect(() => valueAt(client, property, [])).toThrow(/does not answer/);
  }
});
