import { describe, expect, test } from 'vitest';
import { resolveOptions } from '../../src/options.js';
import { Harness, someIntents, token } from './harness.js';

describe('IDENTIFY', () => {
  test('is answered by READY as sequence 1, then by the guilds of the shard', () => {
    const harness = new Harness({ guilds: 6 });
    const client = harness.connect().identify([1, 2]);
    expect(client.seen).toEqual(['op10', 'READY', 'GUILD_CREATE', 'GUILD_CREATE', 'GUILD_CREATE']);
    expect(client.received.map((payload) => payload.s)).toEqual([null, 1, 2, 3, 4]);
    const { d } = client.ready;
    expect(d.session_id).toMatch(/^[0-9a-f]{32}$/);
    expect(d).toMatchObject({ v: 10, shard: [1, 2], resume_gateway_url: 'ws://resume', user: { bot: true } });
    const own = [...harness.world.guildsOf(0, 1)].filter((guild) => guild.route % 2 === 1).map((guild) => guild.id);
    expect(d.guilds).toEqual(own.map((id) => ({ id, unavailable: true })));
    expect(client.received.slice(2).map((payload) => payload.d.id)).toEqual(own);
  });

  test('without the GUILDS intent brings no GUILD_CREATE', () => {
    expect(new Harness().connect().identify([0, 1], { intents: 512 }).seen).toEqual(['op10', 'READY']);
  });

  test('takes the token bare or with "Bot " before it, and a missing shard as [0, 1]', () => {
    const client = new Harness().connect().identify(undefined, { token: `Bot ${token}` });
    expect(client.ready.d.shard).toEqual([0, 1]);
  });

  test.each([
    ['a wrong token', [0, 1], { token: 'other' }, 4004],
    ['a shard beyond the count', [2, 2], {}, 4010],
    ['a negative shard', [-1, 2], {}, 4010],
    ['no shards at all', [0, 0], {}, 4010],
    ['a tuple of one', [0], {}, 4010],
    ['a shard in words', ['0', '1'], {}, 4010],
    ['a count that is no multiple for a large bot', [0, 3], {}, 4010],
    ['more guilds than a shard may have', [0, 2], {}, 4011],
    ['no intents', [0, 4], { intents: undefined }, 4013],
    ['intents that mean nothing', [0, 4], { intents: 1 << 18 }, 4013],
    ['intents beyond 32 bits', [0, 4], { intents: 2 ** 33 + 1 }, 4013],
    ['intents that were not granted', [0, 4], { intents: someIntents | 256 }, 4014],
    ['no token', [0, 4], { token: undefined }, 4001],
    ['no properties', [0, 4], { properties: undefined }, 4001],
  ])('with %s is closed with the code of that fault', (_what, shard, more, code) => {
    const harness = new Harness({ guilds: 8, maxGuildsPerShard: 3, shardCountMultiple: 2, disallowedIntents: 256 });
    const client = harness.connect().identify(shard, more);
    expect(client.closedWith).toBe(code);
    expect(client.seen).toEqual(['op10']);
    expect(harness.state.sessions.size).toBe(0);
    expect(harness.ledger.verdict().violations).toHaveLength(1);
  });

  test.each([['3'], ['11'], ['x']])('on gateway version %s is not reached: 4012', (v) => {
    const client = new Harness().connect({ v });
    expect(client.closedWith).toBe(4012);
    expect(client.received).toEqual([]);
  });

  test('of a shard with exactly as many guilds as it may have is admitted', () => {
    const harness = new Harness({ guilds: 6, maxGuildsPerShard: 3 });
    expect(harness.connect().identify([0, 2]).seen).toContain('READY');
  });

  test('on a socket that has a session is closed with 4005, and the session waits for RESUME', () => {
    const harness = new Harness();
    const client = harness.connect().identify().identify();
    expect(client.closedWith).toBe(4005);
    expect(harness.connect().resume(client.sessionId, 1).last?.t).toBe('RESUMED');
  });
});

