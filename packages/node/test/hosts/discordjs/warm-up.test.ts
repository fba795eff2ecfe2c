/**
 * A process that is given running shards has no READY. It was told that it is ready when its first shard had arrived,
 * inside the time in which nobody served that shard: what a bot does when it is ready (presence, members, commands,
 * loading for seconds) lengthened the gap, failed, or killed every new process of a rollout.
 */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { Events, Status } from 'discord.js';
import type { Client, Guild, GuildMember } from 'discord.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdictOf } from '../subject.js';
import type { EmulatorOptions } from '../subject.js';
import { compareCaches, Move, moveLive, plainClient } from './bots.js';
import type { ClientBot } from './bots.js';
import { Scene } from './scene.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();
const plains: Client[] = [];
let gateway: GatewayEmulator;

afterEach(async () => {
  await Promise.all(plains.splice(0).map((each) => each.destroy()));
  await scene.close();
});

/** `a` serves all shards; `b` is to get some. */
async function twoBots(options: EmulatorOptions = {}): Promise<[a: ClientBot, b: ClientBot]> {
  gateway = await scene.world(options);
  const [a, b] = [await scene.bot('a'), await scene.bot('b')];
  await a.startShards(0, 1, 2, 3);
  return [a, b];
}

/** Shard 0 is copied and its destination is to get ready. */
async function warmed(a: ClientBot, b: ClientBot): Promise<Move> {
  const move = new Move(0, a, b);
  await move.copy();
  await move.warm();
  return move;
}

const shown = ({ client }: ClientBot): object => ({
  guilds: client.guilds.cache.size,
  channels: client.channels.cache.size > 0,
  shards: client.ws.shards.map(({ id, status }) => [id, Status[status]]),
  ready: client.isReady(),
});

const ONE_SHARD = { guilds: 4, channels: true, shards: [[0, 'Nearly']], ready: true };
const NOTHING = { guilds: 0, channels: false, shards: [], ready: false };

describe('clientReady', () => {
  test('comes before the first shard is frozen at its origin, with its guilds in the caches, and once', async () => {
    const [a, b] = await twoBots({ rate: 200 });
    const seen: object[] = [];
    b.client.on(Events.ClientReady, (client) => {
      seen.push({ ...shown(b), user: client.user.id, application: client.application.id });
    });
    expect(shown(b)).toEqual(NOTHING);
    const move = await warmed(a, b);
    expect(seen).toEqual([{ ...ONE_SHARD, user: gateway.world.userId, application: gateway.world.applicationId }]);
    expect([b.events, a.phase(0)]).toEqual([['clientReady'], 'ready']);
    expect(await move.finish()).toBe('resumed');
    await until(() => b.messages.length > 0, { what: 'messages at the destination' });
    expect(b.events.slice(0, 6)).toEqual([
      'clientReady',
      ...Array.from({ length: 4 }, () => 'guildAvailable'),
      'shardReady',
    ]);
    await moveLive(1, a, b);
    expect([b.count('clientReady'), seen.length]).toEqual([1, 1]);
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 4 } });
  });

  test('is waited for, with all it promises, while the origin serves; other shards of the batch wait for the same one', async () => {
    const [a, b] = await twoBots();
    let finish = (): void => undefined;
    const work = new Promise<void>((resolve) => (finish = resolve));
    b.client.on(Events.ClientReady, () => work);
    const moves = [0, 1].map((shardId) => new Move(shardId, a, b));
    await Promise.all(moves.map((move) => move.copy()));
    const warm: number[] = [];
    const warming = moves.map((move, shardId) => move.warm().then(() => warm.push(shardId)));
    await until(() => b.count('clientReady') === 1, { what: 'clientReady' });
    gateway.traffic.burst(20);
    await until(() => gateway.ledger.outstanding().total === 0, { what: 'the origin to handle what came' });
    expect([warm, shown(b)]).toEqual([[], ONE_SHARD]);
    finish();
    await Promise.all(warming);
    await Promise.all(moves.map((move) => move.finish()));
    expect(b.client.guilds.cache.size).toBe(8);
  });

  test('comes also when a listener throws or rejects, which is told as an error, and the migration goes on', async () => {
    const [a, b] = await twoBots();
    const errors: string[] = [];
    b.client.on('error', ({ message }) => errors.push(message));
    b.client.on(Events.ClientReady, () => {
      throw new Error('thrown');
    });
    b.client.on(Events.ClientReady, () => Promise.reject(new Error('rejected')));
    const move = await warmed(a, b);
    await until(() => errors.length === 2, { what: 'both errors' });
    expect(errors).toEqual(['thrown', 'rejected']);
    expect(await move.finish()).toBe('resumed');
  });
});

