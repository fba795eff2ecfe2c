/**
 * The host for @discordjs/ws with the real library against the emulator: nothing lost, nothing twice, no IDENTIFY too
 * many.
 */
import { WebSocketShardEvents } from '@discordjs/ws';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { GatewayDispatchEvents } from 'discord-api-types/v10';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NodeError } from '../../../src/index.js';
import { createWsHost } from '../../../src/hosts/ws/index.js';
import type { WsHostOptions } from '../../../src/hosts/ws/index.js';
import { verdictOf } from '../subject.js';
import { Scene } from './bots.js';
import type { EmulatorOptions } from '../subject.js';
import { leave } from '../leave.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();
let gateway: GatewayEmulator;

async function world(options: EmulatorOptions = {}): Promise<void> {
  gateway = await scene.world(options);
}

const bot = scene.bot.bind(scene);

afterEach(() => scene.close());

describe('starting and stopping', () => {
  test('identifies with a permit, becomes ready, hands over what comes, reports', async () => {
    await world({ rate: 200 });
    const a = bot('a');
    await a.start(0, 1, 2, 3);
    await until(() => gateway.ledger.verdict().handled > 50, { what: 'traffic' });
    expect(a.permits).toHaveLength(4);
    expect(a.permits.every(({ ended }) => ended === true)).toBe(true);
    const reports = a.host.report?.() ?? [];
    expect(reports.map(({ shardId }) => shardId)).toEqual([0, 1, 2, 3]);
    expect(reports.reduce((sum, { guilds }) => sum + guilds, 0)).toBe(16);
    expect(reports.every(({ events }) => events > 0)).toBe(true);
    const verdict = await verdictOf(gateway);
    expect(verdict).toMatchObject({ clean: true, identifies: { used: 4 } });
  });

  test('waits for the permit, and gives it back when it is stopped', async () => {
    await world();
    const a = bot('a');
    let release = (): void => undefined;
    a.hold = new Promise((resolve) => (release = resolve));
    await a.host.startShards([1], a.context);
    await until(() => a.phase(1) === 'waiting', { what: 'the request' });
    expect(gateway.ledger.verdict().identifies.used).toBe(0);
    expect(await a.host.stopShard(1, { keepSession: true })).toBeNull();
    release();
    await until(() => gateway.admin.status().sockets === 0, { what: 'the connection to be closed' });
    expect(gateway.ledger.verdict().identifies.used).toBe(0);
  });

  test('asks the API once for all shards', async () => {
    await world();
    const a = bot('a');
    const { fetch } = { fetch: a.host.manager.fetchGatewayInformation.bind(a.host.manager) };
    let asked = 0;
    a.host.manager.fetchGatewayInformation = (force) => {
      asked++;
      return fetch(force);
    };
    await a.start(0, 1, 2, 3);
    expect(asked).toBe(1);
  });

  test('an API that fails is asked again', async () => {
    await world();
    const a = bot('a');
    const fetch = a.host.manager.fetchGatewayInformation.bind(a.host.manager);
    let failures = 1;
    a.host.manager.fetchGatewayInformation = (force) =>
      failures-- > 0 ? Promise.reject(new Error('503')) : fetch(force);
    await a.start(0);
    expect(a.logged.filter((line) => line.startsWith('GET /gateway/bot failed (503)'))).toHaveLength(1);
  });

  test('keeps the session at a stop, and its cursor is the last event that user code got', async () => {
    await world({ rate: 500 });
    const a = bot('a');
    await a.start(0);
    await until(() => a.seen.length > 50, { what: 'traffic' });
    const stopped = a.host.stopShard(0, { keepSession: true });
    const seen = a.seen.length;
    const cursor = await stopped;
    expect(a.seen).toHaveLength(seen);
    expect(cursor?.sequence).toBe(a.seen.at(-1)?.s);
    expect(cursor?.resumeGatewayUrl).toContain(gateway.resumeUrl);
    expect(gateway.admin.status().sessions).toMatchObject([{ sessionId: cursor?.sessionId, attached: false }]);
  });

  test('a stop that comes while a resume has hardly begun stops the shard that is being resumed', async () => {
    // An origin took its shard back and was told to leave in the same moment. The stop found the closed shard of before
    // the migration, the resume opened a new one after it: the shard ran on, and nobody knew.
    await world();
    const a = bot('a');
    await a.start(0);
    const session = await leave(a.host, 0);
    const resumed = a.host.resumeShard(0, session, a.context);
    const stopped = a.host.stopShard(0, { keepSession: true });
    await expect(resumed).rejects.toThrow(NodeError);
    expect(await stopped).toEqual(session);
    expect(a.phase(0)).toBe('absent');
    await until(() => gateway.admin.status().sockets === 0, { what: 'the connection to be closed' });
  });

  test('ends the session with 1000 at a final stop', async () => {
    await world();
    const a = bot('a');
    await a.start(0);
    expect(await a.host.stopShard(0, { keepSession: false })).toBeNull();
    await until(() => gateway.admin.status().sessions.length === 0, { what: 'the session to end' });
    expect(gateway.ledger.verdict().violations).toMatchObject([{ kind: 'session-closed-for-good', shard: 0 }]);
  });

  test('cuts the close when Discord does not answer it', async () => {
    await world();
    const a = bot('a');
    await a.start(0);
    const cursor = a.host.cursorOf(0);
    await gateway.close();
    expect(await a.host.stopShard(0, { keepSession: true })).toEqual(cursor);
  });

  test('says what to do when the token is wrong; the bot lives on', async () => {
    await world();
    const { rest } = bot('b').host.manager.options;
    const a = bot('a', { token: 'wrong', rest });
    // Nobody listens for the manager's 'error': the library alone would throw it.
    await a.host.startShards([0], a.context);
    await until(() => a.logged.some((line) => line.includes('the bot token is wrong')), { what: 'the complaint' });
    expect(a.phase(0)).toBe('disconnected');
  });

  test('sends when it is ready, also after a resume', async () => {
    await world({ rate: 100 });
    const a = bot('a');
    const b = bot('b');
    await a.start(0);
    await a.host.manager.send(0, { op: 3, d: { since: null, activities: [], status: 'idle' as never, afk: false } });
    await a.migrate(0, b);
    await b.host.manager.send(0, { op: 3, d: { since: null, activities: [], status: 'idle' as never, afk: false } });
    // What nobody waits for is dropped; a request says at once that no answer will come.
    await a.host.manager.send(0, { op: 1, d: null });
    const request = { guild_id: gateway.world.guildAt(0).id, query: '', limit: 0 };
    await expect(a.host.manager.send(0, { op: 8, d: request })).rejects.toMatchObject({ code: 'DSO_SHARD_NOT_HOSTED' });
    void a.host.manager.send(0, { op: 8, d: request });
    expect([...(await b.host.manager.fetchStatus()).entries()]).toEqual([[0, 3]]);
  });

  test('the manager does not start shards by itself', async () => {
    await world();
    const a = bot('a');
    await expect(a.host.manager.connect()).rejects.toMatchObject({ code: 'DSO_MANAGER_NOT_IN_CHARGE' });
    await expect(a.host.manager.destroy()).rejects.toMatchObject({ code: 'DSO_MANAGER_NOT_IN_CHARGE' });
  });
});

