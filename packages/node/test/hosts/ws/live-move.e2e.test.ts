/** Live moves with the real library against the emulator: the ledger has to be clean, and the gap small. */
import { WebSocketShardEvents } from '@discordjs/ws';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { GatewayDispatchEvents } from 'discord-api-types/v10';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { traffic, verdictOf } from '../subject.js';
import { Scene } from './bots.js';
import type { Bot } from './bots.js';
import type { EmulatorOptions } from '../subject.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();
let gateway: GatewayEmulator;

async function world(options: EmulatorOptions = {}): Promise<void> {
  gateway = await scene.world(options);
}

const bot = scene.bot.bind(scene);

afterEach(() => scene.close());

/** A live move, by hand. */
async function moveLive(shardId: number, from: Bot, to: Bot): Promise<void> {
  const early = from.host.cursorOf(shardId)!;
  const { sockets } = gateway.admin.status();
  await to.host.preconnect?.(shardId, early, to.context);
  await until(() => gateway.admin.status().sockets > sockets, { what: 'the connection of the destination' });
  const cursor = await from.host.freeze(shardId);
  await from.host.release!(shardId);
  expect(await to.host.resumeShard(shardId, cursor, to.context)).toBe('resumed');
  await from.host.released?.(shardId);
}

describe('freezing', () => {
  test('keeps what comes, in order, and hands it over when unfrozen; the connection stays', async () => {
    await world({ rate: 1_000 });
    const a = bot('a');
    await a.start(0, 1, 2, 3);
    await traffic(gateway, 100);
    const cursors = await Promise.all([0, 1, 2, 3].map((shardId) => a.host.freeze(shardId)));
    const seen = a.seen.length;
    await traffic(gateway, 500);
    expect(a.seen).toHaveLength(seen);
    expect([0, 1, 2, 3].map((shardId) => a.host.cursorOf(shardId))).toEqual(cursors);
    expect(a.phase(0)).toBe('frozen');
    for (const shardId of [0, 1, 2, 3]) {
      await a.host.unfreeze!(shardId);
    }
    expect(a.seen.length).toBeGreaterThan(seen + 400);
    expect(a.phase(0)).toBe('ready');
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, gaps: [], identifies: { used: 4 } });
  });

  test('waits for handlers under way, and its cursor is the last event they got', async () => {
    await world({ rate: 200 });
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
    let frozen = false;
    const freezing = a.host.freeze(0).then((cursor) => {
      frozen = true;
      return cursor;
    });
    const last = a.seen.at(-1)?.s;
    await traffic(gateway, 20);
    expect(frozen).toBe(false);
    finish();
    expect((await freezing).sequence).toBe(last);
    await a.host.unfreeze!(0);
    expect(await verdictOf(gateway)).toMatchObject({ clean: true });
  });

  test.each(['op 7', 'a cut'] as const)('loses nothing and repeats nothing when %s comes meanwhile', async (how) => {
    await world({ rate: 500 });
    const a = bot('a');
    await a.start(0);
    await traffic(gateway, 50);
    await a.host.freeze(0);
    await traffic(gateway, 50);
    const [session] = gateway.admin.status().sessions;
    expect(session).toBeDefined();
    if (how === 'op 7') {
      gateway.admin.reconnect();
    } else {
      gateway.admin.drop();
    }
    await until(() => gateway.admin.status().sockets === 0, { what: 'the connection to be gone' });
    await traffic(gateway, 50);
    // A frozen shard does not come back by itself: its session may be about to move.
    expect(gateway.admin.status().sockets).toBe(0);
    await a.host.unfreeze!(0);
    await a.ready(0);
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 1 } });
  });

  test('a shard without a session is not frozen, and not hurt by the attempt', async () => {
    await world();
    const a = bot('a');
    let release = (): void => undefined;
    a.hold = new Promise((resolve) => (release = resolve));
    await a.host.startShards([0], a.context);
    await expect(a.host.freeze(0)).rejects.toMatchObject({ code: 'DSO_SHARD_NO_SESSION' });
    await expect(a.host.freeze(9)).rejects.toMatchObject({ code: 'DSO_SHARD_NOT_HOSTED' });
    release();
    await a.ready(0);
  });

  test('a frozen shard that is stopped gives its cursor; the rest is replayed elsewhere', async () => {
    await world({ rate: 500 });
    const a = bot('a');
    const b = bot('b');
    await a.start(0);
    await traffic(gateway, 50);
    const cursor = await a.host.freeze(0);
    await traffic(gateway, 50);
    expect(await a.host.stopShard(0, { keepSession: true })).toEqual(cursor);
    await b.host.resumeShard(0, cursor, b.context);
    expect((await verdictOf(gateway)).lost).toBe(0);
  });
});