describe('what a ready listener sends', () => {
  test('waits for the shard when it is presence or a request for members, and does not hold it up', async () => {
    const [a, b] = await twoBots({ members: 20 });
    const fetched: number[] = [];
    b.client.on(Events.ClientReady, async (client) => {
      client.user.setActivity('with shards');
      const guild = client.guilds.cache.first();
      // It would wait for what comes when the shard has arrived.
      fetched.push((await guild!.members.fetch()).size);
    });
    const move = await warmed(a, b);
    expect(fetched).toEqual([]);
    expect(await move.finish()).toBe('resumed');
    await until(() => fetched.length === 1, { what: 'the members' });
    expect(fetched).toEqual([21]);
    expect(b.client.guilds.cache.first()?.members.cache.size).toBe(21);
    expect(gateway.admin.status().sessions.find(({ shard }) => shard === 0)).toMatchObject({
      activities: ['with shards'],
    });
    expect(b.count('error')).toBe(0);
  });

  test('is dropped when the shard does not come: a request for members rejects at once, as discord.js rejects one without an answer', async () => {
    const [a, b] = await twoBots();
    const failures: unknown[] = [];
    b.client.on(Events.ClientReady, async (client) => {
      client.user.setActivity('with shards');
      await client.guilds.cache
        .first()!
        .members.fetch()
        .catch((error: { code: string }) => failures.push(error.code));
    });
    const move = await warmed(a, b);
    await move.abort();
    await until(() => failures.length === 1, { what: 'the failure' });
    expect(failures).toEqual(['GuildMembersTimeout']);
    expect(b.client.listenerCount(Events.GuildMembersChunk)).toBe(1);
    expect(await moveLive(0, a, b)).toBe('resumed');
  });
});

describe('a migration that is aborted after its destination got ready', () => {
  test('hides the guilds without an event; those who hold them go on for a while, and clientReady does not come again', async () => {
    const [a, b] = await twoBots({ rate: 100 });
    let kept: Guild | undefined;
    b.client.on(Events.ClientReady, ({ guilds }) => void (kept = guilds.cache.first()));
    const move = await warmed(a, b);
    await move.abort();
    expect(shown(b)).toEqual({ ...NOTHING, ready: true });
    expect(b.events).toEqual(['clientReady']);
    expect(b.client.guilds.cache.get(kept!.id)).toBe(kept);
    expect(kept?.shard.status).toBe(Status.Disconnected);
    expect(await moveLive(0, a, b)).toBe('resumed');
    expect(b.client.guilds.cache.get(kept!.id)).not.toBe(kept);
    expect([b.client.guilds.cache.size, b.count('clientReady'), b.count('shardReady')]).toEqual([4, 1, 1]);
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 4 } });
  });

  test('leaves a shard whose origin dies without its state, and its guilds come from Discord', async () => {
    const [a, b] = await twoBots();
    await warmed(a, b);
    const cursor = await a.host.stopShard(0, { keepSession: true });
    expect(await b.host.resumeShard(0, cursor!, b.context)).toBe('resumed');
    await until(() => b.count('shardReady') === 1, { what: 'the guilds' });
    expect([b.client.guilds.cache.size, b.count('clientReady'), b.permits]).toEqual([4, 1, 1]);
    expect(shown(b)).toMatchObject({ shards: [[0, 'Ready']] });
  });
});

describe('guilds that are shown while they are still served elsewhere', () => {
  test('are patched: who holds a member or a guild sees what changes, and what the bot fetched stays', async () => {
    const [a, b] = await twoBots({ members: 5, guilds: 4 });
    const plain = await plainClient(gateway, 4);
    plains.push(plain);
    const ready: { guild?: Guild; member?: GuildMember } = {};
    b.client.on(Events.ClientReady, ({ guilds, user }) => {
      ready.guild = guilds.cache.first()!;
      ready.member = ready.guild.members.cache.find(({ id }) => id !== user.id)!;
    });
    const move = await warmed(a, b);
    const { guild, member } = ready;
    const { people } = gateway;
    const gone = guild!.members.cache.find(
      ({ id }) => id !== member!.id && id !== b.client.user!.id && id !== guild!.ownerId,
    );
    people.edit(guild!.id, { kind: 'member', id: member!.id, data: { nick: 'Nick' } });
    people.edit(guild!.id, { kind: 'guild', data: { name: 'Renamed' } });
    people.edit(guild!.id, { kind: 'channel', action: 'create', data: { name: 'fresh' } });
    const [threads, channels] = guild!.channels.cache.partition((each) => each.isThread());
    people.edit(guild!.id, { kind: 'channel', action: 'delete', id: channels.lastKey()! });
    people.edit(guild!.id, { kind: 'thread', action: 'delete', id: threads.firstKey()! });
    people.edit(guild!.id, { kind: 'role', action: 'create', data: { name: 'fresh' } });
    people.edit(guild!.id, { kind: 'emoji', action: 'delete', id: guild!.emojis.cache.firstKey()! });
    people.edit(guild!.id, { kind: 'emoji', action: 'create', data: { name: 'fresh' } });
    people.leave(guild!.id, gone!.id);
    people.say('hello', { guildId: guild!.id });
    const all = () => a.count('messageCreate') === 1 && plain.guilds.cache.get(guild!.id)?.name === 'Renamed';
    await until(all, { what: 'the events at the origin' });
    expect(await move.finish()).toBe('resumed');
    expect(b.client.guilds.cache.get(guild!.id)).toBe(guild);
    expect(guild!.members.cache.get(member!.id)).toBe(member);
    expect([guild!.name, member!.nickname, guild!.members.cache.has(gone!.id)]).toEqual(['Renamed', 'Nick', false]);
    const { different, examples } = compareCaches(plain, [a, b]);
    expect([examples, different]).toEqual([[], 0]);
    // Nobody is told twice.
    expect([b.count('emojiCreate'), b.count('guildUpdate'), b.count('channelCreate')]).toEqual([0, 0, 0]);
  });
});