describe('migrating', () => {
  test('16 shards move between two bots under traffic, back and forth: nothing is lost, twice or out of order', async () => {
    await world({ rate: 800, shards: 16, guilds: 64 });
    // As long as in production: on a busy machine the short ones of these tests would retry, and a retry is one more
    // gap.
    const timeouts = { handshakeMs: 5_000, helloMs: 5_000, identifyMs: 15_000, resumeMs: 10_000, closeMs: 3_000 };
    const a = bot('a', { timeouts }, 16);
    const b = bot('b', { timeouts }, 16);
    const shards = Array.from({ length: 16 }, (_, shardId) => shardId);
    await a.start(...shards);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      await Promise.all(shards.map((shardId) => from.migrate(shardId, to)));
      await to.ready(...shards);
      expect(from.host.report?.()).toEqual([]);
    }
    const verdict = await verdictOf(gateway);
    expect(verdict).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, missed: 0, identifies: { used: 16 } });
    expect(verdict.violations).toEqual([]);
    expect(verdict.gaps).toHaveLength(32);
    expect(a.permits).toHaveLength(16);
    expect(b.permits).toHaveLength(0);
  });

  test('nothing that had arrived is handed over after the cursor was taken', async () => {
    await world({ rate: 2_000 });
    const a = bot('a');
    await a.start(0);
    // Taken within a dispatch: the rest of the same turn has arrived already.
    const taken = new Promise<number>((resolve, reject) => {
      let count = 0;
      a.host.manager.on(WebSocketShardEvents.Dispatch, (payload) => {
        if (++count === 20) {
          const { s } = payload;
          leave(a.host, 0).then((session) => {
            expect(session.sequence).toBe(s);
            resolve(s);
          }, reject);
        }
      });
    });
    const s = await taken;
    expect(a.seen.at(-1)?.s).toBe(s);
    expect(a.phase(0)).toBe('frozen');
    const b = bot('b');
    await b.host.resumeShard(0, a.host.cursorOf(0)!, b.context);
    expect((await verdictOf(gateway)).lost).toBe(0);
  });

  test('a shard waits for handlers that are under way', async () => {
    await world({ rate: 100 });
    let finish = (): void => undefined;
    let working = 0;
    const a = bot('a', {
      onDispatch: async ({ t }) => {
        if (t === GatewayDispatchEvents.MessageCreate && working++ === 0) {
          await new Promise<void>((resolve) => (finish = resolve));
        }
      },
    });
    await a.start(0);
    await until(() => working > 0, { what: 'a handler at work' });
    let left = false;
    const leaving = leave(a.host, 0).then(() => (left = true));
    await until(() => a.phase(0) === 'frozen', { what: 'the shard to be frozen' });
    expect(left).toBe(false);
    finish();
    await leaving;
  });

  test('a shard that is taken back goes on where it stopped', async () => {
    await world({ rate: 500 });
    const a = bot('a');
    await a.start(0, 1);
    const session = await leave(a.host, 0);
    await a.host.resumeShard(0, session, a.context);
    expect(a.phase(0)).toBe('ready');
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 2 } });
  });

  test('a shard without a session cannot be moved, and is not hurt by the attempt', async () => {
    await world();
    const a = bot('a');
    let release = (): void => undefined;
    a.hold = new Promise((resolve) => (release = resolve));
    await a.host.startShards([0], a.context);
    await expect(leave(a.host, 0)).rejects.toMatchObject({ code: 'DSO_SHARD_NO_SESSION' });
    await expect(leave(a.host, 9)).rejects.toMatchObject({ code: 'DSO_SHARD_NOT_HOSTED' });
    release();
    await a.ready(0);
  });

  test('the state of a shard goes through the hooks of the bot', async () => {
    await world();
    const told: string[] = [];
    const a = bot('a', {
      state: {
        exportDelta: async (shardId, { send }) => send('guild', shardId),
        handleUserEvent: (shardId, name, value) => void told.push(`${shardId} ${name} ${String(value)}`),
        released: (shardId) => void told.push(`released ${shardId}`),
      },
    });
    const sent: unknown[] = [];
    await a.host.exportDelta?.(2, {
      signal: new AbortController().signal,
      send: async (name, value) => void sent.push([name, value]),
      handled: () => Promise.resolve(),
    });
    await a.host.handleUserEvent?.(2, 'guild', 5);
    await a.host.released?.(2);
    expect(sent).toEqual([['guild', 2]]);
    expect(told).toEqual(['2 guild 5', 'released 2']);
    expect(Reflect.get(bot('b').host, 'handleUserEvent')).toBeUndefined();
  });
});

describe('options', () => {
  test.each([
    [{ intents: 0 }, 'The option "token" of createWsHost is missing'],
    [{ token: 't' }, 'The option "intents" of createWsHost is missing'],
    [{ token: 't', intents: 0, shardCount: 4 }, 'The option "shardCount" of createWsHost is not known'],
    [{ token: 't', intents: 0, timeouts: { closeMS: 1 } }, 'did you mean "closeMs"?'],
    [{ token: 't', intents: 0, timeouts: { closeMs: -1 } }, 'must be a whole number from 1'],
  ])('are refused by name when they are %j', async (options, message) => {
    await world();
    expect(() => createWsHost(options as unknown as WsHostOptions)).toThrow(NodeError);
    expect(() => createWsHost(options as unknown as WsHostOptions)).toThrow(message);
  });
});
