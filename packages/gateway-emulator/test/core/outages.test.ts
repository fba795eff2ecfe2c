/**
 * What happens to all sessions at once: guild outages, throttled starts, revoked tokens and intents, op 7 before HELLO.
 */
import { describe, expect, test } from 'vitest';
import { beginOutage, endOutage } from '../../src/core/availability.js';
import { dispatch } from '../../src/core/dispatch.js';
import type { Effect } from '../../src/core/effects.js';
import { throttleStarts } from '../../src/core/faults.js';
import { grantIntents, revokeIntents, revokeToken } from '../../src/core/token.js';
import { Harness, token } from './harness.js';
import { guildId, smallWorld } from './small-world.js';

describe('an outage of a guild', () => {
  const message = { id: 'm', type: 'MESSAGE_CREATE', json: '{}', route: 1, intents: 512 };

  test('is GUILD_DELETE, silence, and GUILD_CREATE at its end', () => {
    const harness = new Harness({}, smallWorld());
    const client = harness.connect().identify();
    expect(harness.fault(beginOutage(harness.state, [guildId, guildId, '5']))).toBe(1);
    expect(client.last).toMatchObject({ t: 'GUILD_DELETE', d: { id: guildId, unavailable: true } });
    harness.run(dispatch(harness.state, message, harness.now));
    client.send({ op: 31, d: { guild_ids: [guildId] } });
    expect(client.last?.t).toBe('GUILD_DELETE');
    expect(harness.fault(beginOutage(harness.state, [guildId]))).toBe(0);
    expect(harness.fault(endOutage(harness.state, [guildId]))).toBe(1);
    expect(harness.fault(endOutage(harness.state, [guildId]))).toBe(0);
    expect(client.last).toMatchObject({ t: 'GUILD_CREATE', d: { id: guildId, name: 'small' } });
    harness.run(dispatch(harness.state, message, harness.now));
    expect(client.last?.t).toBe('MESSAGE_CREATE');
    expect(harness.ledger.verdict()).toMatchObject({ emitted: 1, missed: 0 });
  });

  test('that is there already follows READY in place of the guild', () => {
    const harness = new Harness({}, smallWorld());
    harness.fault(beginOutage(harness.state, [guildId]));
    const client = harness.connect().identify();
    expect(client.ready.d.guilds).toEqual([{ id: guildId, unavailable: true }]);
    expect(client.seen).toEqual(['op10', 'READY', 'GUILD_DELETE']);
  });
});

test('large_threshold of IDENTIFY is kept within 50 and 250', () => {
  for (const [asked, used] of [
    [undefined, 50],
    [10, 50],
    [100, 100],
    [1_000, 250],
    ['x', 50],
  ] as const) {
    const client = new Harness({}, smallWorld()).connect().identify([0, 1], { large_threshold: asked });
    expect(client.last?.d).toMatchObject({ largeThreshold: used });
  }
});

describe('throttled starts', () => {
  test('are answered with op 9, cost nothing, and keep the socket and the session', () => {
    const harness = new Harness({ guilds: 0, maxConcurrency: 4 });
    const held = harness.connect().identify([1, 4]);
    held.close(4200);
    throttleStarts(harness.state, harness.now + 5_000);
    const client = harness.connect().identify([0, 4]);
    expect(client.last).toMatchObject({ op: 9, d: false });
    const resuming = harness.connect().resume(held.sessionId, 1);
    expect(resuming.last).toMatchObject({ op: 9, d: true });
    harness.advance(5_000);
    expect(client.identify([0, 4]).last?.t).toBe('READY');
    expect(resuming.resume(held.sessionId, 1).last?.t).toBe('RESUMED');
    expect(harness.ledger.verdict()).toMatchObject({ clean: true, identifies: { used: 2 } });
  });

  test('end when the operator ends them', () => {
    const harness = new Harness();
    throttleStarts(harness.state, harness.now + 5_000);
    throttleStarts(harness.state, null);
    expect(harness.connect().identify().seen).toContain('READY');
  });
});

