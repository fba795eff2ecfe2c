/** discord.js clients whose shards move between them, against the emulator. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emulator, verdictOf } from '../subject.js';
import type { EmulatorOptions } from '../subject.js';
import { Events, Options, Status } from 'discord.js';
import type { Client, ClientOptions } from 'discord.js';
import type { OrchestratedOptions } from '../../../src/hosts/discordjs/index.js';
import { partsOf } from '../../../src/hosts/discordjs/state-frames.js';
import { ClientBot, compareCaches, moveLive, plainClient } from './bots.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

let gateway: GatewayEmulator;
const bots: ClientBot[] = [];

async function world(options: EmulatorOptions = {}): Promise<void> {
  gateway = await emulator(options);
}

async function bot(
  name: string,
  ...rest: [Partial<OrchestratedOptions>?, Partial<ClientOptions>?]
): Promise<ClientBot> {
  const made = await ClientBot.start(name, gateway, 4, ...rest);
  bots.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all([...bots.splice(0).map((each) => each.close()), ...plains.splice(0).map((each) => each.destroy())]);
  await gateway.close();
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

describe('a planned move', () => {
  test('under traffic: nothing lost or twice, no IDENTIFY, guilds there before the first replayed event', async () => {
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

  test('of a lively world: caches are those of a client that never restarted, field by field', async ({ annotate }) => {
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

  test('what is complete when the first event that was held back reaches the bot', async () => {
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

  test('the client tells the truth on both sides while a shard moves', async () => {
    await world({ rate: 100 });
    const a = await bot('a');
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
    // What no guild here has any more is forgotten here.
    const members = new Set(a.client.guilds.cache.flatMap((guild) => guild.members.cache).keys());
    expect(a.client.users.cache.filter(({ id }) => !members.has(id)).map(({ tag }) => tag)).toEqual([]);
  });

  test('a move that is off after the release: the shard comes back with its guilds, and nothing is asked of Discord', async () => {
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

  test('a move that is off before the release leaves nothing of the guilds at its destination', async () => {
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

  test('what changes while the copy is on its way is sent again before the freeze: little is left for the frozen shard', async () => {
    await world({ guilds: 64 });
    const a = await bot('a');
    await a.startShards(0);
    const kinds: string[][] = [];
    let bursts = 3;
    const transfer = {
      signal: new AbortController().signal,
      send: (_: unknown, frame: unknown) =>
        Promise.resolve(void kinds.push(partsOf(frame as Uint8Array).map(({ kind }) => kind))),
      handled: async () => {
        if (bursts-- <= 0) return;
        const before = a.messages.length;
        gateway.traffic.burst(200);
        const all = (): number => gateway.ledger.verdict().emitted;
        await until(() => a.messages.length > before && a.messages.length === all(), { what: 'the messages' });
      },
    };
    await a.host.exportState(0, transfer);
    expect(bursts).toBeLessThan(0);
    expect(kinds.flat().filter((kind) => kind === 'change').length).toBeGreaterThan(4);
    kinds.length = 0;
    await a.host.freeze(0);
    await a.host.exportDelta(0, transfer);
    a.host.unfreeze(0);
    expect(kinds).toEqual([['frozen', 'done']]);
  });

  test('a shard that is frozen goes before the copies of others, at its origin and at its destination', async () => {
    await world({ members: 20 });
    // Nobody loses patience while a loaded machine dawdles.
    const system = systemClock();
    const clock = { ...system, after: (ms: number, run: () => void) => system.after(ms * 100, run) };
    const a = await bot('a', { clock });
    const b = await bot('b', { clock });
    await a.startShards(0, 1);
    const handled: number[] = [];
    const transferOf = (shardId: number) => ({
      signal: new AbortController().signal,
      send: async (event: string | number, value: unknown) => {
        await b.host.handleUserEvent(shardId, String(event), value);
        handled.push(shardId);
      },
      handled: () => Promise.resolve(),
    });
    await b.host.prepareTransferTo(0, null);
    await b.host.prepareTransferTo(1, null);
    await a.host.exportState(0, transferOf(0));
    handled.length = 0;
    const cursor = await a.host.freeze(0);
    const copying = a.host.exportState(1, transferOf(1));
    await a.host.exportDelta(0, transferOf(0));
    await a.host.release(0);
    expect(await b.host.resumeShard(0, cursor, b.context)).toBe('resumed');
    handled.push(-1);
    await copying;
    expect(handled.slice(0, 3)).toEqual([0, -1, 1]);
    await a.host.released(0);
    await b.host.abortTransferTo(1);
  });

  test('messages of before the move are known after it: edits and deletions say what they were, reactions are told', async () => {
    await world();
    const a = await bot('a');
    const b = await bot('b');
    await a.startShards(0);
    const guildId = [...a.client.guilds.cache.keys()][0]!;
    const { people } = gateway;
    const [first, second] = [people.say('early', { guildId }), people.say('early', { guildId })];
    await until(() => a.messages.length === 2, { what: 'the messages' });
    let third = first;
    // While the copy is on its way, one is written and one is deleted.
    await moveLive(0, a, b, async () => {
      third = people.say('late', { guildId });
      people.event('MESSAGE_DELETE', { id: second.id, channel_id: second.channel_id, guild_id: guildId }, { guildId });
      await until(() => a.count('messageDelete') === 1, { what: 'the deletion' });
    });
    const told: unknown[] = [];
    b.client.on(Events.MessageReactionAdd, ({ message, count }) => told.push(['reacted', message.content, count]));
    b.client.on(Events.MessageUpdate, (old, { content }) => told.push(['edited', old.content, content]));
    b.client.on(Events.MessageDelete, ({ content, author }) => told.push(['deleted', content, author?.id]));
    people.react('🌻', first.id, { guildId, channelId: first.channel_id });
    people.event('MESSAGE_UPDATE', { ...third, guild_id: guildId, content: 'later' }, { guildId });
    for (const { id, channel_id } of [first, second, third]) {
      people.event('MESSAGE_DELETE', { id, channel_id, guild_id: guildId }, { guildId });
    }
    await until(() => told.length === 4, { what: 'what happened to the messages' });
    expect(told).toEqual([
      ['reacted', 'early', 1],
      ['edited', 'late', 'later'],
      ['deleted', 'early', first.author.id],
      ['deleted', 'later', third.author.id],
    ]);
  });

  test('the bot takes its own state along, and finds the guilds in place', async () => {
    await world();
    const imported: unknown[] = [];
    const counters = new Map([[1, { pings: 7 }]]);
    const options = (name: string): OrchestratedOptions => ({
      exportShard: (shardId) => counters.get(shardId),
      importShard: (shardId, state) =>
        void imported.push([name, shardId, state, bots.find((each) => each.name === name)?.client.guilds.cache.size]),
    });
    const a = await bot('a', options('a'));
    const b = await bot('b', options('b'));
    await a.startShards(1);
    await moveLive(1, a, b);
    expect(imported).toEqual([['b', 1, { pings: 7 }, 4]]);
  });

  test('of a fully populated client with small caches of its own choice: they stay as small', async () => {
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

  test('a listener that throws or rejects is told as "error", and keeps nothing from going on', async () => {
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

  test('a session that is gone as well: the guilds come with the new one', async () => {
    await world();
    const b = await bot('b');
    const session = { sessionId: 'gone', sequence: 3, resumeGatewayUrl: gateway.resumeUrl };
    expect(await b.host.resumeShard(2, session, b.context)).toBe('sessionLost');
    await b.startShards();
    await until(() => b.phase(2) === 'ready' && b.client.isReady(), { what: 'the new session' });
    expect(b.client.guilds.cache.size).toBe(4);
    expect(b.permits).toBe(1);
  });

  test('one that is stopped while its guilds are on their way leaves nothing behind', async () => {
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