// A process that came back for parked shards had their sessions wait for what its bot does when it is ready.
describe('a shard that nobody serves', () => {
  test('is resumed at once, and its events wait for what listens to clientReady', async () => {
    const [a, b] = await twoBots({ rate: 200 });
    let finish = (): void => undefined;
    b.client.on(Events.ClientReady, () => new Promise<void>((resolve) => (finish = resolve)));
    const move = new Move(0, a, b);
    await move.copy();
    await b.host.warm(0, null, b.context, { isServed: false });
    const finishing = move.finish();
    await until(() => (b.host.pool.all.get(0)?.waiting ?? 0) > 1, { what: 'events that wait' });
    expect([b.phase(0), b.messages.length, b.count('shardReady')]).toEqual(['ready', 0, 0]);
    finish();
    expect(await finishing).toBe('resumed');
    await until(() => b.messages.length > 0, { what: 'messages at the destination' });
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 4 } });
  });

  test('answers a listener of clientReady that asks it for members', async () => {
    const [a, b] = await twoBots({ members: 20 });
    let ask = (): void => undefined;
    const fetched: number[] = [];
    b.client.on(Events.ClientReady, async (client) => {
      await new Promise<void>((resolve) => (ask = resolve));
      for (const guild of client.guilds.cache.values()) fetched.push((await guild.members.fetch()).size);
    });
    const move = new Move(0, a, b);
    await move.copy();
    await b.host.warm(0, null, b.context, { isServed: false });
    const finishing = move.finish();
    await until(() => b.phase(0) === 'ready', { what: 'the session' });
    ask();
    expect(await finishing).toBe('resumed');
    await until(() => fetched.length === 4, { what: 'the members of every guild' });
    expect(fetched).toEqual([21, 21, 21, 21]);
  });
});

test('fleet calls see nothing of a shard that is shown, and do not wait for it', async () => {
  const [a, b] = await twoBots();
  const move = await warmed(a, b);
  const look = (): object => ({ guilds: b.client.guilds.cache.size, ids: b.client.options.shards });
  expect(look()).toEqual({ guilds: 4, ids: [0] });
  expect(b.host.shardsInClient()).toEqual([]);
  expect(b.host.speaking(look)).toEqual({ guilds: 0, ids: [] });
  expect(look()).toEqual({ guilds: 4, ids: [0] });
  await move.finish();
  expect(b.host.shardsInClient()).toEqual([0]);
  expect(b.host.speaking(look)).toEqual({ guilds: 4, ids: [0] });
});

describe('what is sent when a guild becomes available', () => {
  // The guilds were told of a moment before the session was taken up: members were asked for, the request was dropped,
  // and the bot died of it.
  test.each([true, false])('waits for the shard that brings it (connected in advance: %s)', async (preconnect) => {
    const [a, b] = await twoBots({ members: 20 });
    const fetched: number[] = [];
    b.client.on(Events.GuildAvailable, async (guild) => {
      fetched.push((await guild.members.fetch()).size);
    });
    const move = new Move(0, a, b);
    await move.copy();
    await (preconnect ? move.warm() : b.host.warm(0));
    expect(await move.finish()).toBe('resumed');
    await until(() => fetched.length === 4, { what: 'the members of every guild' });
    expect(fetched).toEqual([21, 21, 21, 21]);
    expect(b.count('error')).toBe(0);
  });
});