describe('op 7 for the next sockets', () => {
  test('before HELLO: the client may stay for the grace period, and go on elsewhere', () => {
    const harness = new Harness();
    harness.state.greeting = { kind: 'reconnect-before-hello', left: 1 };
    const [first, second] = [harness.connect(), harness.connect()];
    expect([first.seen, second.seen]).toEqual([['op7', 'op10'], ['op10']]);
    harness.advance(5_000);
    expect([first.closedWith, second.closedWith]).toEqual([4000, null]);
    expect(harness.violations()).toEqual(['ignored-reconnect']);
  });

  test('instead of HELLO: the client goes on elsewhere', () => {
    const harness = new Harness();
    harness.state.greeting = { kind: 'reconnect-instead-of-hello', left: 2 };
    expect([harness.connect(), harness.connect(), harness.connect()].map(({ seen }) => seen)).toEqual([
      ['op7'],
      ['op7'],
      ['op10'],
    ]);
  });
});

describe('what is taken from the application ends sessions:', () => {
  const revoke = (harness: Harness, act: (out: Effect[]) => void): void => {
    const out: Effect[] = [];
    act(out);
    harness.run(out);
  };

  test('its token: sessions are closed with 4003, attached or not, and IDENTIFY with the old token is 4004', () => {
    const harness = new Harness({ maxConcurrency: 2 });
    const [attached, detached] = [harness.connect().identify([0, 2]), harness.connect().identify([1, 2])];
    detached.close(4200);
    revoke(harness, (out) => revokeToken(harness.state, harness.now, out));
    expect(attached.closedWith).toBe(4003);
    expect(harness.state.sessions.size).toBe(0);
    expect(harness.connect().identify().closedWith).toBe(4004);
    harness.state.token = 'fresh';
    expect(harness.connect().identify([0, 2], { token }).closedWith).toBe(4004);
    harness.advance(5_000);
    expect(harness.connect().identify([0, 2], { token: 'fresh' }).seen).toContain('READY');
  });

  test('intents: sessions are closed with 4003, and IDENTIFY with one of them is 4014', () => {
    const harness = new Harness({ identifyWindowMs: 0 });
    const client = harness.connect().identify();
    revoke(harness, (out) => revokeIntents(harness.state, 512, 4003, harness.now, out));
    expect(client.closedWith).toBe(4003);
    expect(harness.connect().identify().closedWith).toBe(4014);
    expect(harness.connect().identify([0, 1], { intents: 1 }).seen).toContain('READY');
  });

  test('intents, with 4014 for running sessions too: they are gone, until the intents are granted again', () => {
    const harness = new Harness({ identifyWindowMs: 0 });
    const client = harness.connect().identify();
    revoke(harness, (out) => revokeIntents(harness.state, 512, 4014, harness.now, out));
    expect(client.closedWith).toBe(4014);
    expect(harness.connect().resume(client.sessionId, 1).last).toMatchObject({ op: 9, d: false });
    expect(harness.connect().identify().closedWith).toBe(4014);
    grantIntents(harness.state, 512);
    expect(harness.connect().identify().seen).toContain('READY');
  });
});

describe('payload compression', () => {
  test('is for large payloads of sessions that asked for it, and not on a compressed stream', () => {
    const deflated = (compress: boolean, query: { compress?: string } = {}): number =>
      new Harness({ guilds: 4 }).connect(query).identify([0, 1], { compress }).deflated;
    expect(deflated(true)).toBeGreaterThan(0);
    expect([deflated(false), deflated(true, { compress: 'zlib-stream' })]).toEqual([0, 0]);
  });

  test('stays with the session over a RESUME', () => {
    const harness = new Harness({ guilds: 4 });
    const client = harness.connect().identify([0, 1], { compress: true });
    client.close(4200);
    expect(harness.connect().resume(client.sessionId, 1).deflated).toBeGreaterThan(0);
  });
});

test('READY repeats the version that was asked for', () => {
  expect(new Harness().connect({ v: '9' }).identify().ready.d.v).toBe(9);
});
