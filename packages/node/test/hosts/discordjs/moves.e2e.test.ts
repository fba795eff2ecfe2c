/** discord.js clients whose shards move between them, against the emulator. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdictOf } from '../subject.js';
import type { EmulatorOptions } from '../subject.js';
import { Events, Options, Status } from 'discord.js';
import type { Client } from 'discord.js';
import type { OrchestratedOptions } from '../../../src/hosts/discordjs/index.js';
import { compareCaches, moveLive, plainClient } from './bots.js';
import type { ClientBot } from './bots.js';
import { Scene } from './scene.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();
let gateway: GatewayEmulator;

async function world(options: EmulatorOptions = {}): Promise<void> {
  gateway = await scene.world(options);
}

const bot = scene.bot.bind(scene);

afterEach(async () => {
  await Promise.all(plains.splice(0).map((each) => each.destroy()));
  await scene.close();
});

const plains: Client[] = [];

async function plain(): Promise<Client> {
  const client = await plainClient(gateway, 4);
  plains.push(client);
  return client;
}

async function traffic(count: number): Promise<void> {
  const before = gateway.ledger.verdict().emitted;
  await until(() => gateway.ledger.verdict().emitted >= before + count, { what: `${count} events to be sent` });
}

describe('a planned migration', () => {
  test('loses no event and repeats none under traffic, without an IDENTIFY, and guilds are there before the first replayed event', async () => {
    await world({ rate: 200 });
    const a = await bot('a');
    const b = await bot('b');
    await a.startShards(0, 1, 2, 3);
    expect(a.client.guilds.cache.size).toBe(16);
    await traffic(50);
    for (const shardId of [0, 1, 2, 3]) {
      expect(await moveLive(shardId, a, b, () => traffic(20))).toBe('resumed');
    }
    await traffic(50);
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, lost: 0, duplicated: 0, identifies: { used: 4 } });
    expect(a.client.guilds.cache.size).toBe(0);
    expect(b.client.guilds.cache.size).toBe(16);
    expect(b.client.isReady()).toBe(true);
    expect(b.client.user?.id).toBe(a.client.user?.id);
    expect(b.count('clientReady')).toBe(1);
    expect(b.count('guildCreate') + a.count('guildDelete')).toBe(0);
    // discord.js drops a message of a channel it does not know: all have to be there.
    expect(a.messages.length + b.messages.length).toBe(gateway.ledger.verdict().emitted);
  });

  test('leaves a lively world with the caches of a client that never restarted, field by field', async ({
    annotate,
  }) => {
    await world({
      members: 20,
      mix: { messages: 4, reactions: 1, presences: 2, voice: 2, members: 2, typing: 1 },
    });
    const single = await plain();
    const a = await bot('a');
    const b = await bot('b');
    await a.startShards(0, 1, 2, 3);
    gateway.traffic.start(300);
    await traffic(300);
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (const shardId of [0, 1, 2, 3]) {
        await moveLive(shardId, from, to, () => traffic(30));
        await traffic(30);
      }
    }
    gateway.traffic.stop();
    await until(() => wholeStreams([a, b], 4), { what: 'every event to be handled' });
    const { compared, different, examples } = compareCaches(single, [a, b]);
    await annotate(`${compared} fields compared`);
    expect(examples).toEqual([]);
    expect(different).toBe(0);
    expect(compared).toBeGreaterThan(16 * 20 * 20);
    expect(a.count('guildCreate') + a.count('guildDelete')).toBe(0);
  });

  test('has everything complete when the first event that was held back reaches the bot', async () => {
    await world({ members: 30 });
    const a = await bot('a');
    const seen: object[] = [];
    const b = await bot('b');
    await a.startShards(0, 1, 2, 3);
    const before = [...a.client.guilds.cache.values()]
      .filter(({ shardId }) => shardId === 1)
      .map(({ id, members, voiceStates, channels }) => [id, members, voiceStates, channels] as const)
      .map(([id, ...caches]) => [id, ...caches.map(({ cache }) => cache.size)]);
    b.client.on(Events.MessageCreate, () => {
      const guilds = [...b.client.guilds.cache.values()];
      seen.push(
        guilds
          .map(({ id, members, voiceStates, channels }) => [id, members, voiceStates, channels] as const)
          .map(([id, ...caches]) => [id, ...caches.map(({ cache }) => cache.size)]),
      );
    });
    gateway.traffic.start(200);
    await traffic(100);
    await moveLive(1, a, b, () => traffic(100));
    await until(() => seen.length > 3, { what: 'messages at the destination' });
    expect(seen[0]).toEqual(before);
  });

  test('lets the client tell the truth on both sides while a shard moves', async () => {
    await world({ rate: 100 });
    const a = await bot('a', { lingerMs: 1 });
    const b = await bot('b');
    await a.startShards(0, 1, 2, 3);
    const shown = (): object =>
      [a, b].map(({ client: { guilds, ws, options, channels } }) => ({
        guilds: guilds.cache.size,
        channels: channels.cache.size > 0,
        shards: [...ws.shards.keys()],
        options: options.shards,
        count: options.shardCount,
        statuses: [...new Set(ws.shards.map(({ status }) => Status[status]))],
      }));
    const all = {
      guilds: 16,
      channels: true,
      shards: [0, 1, 2, 3],
      options: [0, 1, 2, 3],
      count: 4,
      statuses: ['Ready'],
    };
    const none = { guilds: 0, channels: false, shards: [], options: [], count: 4, statuses: [] };
    const three = { ...all, guilds: 12, shards: [0, 1, 3], options: [0, 1, 3] };
    const one = { ...all, guilds: 4, shards: [2], options: [2] };
    expect(shown()).toEqual([all, none]);
    const during: object[] = [];
    const resumed: unknown[] = [];
    b.client.on(Events.ShardResume, (...told) => resumed.push(told));
    const sessions = new Set<string>();
    b.client.on(Events.MessageCreate, () => {
      const shard = b.client.ws.shards.get(2) as unknown as { sessionInfo: { sessionId: string } | null };
      sessions.add(shard.sessionInfo?.sessionId ?? '');
    });
    await moveLive(2, a, b, () => (during.push(shown()), traffic(100)));
    expect(during).toEqual([[all, none]]);
    expect(shown()).toEqual([three, one]);
    expect(b.client.ws.status).toBe(Status.Ready);
    expect(b.count('shardReady')).toBe(1);
    await until(() => resumed.length === 1, { what: 'shardResume' });
    expect(resumed).toEqual([[2, expect.any(Number)]]);
    await until(() => sessions.size > 0, { what: 'a message at the destination' });
    expect(sessions.size).toBe(1);
    expect(sessions.has('')).toBe(false);
    expect(b.client.users.cache.size).toBeGreaterThan(1);
    // What no guild here has any more is forgotten here, a while later.
    const members = new Set(a.client.guilds.cache.flatMap((guild) => guild.members.cache).keys());
    await until(() => a.client.users.cache.every(({ id }) => members.has(id)), { what: 'the users to be forgotten' });
  });

  test('brings the shard back with its guilds when it is aborted after the release, and asks nothing of Discord', async () => {
    await world({ rate: 200 });
    const a = await bot('a');
    await a.startShards(0, 1, 2, 3);
    const guilds = [...a.client.guilds.cache.values()].filter(({ shardId }) => shardId === 0);
    const cursor = await a.host.freeze(0);
    await a.host.release(0);
    expect(a.client.guilds.cache.size).toBe(12);
    expect(await a.host.resumeShard(0, cursor, a.context)).toBe('resumed');
    expect(guilds.every((guild) => a.client.guilds.cache.get(guild.id) === guild)).toBe(true);
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 4 } });
  });

  test('leaves nothing of the guilds at its destination when it is aborted before the release', async () => {
    await world({ rate: 200, members: 20 });
    const a = await bot('a');
    const b = await bot('b');
    await a.startShards(0);
    await b.startShards(1);
    const before = [b.client.users.cache.size, b.client.guilds.cache.size, b.client.channels.cache.size];
    const users: number[] = [];
    const off = moveLive(0, a, b, () => {
      users.push(b.client.users.cache.size);
      throw new Error('The move is off.');
    });
    await expect(off).rejects.toThrow('The move is off.');
    await b.host.abortTransferTo(0);
    expect(users[0]).toBeGreaterThan(before[0]!);
    expect([b.client.users.cache.size, b.client.guilds.cache.size, b.client.channels.cache.size]).toEqual(before);
    expect(await moveLive(0, a, b)).toBe('resumed');
    expect(b.client.guilds.cache.size).toBe(8);
    expect(await verdictOf(gateway)).toMatchObject({ lost: 0, duplicated: 0, identifies: { used: 2 } });
  });

  test('takes the bot’s own state along, and the bot finds the guilds in place', async () => {
    await world();
    const imported: unknown[] = [];
    const counters = new Map([[1, { pings: 7 }]]);
    const options = (name: string): OrchestratedOptions => ({
      exportShard: (shardId) => counters.get(shardId),
      importShard: (shardId, state) =>
        void imported.push([
          name,
          shardId,
          state,
          scene.bots.find((each) => each.name === name)?.client.guilds.cache.size,
        ]),
    });
    const a = await bot('a', options('a'));
    const b = await bot('b', options('b'));
    await a.startShards(1);
    await moveLive(1, a, b);
    expect(imported).toEqual([['b', 1, { pings: 7 }, 4]]);
  });

  test('keeps caches as small as a fully populated client chose them', async () => {
    await world({ members: 30 });
    const limits = {
      makeCache: Options.cacheWithLimits({
        GuildMemberManager: { maxSize: 5, keepOverLimit: (member) => member.id === member.client.user.id },
        PresenceManager: 0,
      }),
    };
    const a = await bot('a', {}, limits);
    const b = await bot('b', {}, limits);
    await a.startShards(0);
    await moveLive(0, a, b);
    const [guild] = b.client.guilds.cache.values();
    expect(guild?.members.cache.size).toBeLessThanOrEqual(6);
    expect(guild?.members.me?.id).toBe(b.client.user?.id);
    expect(guild?.presences.cache.size).toBe(0);
  });
});

describe('freezing', () => {
  test('waits for asynchronous listeners under way, and its cursor is the last event they got', async () => {
    await world({ rate: 200 });
    const a = await bot('a');
    let finish = (): void => undefined;
    let working = 0;
    a.client.on(Events.MessageCreate, async () => {
      if (working++ === 0) await new Promise<void>((resolve) => (finish = resolve));
    });
    await a.startShards(0);
    await until(() => working > 0, { what: 'a listener at work' });
    let frozen = false;
    const freezing = a.host.freeze(0).then((cursor) => {
      frozen = true;
      return cursor;
    });
    const last = a.sequences.at(-1)?.s;
    await traffic(20);
    expect(frozen).toBe(false);
    expect(a.sequences.at(-1)?.s).toBe(last);
    finish();
    expect((await freezing).sequence).toBe(last);
    a.host.unfreeze(0);
    expect(await verdictOf(gateway)).toMatchObject({ clean: true });
  });

  test('is refused before the guilds are there', async () => {
    await world();
    const a = await bot('a');
    await a.host.startShards([0], a.context);
    await expect(a.host.freeze(0)).rejects.toMatchObject({ code: 'DSO_CLIENT_NOT_READY' });
    await expect(a.host.freeze(9)).rejects.toMatchObject({ code: 'DSO_SHARD_NOT_HOSTED' });
    await a.startShards(0);
    await a.host.freeze(0);
  });

  test('goes on when a listener throws or rejects, which is told as "error"', async () => {
    await world();
    const a = await bot('a');
    const errors: string[] = [];
    a.client.on('error', ({ message }) => errors.push(message));
    a.client.on(Events.MessageCreate, () => {
      throw new Error('thrown');
    });
    a.client.on(Events.MessageCreate, () => Promise.reject(new Error('rejected')));
    let later = 0;
    a.client.on(Events.MessageCreate, () => later++);
    await a.startShards(0, 1, 2, 3);
    gateway.traffic.burst(1);
    await until(() => errors.length === 2, { what: 'both errors' });
    expect(errors).toEqual(['thrown', 'rejected']);
    expect(later).toBe(1);
    expect(a.phase(0)).toBe('ready');
  });
});

describe('a shard whose caches died with its node', () => {
  test('is resumed at once, its guilds come from Discord by one IDENTIFY, and no event is lost', async () => {
    await world({ rate: 200 });
    const a = await bot('a');
    const b = await bot('b');
    await a.startShards(0, 1, 2, 3);
    await traffic(50);
    const cursor = await a.host.stopShard(2, { keepSession: true });
    await traffic(50);
    expect(await b.host.resumeShard(2, cursor!, b.context)).toBe('resumed');
    await until(() => b.messages.length > 0, { what: 'the first message' });
    expect(b.client.isReady()).toBe(true);
    expect(b.client.guilds.cache.size).toBe(4);
    expect(b.permits).toBe(1);
    expect(b.count('guildCreate')).toBe(0);
    expect(await verdictOf(gateway)).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, identifies: { used: 5 } });
    // And it can move on with them.
    const c = await bot('c');
    await moveLive(2, b, c);
    expect(c.client.guilds.cache.size).toBe(4);
  });

  test('gets its guilds with the new session when the old one is gone as well', async () => {
    await world();
    const b = await bot('b');
    const session = { sessionId: 'gone', sequence: 3, resumeGatewayUrl: gateway.resumeUrl };
    expect(await b.host.resumeShard(2, session, b.context)).toBe('sessionLost');
    await b.startShards();
    await until(() => b.phase(2) === 'ready' && b.client.isReady(), { what: 'the new session' });
    expect(b.client.guilds.cache.size).toBe(4);
    expect(b.permits).toBe(1);
  });

  test('leaves nothing behind when it is stopped while its guilds are on their way', async () => {
    await world();
    const a = await bot('a');
    const b = await bot('b');
    await a.startShards(0);
    const cursor = await a.host.stopShard(0, { keepSession: true });
    await b.host.resumeShard(0, cursor!, b.context);
    await b.host.stopShard(0, { keepSession: true });
    await until(() => gateway.admin.status().sockets === 0, { what: 'all connections to be closed' });
    expect([b.client.guilds.cache.size, b.client.ws.shards.size]).toEqual([0, 0]);
  });
});

/** Whether everything Discord sent came, each dispatch once and none left out. */
function wholeStreams(bots_: readonly ClientBot[], totalShards: number): boolean {
  const all = bots_.flatMap(({ sequences }) => sequences);
  const traffic_ = all.filter(({ type }) => !['READY', 'RESUMED', 'GUILD_CREATE'].includes(type));
  const whole = Array.from({ length: totalShards }, (_, shard) => all.filter((each) => each.shard === shard)).every(
    (seen) => new Set(seen.map(({ s }) => s)).size === seen.length,
  );
  return whole && traffic_.length === gateway.ledger.verdict().emitted;
}
