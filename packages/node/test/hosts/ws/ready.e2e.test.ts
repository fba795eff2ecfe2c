/**
 * A bot on @discordjs/core had no READY in a process that was given running shards: it did not learn its application's
 * id, registered no commands and set no presence, after every rollout. `getShardIds()` named shards that run elsewhere.
 * The READY that was made then had no `private_channels`: eris, given dispatches by its bot, threw at the first READY
 * of every process of a rollout.
 */
import { WebSocketShardEvents } from '@discordjs/ws';
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdictOf } from '../subject.js';
import { Scene } from './bots.js';
import type { Bot } from './bots.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();
let gateway: GatewayEmulator;

const bot = scene.bot.bind(scene);

afterEach(() => scene.close());

const PRESENCE = { since: null, activities: [], status: 'idle' as never, afk: false };

describe('READY', () => {
  test('is made from REST before the first shard is frozen at its origin, once, and before any event', async () => {
    gateway = await scene.world({ rate: 200 });
    const [a, b] = [bot('a'), bot('b')];
    const seen: string[] = [];
    const ready: unknown[] = [];
    b.host.manager.on(WebSocketShardEvents.Dispatch, ({ t, d }, shardId) => {
      seen.push(t);
      if ((t as string) === 'READY') ready.push([shardId, d]);
    });
    await a.start(0, 1, 2, 3);
    const cursor = a.host.cursorOf(0);
    await b.host.warm?.(0, cursor, b.context);
    await b.host.warm?.(1, null, b.context);
    expect(ready).toEqual([
      [
        0,
        expect.objectContaining({
          user: expect.objectContaining({ id: gateway.world.userId }) as object,
          application: { id: gateway.world.applicationId, flags: expect.any(Number) as number },
          session_id: cursor?.sessionId,
          shard: [0, 4],
          guilds: [],
          private_channels: [],
        }),
      ],
    ]);
    await a.migrate(0, b);
    await until(() => seen.length > 5, { what: 'events' });
    expect([seen[0], seen.filter((type) => type === 'READY').length]).toEqual(['READY', 1]);
    expect(await verdictOf(gateway)).toMatchObject({ lost: 0, duplicated: 0, identifies: { used: 4 } });
  });

  test('comes before the replay also where a shard is taken over, and not after one of Discord’s own', async () => {
    gateway = await scene.world({ rate: 200 });
    const [a, b] = [bot('a'), bot('b')];
    const types = (each: Bot): string[] => {
      const seen: string[] = [];
      each.host.manager.on(WebSocketShardEvents.Dispatch, ({ t }) => seen.push(t));
      return seen;
    };
    const [ofA, ofB] = [types(a), types(b)];
    await a.start(0, 1);
    await a.migrate(0, b);
    await until(() => ofB.length > 2, { what: 'events' });
    expect([ofB[0], ofB.filter((type) => type === 'READY').length]).toEqual(['READY', 1]);
    await a.host.warm?.(3, null, a.context);
    // One each from Discord.
    expect(ofA.filter((type) => type === 'READY')).toHaveLength(2);
  });

  test('what handles it is waited for, but not where it waits for the shard itself', async () => {
    gateway = await scene.world();
    const finish: (() => void)[] = [];
    const b = bot('b', {
      onDispatch: () => new Promise<void>((resolve) => void finish.push(resolve)),
    });
    let isWarm = false;
    const warming = Promise.resolve(b.host.warm?.(0, null, b.context)).then(() => (isWarm = true));
    await until(() => finish.length === 1, { what: 'READY' });
    expect(isWarm).toBe(false);
    finish[0]?.();
    await warming;
    const c = bot('c', {
      onDispatch: ({ t }) =>
        (t as string) === 'READY'
          ? new Promise<void>(() => {
              void c.host.manager.send(0, {
                op: 8,
                d: { guild_id: gateway.world.guildAt(0).id, query: '', limit: 0 },
              });
            })
          : undefined,
    });
    await c.host.warm?.(0, null, c.context);
    await c.host.abortTransferTo?.(0);
  });

  test('a process that cannot learn who the bot is refuses the shard, and tries again', async () => {
    gateway = await scene.world();
    const b = bot('b');
    await gateway.admin.setGatewayHost('unavailable');
    await expect(b.host.warm?.(0, null, b.context)).rejects.toThrow();
    await gateway.admin.setGatewayHost('up');
    await b.host.warm?.(0, null, b.context);
  });
});

describe('what runs here', () => {
  test('is what getShardIds() names, and what is sent to a shard on its way waits for it', async () => {
    gateway = await scene.world();
    const [a, b] = [bot('a'), bot('b')];
    await a.start(0, 1);
    expect([await a.host.manager.getShardIds(), await a.host.manager.getShardCount()]).toEqual([[0, 1], 4]);
    await b.host.warm?.(0, a.host.cursorOf(0), b.context);
    expect(await b.host.manager.getShardIds()).toEqual([0]);
    // As a public bot does: for all shards of the bot, wherever they run.
    for (let shardId = 0; shardId < 4; shardId++) await b.host.manager.send(shardId, { op: 3, d: PRESENCE });
    await a.migrate(0, b);
    await until(() => gateway.admin.status().sessions.find(({ shard }) => shard === 0)?.presence === 'idle', {
      what: 'the presence',
    });
    expect(gateway.admin.status().sessions.find(({ shard }) => shard === 1)?.presence).toBe('online');
    expect([await a.host.manager.getShardIds(), await b.host.manager.getShardIds()]).toEqual([[1], [0]]);
  });
});

test('hooks tell of a shard that leaves, and of one that stays', async () => {
  gateway = await scene.world();
  const told: unknown[] = [];
  let finish = (): void => undefined;
  const a = bot('a', {
    onLeaving: (shardId, { waitUntil, patienceMs }) => {
      told.push(['leaving', shardId, patienceMs]);
      waitUntil(new Promise<void>((resolve) => (finish = resolve)).then(() => told.push('saved')));
    },
    onStays: (shardId) => void told.push(['stays', shardId]),
    onMoved: (shardId) => void told.push(['moved', shardId]),
  });
  await a.start(0);
  const leaving = a.host.leaving?.(0, { patienceMs: 5_000, signal: new AbortController().signal });
  finish();
  await leaving;
  await a.host.stays?.(0);
  await a.migrate(0, bot('b'));
  expect(told).toEqual([['leaving', 0, 5_000], 'saved', ['stays', 0], ['moved', 0]]);
});