describe('migrating', () => {
  test('shards move live, back and forth under traffic: nothing is lost, twice or out of order', async ({
    annotate,
  }) => {
    await world({ rate: 1_000, shards: 8, guilds: 32 });
    const a = bot('a', {}, 8);
    const b = bot('b', {}, 8);
    const shards = Array.from({ length: 8 }, (_, shardId) => shardId);
    await a.start(...shards);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      await traffic(gateway, 100);
      for (const shardId of shards) {
        await moveLive(shardId, from, to);
      }
    }
    await a.ready(...shards);
    const verdict = await verdictOf(gateway);
    expect(verdict).toMatchObject({ clean: true, lost: 0, duplicated: 0, identifies: { used: 8 } });
    const gaps = verdict.gaps.map(({ ms }) => ms).toSorted((x, y) => x - y);
    expect(gaps).toHaveLength(16);
    await annotate(`gaps of ${gaps.length} live moves: p50 ${gaps[8]} ms, max ${gaps.at(-1)} ms`);
  });

  test('the destination waits at HELLO and does not RESUME before it is told to', async () => {
    await world({ rate: 200 });
    const a = bot('a');
    const b = bot('b');
    let helloed = 0;
    b.host.manager.on(WebSocketShardEvents.Hello, () => helloed++);
    await a.start(0);
    await b.host.preconnect?.(0, a.host.cursorOf(0)!, b.context);
    await until(() => helloed === 1, { what: 'HELLO' });
    await traffic(gateway, 100);
    expect(gateway.admin.status().sockets).toBe(2);
    expect(b.host.report?.()).toEqual([]);
    const cursor = await a.host.freeze(0);
    await a.host.release!(0);
    await b.host.resumeShard(0, cursor, b.context);
    expect(helloed).toBe(1);
    expect((await verdictOf(gateway)).clean).toBe(true);
  });

  // The library takes the session for RESUME when it begins to connect. A destination that was still on its way to
  // HELLO when it was told to resume did so from where the move began, and user code got what the origin had handled
  // since.
  test('a destination that has not reached HELLO yet resumes from the cursor of the end, not of the beginning', async () => {
    await world({ rate: 500 });
    const a = bot('a');
    const b = bot('b');
    await a.start(0);
    const early = a.host.cursorOf(0)!;
    await traffic(gateway, 100);
    const cursor = await a.host.freeze(0);
    expect(cursor.sequence).toBeGreaterThan(early.sequence);
    await a.host.release!(0);
    await b.host.preconnect?.(0, early, b.context);
    await b.host.resumeShard(0, cursor, b.context);
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, duplicated: 0 });
  });

  test('a waiting connection that was cut is made anew when it is needed', async () => {
    await world({ rate: 200 });
    const a = bot('a');
    const b = bot('b');
    let closed = 0;
    b.host.manager.on(WebSocketShardEvents.Closed, () => closed++);
    let helloed = 0;
    b.host.manager.on(WebSocketShardEvents.Hello, () => helloed++);
    await a.start(0);
    await b.host.preconnect?.(0, a.host.cursorOf(0)!, b.context);
    await until(() => helloed === 1, { what: 'HELLO' });
    await gateway.admin.setResumeHost('refuse');
    await until(() => closed > 0, { what: 'the connection to be closed' });
    await gateway.admin.setResumeHost('up');
    const cursor = await a.host.freeze(0);
    await a.host.release!(0);
    await b.host.resumeShard(0, cursor, b.context);
    expect((await verdictOf(gateway)).clean).toBe(true);
  });

  test('a session with another resume URL than the one waited at is resumed all the same', async () => {
    await world({ rate: 200 });
    const a = bot('a');
    const b = bot('b');
    await a.start(0);
    await b.host.preconnect?.(0, { ...a.host.cursorOf(0)!, resumeGatewayUrl: gateway.url }, b.context);
    const cursor = await a.host.freeze(0);
    await a.host.release!(0);
    await b.host.resumeShard(0, cursor, b.context);
    await until(() => gateway.admin.status().sockets === 1, { what: 'the other connection to be gone' });
    expect((await verdictOf(gateway)).clean).toBe(true);
  });

  test('a migration that is aborted closes the waiting connection', async () => {
    await world();
    const a = bot('a');
    const b = bot('b');
    await a.start(0);
    await b.host.preconnect?.(0, a.host.cursorOf(0)!, b.context);
    await until(() => gateway.admin.status().sockets === 2, { what: 'the waiting connection' });
    await b.host.abortTransferTo?.(0);
    await until(() => gateway.admin.status().sockets === 1, { what: 'it to be closed' });
    expect(a.phase(0)).toBe('ready');
  });

  test('a session that is gone is said to be lost', async () => {
    await world();
    const b = bot('b');
    const session = { sessionId: 'gone', sequence: 3, resumeGatewayUrl: gateway.resumeUrl };
    await b.host.preconnect?.(0, session, b.context);
    expect(await b.host.resumeShard(0, session, b.context)).toBe('sessionLost');
    await b.ready(0);
  });
});