describe('identify windows', () => {
  test('admit one IDENTIFY per key in 5 s; an early one gets op 9 after a delay and is counted', () => {
    const harness = new Harness({ maxConcurrency: 2 });
    harness.connect().identify([0, 4]);
    harness.connect().identify([1, 4]);
    harness.advance(4_999);
    const early = harness.connect().identify([2, 4]);
    expect(early.seen).toEqual(['op10']);
    harness.advance(1_999);
    expect(early.seen).toEqual(['op10']);
    harness.advance(1);
    expect(early.last).toMatchObject({ op: 9, d: false });
    expect(harness.violations()).toEqual(['early-identify']);
    expect(harness.ledger.verdict().identifies).toEqual({ used: 3, inWrongWindow: 1, whileResumable: 0 });
    expect(early.identify([2, 4]).seen).toContain('READY');
    expect(harness.ledger.verdict().identifies).toEqual({ used: 4, inWrongWindow: 1, whileResumable: 0 });
  });

  test('do not hold up a RESUME', () => {
    const harness = new Harness();
    const first = harness.connect().identify([0, 2]);
    first.close(4200);
    expect(harness.connect().resume(first.sessionId, 1).last?.t).toBe('RESUMED');
    expect(harness.violations()).toEqual([]);
  });

  test('a refused socket that identifies again before its op 9 is closed', () => {
    const harness = new Harness();
    harness.connect().identify([0, 2]);
    expect(harness.connect().identify([1, 2]).identify([1, 2]).closedWith).toBe(4005);
  });
});

describe('the session-start budget', () => {
  test('when used up costs the token: every session is closed with 4003, and IDENTIFY fails until a token is issued', () => {
    const harness = new Harness({ sessionStartLimit: 2, maxConcurrency: 8 });
    const [first, second] = [harness.connect().identify([0, 4]), harness.connect().identify([1, 4])];
    const third = harness.connect().identify([2, 4]);
    expect([first.closedWith, second.closedWith, third.closedWith]).toEqual([4003, 4003, 4004]);
    expect(harness.state.sessions.size).toBe(0);
    expect(harness.connect().identify([2, 4]).closedWith).toBe(4004);
    expect(harness.connect().resume(first.sessionId, 1).last).toMatchObject({ op: 9, d: false });
    expect(harness.violations()).toContain('budget-exhausted');
  });

  test('of a large bot is larger, by its guilds', () => {
    expect(resolveOptions({ guilds: 500_000 }).rules).toMatchObject({
      sessionStartLimit: 2_500,
      shardCountMultiple: 16,
    });
    expect(resolveOptions({ guilds: 150_000 }).rules).toMatchObject({
      sessionStartLimit: 1_000,
      shardCountMultiple: 1,
    });
    expect(resolveOptions({ guilds: 200_000, shardCountMultiple: 4 }).rules).toMatchObject({
      sessionStartLimit: 2_000,
      shardCountMultiple: 4,
    });
  });

  test('lasts a day of 1000 IDENTIFYs, 86.4 s apart, and the next day begins whole', () => {
    const harness = new Harness({ guilds: 0 });
    const day = 24 * 60 * 60 * 1000;
    for (let start = 0; start < 1_000; start += 1) {
      harness.connect().identify().close(1000);
      harness.now += day / 1_000;
    }
    expect(harness.connect().identify().seen).toContain('READY');
    expect(harness.ledger.verdict().identifies).toMatchObject({ used: 1_001, inWrongWindow: 0 });
    expect(harness.state.token).toBe(token);
  });

  test('is whole again a day later', () => {
    const harness = new Harness({ sessionStartLimit: 1, identifyWindowMs: 0, heartbeatTimeoutMs: 172_800_000 });
    expect(harness.connect().identify().seen).toContain('READY');
    harness.advance(24 * 60 * 60 * 1000);
    expect(harness.connect().identify().seen).toContain('READY');
  });
});
