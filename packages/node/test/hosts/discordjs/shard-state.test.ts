/** A guild taken out of one client and put into another: nothing of it may change. */
import { cacheTree, compareTrees } from '@dshard/testkit';
import { systemClock } from '@dshard/transport';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';
import { ChannelType, Client, Collection, Status } from 'discord.js';
import type { Guild, Message } from 'discord.js';
import { afterEach, expect, test } from 'vitest';
import { ClientShards } from '../../../src/hosts/discordjs/client-shards.js';
import { CopiedGuilds } from '../../../src/hosts/discordjs/copied-guilds.js';
import { makeShard } from '../../../src/hosts/discordjs/internals.js';
import { deliverStaged } from '../../../src/hosts/discordjs/cache-loader.js';
import type { Deliver } from '../../../src/hosts/discordjs/cache-loader.js';
import { changeParts, guildParts, sessionPart } from '../../../src/hosts/discordjs/shard-state.js';
import type { StatePart } from '../../../src/hosts/discordjs/shard-state.js';
import { StagedState } from '../../../src/hosts/discordjs/staged-state.js';
import { partsOf } from '../../../src/hosts/discordjs/state-frames.js';
import { FULL_GUILD, READY_USER } from './full-guild.js';
import { SCHEDULEDS, LATER, MESSAGES } from './full-message.js';

const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.destroy()));
});

type Packets = readonly (readonly [type: string, data: object])[];

/** A client with one shard, and ways to tell it what Discord would. */
function client(): { client: Client; deliver: Deliver; tell: (packets: Packets) => void } {
  const made = new Client({ intents: [] });
  clients.push(made);
  const shard = makeShard(made, 0, () => undefined);
  made.ws.shards.set(0, shard);
  const hidden = made.ws as unknown as { handlePacket(packet: object, of: object): void };
  const hiddenShard = shard as unknown as { onReadyPacket(data: object): void; gotGuild(id: string): void };
  return {
    client: made,
    tell: (packets) => {
      made.ws.status = Status.Ready;
      packets.forEach(([t, d]) => hidden.handlePacket({ t, d: structuredClone(d) }, shard));
    },
    deliver: {
      ready: (data) => hiddenShard.onReadyPacket(data),
      dispatch: (t, d) => {
        hidden.handlePacket({ t, d }, shard);
        if (t !== 'READY') hiddenShard.gotGuild(String(d['id']));
      },
    },
  };
}

function began(guild: typeof FULL_GUILD): ReturnType<typeof client> & { guild: Guild } {
  const one = client();
  const application = { id: '900000000000000003', flags: 1 << 13 };
  const ready = { user: READY_USER, application, guilds: [{ id: guild.id, unavailable: true }] };
  one.deliver.ready(ready);
  one.deliver.dispatch('READY', structuredClone(ready));
  one.deliver.dispatch('GUILD_CREATE', structuredClone(guild));
  return { ...one, guild: one.client.guilds.cache.get(guild.id)! };
}

function staged(from: Client, to: Client = client().client): StagedState {
  const state = new StagedState(to, 0);
  const parts = [sessionPart(from)!, ...[...from.guilds.cache.values()].flatMap((guild) => [...guildParts(guild)])];
  for (const part of travelled(parts)) state.take(part);
  state.take({ kind: 'done', guildIds: [...from.guilds.cache.keys()] });
  return state;
}

function travelled(parts: Iterable<StatePart>): readonly StatePart[] {
  return partsOf(Buffer.from(JSON.stringify([...parts])));
}

function moved(from: Client): Client {
  const to = client();
  show(to, staged(from, to.client));
  return to.client;
}

function show(to: ReturnType<typeof client>, state: StagedState): void {
  const whole = state.whole()!;
  new ClientShards({ client: to.client, clock: systemClock(), lingerMs: 0 }).place(0, whole.guilds);
  deliverStaged(whole, to.deliver);
}

test('every field of every structure arrives as it was', () => {
  const { client: origin, guild } = began(FULL_GUILD);
  const destination = moved(origin);
  const there = destination.guilds.cache.get(guild.id)!;
  expect(there).not.toBe(guild);
  const found = compareTrees(cacheTree(guild), cacheTree(there));
  expect(found.examples).toEqual([]);
  expect(found.compared).toBeGreaterThan(400);
  for (const [id, user] of origin.users.cache) {
    expect(compareTrees(cacheTree(user), cacheTree(destination.users.cache.get(id)!)).examples).toEqual([]);
  }
  expect(destination.application?.flags).toEqual(origin.application?.flags);
});

test('what happened since is part of it: members of threads, removed and changed things', () => {
  const { client: origin, guild } = began(FULL_GUILD);
  const thread = guild.channels.cache.get('700000000000000031')!;
  if (!thread.isThread()) throw new Error('It is a thread.');
  const hidden = thread.members as unknown as { _add(data: object): void };
  hidden._add({ user_id: '900000000000000001', join_timestamp: '2026-01-01T00:00:00.000Z', flags: 0 });
  guild.voiceStates.cache.clear();
  guild.stickers.cache.clear();
  guild.memberCount = 7;
  const there = moved(origin).guilds.cache.get(guild.id)!;
  expect(compareTrees(cacheTree(guild), cacheTree(there)).examples).toEqual([]);
});

test('what changes while the copy is made follows, and none of it shows before it is whole', () => {
  const { client: origin, guild } = began(FULL_GUILD);
  const to = client();
  const copied = new CopiedGuilds();
  copied.copied(guild);
  const state = staged(origin, to.client);
  expect(copied.changeOf(guild)).toBe('none');
  const member = guild.members.cache.find(({ user }) => user.id !== origin.user?.id)!;
  const channel = guild.channels.cache.find((each) => each.type === ChannelType.GuildText)!;
  const ids = { guild_id: guild.id, channel_id: channel.id, author: { id: member.id } };
  copied.happened({ t: 'MESSAGE_CREATE', d: ids } as unknown as GatewayDispatchPayload);
  Object.assign(member, { nickname: 'Renamed' });
  Object.assign(member.user, { globalName: 'Renamed' });
  Object.assign(channel, { lastMessageId: '700000000000009999' });
  guild.presences.cache.clear();
  guild.voiceStates.cache.clear();
  guild.memberCount = 99;
  const change = copied.changeOf(guild);
  if (typeof change === 'string') throw new Error('It is a part of the guild.');
  expect(change).toMatchObject({ members: [member.id], channels: [channel.id] });
  for (const part of travelled(changeParts(guild, change))) state.take(part);
  expect([to.client.guilds.cache.size, to.client.channels.cache.size]).toEqual([0, 0]);
  show(to, state);
  const there = to.client.guilds.cache.get(guild.id)!;
  expect(compareTrees(cacheTree(guild), cacheTree(there)).examples).toEqual([]);
  expect(to.client.users.cache.get(member.id)?.globalName).toBe('Renamed');
  expect(to.client.channels.cache.size).toBe(guild.channels.cache.size);
});

test('cached messages arrive as they were; what happens to them later follows, in the same order', () => {
  const { client: origin, guild, tell } = began(FULL_GUILD);
  tell(SCHEDULEDS);
  const to = client();
  const copied = new CopiedGuilds();
  copied.copied(guild);
  const state = staged(origin, to.client);
  for (const [t, d] of LATER) copied.happened({ t, d } as unknown as GatewayDispatchPayload);
  tell(LATER);
  const change = copied.changeOf(guild);
  if (typeof change === 'string') throw new Error('It is a part of the guild.');
  expect(change.messages).toEqual([
    {
      channelId: '700000000000000021',
      ids: [MESSAGES.full, MESSAGES.first, MESSAGES.older, '800000000000000005'],
      gone: [MESSAGES.poll],
    },
  ]);
  for (const part of travelled(changeParts(guild, change))) state.take(part);
  expect([to.client.guilds.cache.size, to.client.channels.cache.size]).toEqual([0, 0]);
  show(to, state);
  const there = to.client.guilds.cache.get(guild.id)!;
  expect(compareTrees(cacheTree(guild), cacheTree(there)).examples).toEqual([]);
  expect(cachedMessages(there)).toEqual(cachedMessages(guild));
  copied.copied(guild);
  expect(copied.changeOf(guild)).toBe('none');
});

test('what is copied of messages is every field, those who reacted and those who voted', () => {
  const { client: origin, guild, tell } = began(FULL_GUILD);
  tell(SCHEDULEDS);
  const there = moved(origin).guilds.cache.get(guild.id)!;
  expect(cachedMessages(guild)).toHaveLength(4);
  const found = compareTrees(cacheTree(guild), cacheTree(there));
  expect(found.examples).toEqual([]);
  const [first, full, poll] = [MESSAGES.first, MESSAGES.full, MESSAGES.poll].map((id) => messageOf(there, id));
  expect(full?.reactions.cache.map(({ users }) => users.cache.size)).toEqual([1, 1]);
  expect(full?.mentions.repliedUser?.id).toBe(first?.author.id);
  expect(full?.channel).toBe(there.channels.cache.get('700000000000000021'));
  expect(full?.guild).toBe(there);
  expect(poll?.poll?.answers.map((answer) => answer.voters.cache.size)).toEqual([0, 1]);
});

test('messages that a full cache has dropped are dropped there, too', () => {
  const { guild } = began(FULL_GUILD);
  const copied = new CopiedGuilds();
  const channel = guild.channels.cache.get('700000000000000021')!;
  if (!channel.isTextBased()) throw new Error('It has messages.');
  const { cache } = channel.messages as unknown as { cache: Map<string, object> };
  cache.set('1', {}).set('2', {});
  copied.copied(guild);
  expect(copied.changeOf(guild)).toBe('none');
  cache.delete('1');
  cache.set('3', {});
  expect(copied.changeOf(guild)).toMatchObject({ messages: [{ channelId: channel.id, ids: [], gone: ['1'] }] });
});

function messageOf(guild: Guild, id: string): Message | undefined {
  return guild.channels.cache
    .flatMap((each) => ('messages' in each ? each.messages.cache : new Collection<string, Message>()))
    .get(id);
}

function cachedMessages(guild: Guild): string[] {
  return [...guild.channels.cache.values()].flatMap((each) =>
    'messages' in each ? [...each.messages.cache.keys()] : [],
  );
}

test.each([
  ['a role that an interaction names', 'INTERACTION_CREATE', { data: { resolved: { roles: { '1': {} } } } }],
  ['a change of the guild', 'GUILD_ROLE_UPDATE', {}],
])('%s: the whole guild is sent again, once', (_, t, said) => {
  const { guild } = began(FULL_GUILD);
  const copied = new CopiedGuilds();
  expect(copied.changeOf(guild)).toBe('whole');
  copied.copied(guild);
  copied.happened({ t, d: { ...said, guild_id: guild.id } } as unknown as GatewayDispatchPayload);
  expect(copied.changeOf(guild)).toBe('whole');
  copied.copied(guild);
  expect(copied.changeOf(guild)).toBe('none');
});

test('many members travel in parts of a bounded size', () => {
  const member = (number: number): object => ({
    user: { id: `8${`${number}`.padStart(17, '0')}`, username: `user-${number}`, discriminator: '0', avatar: null },
    joined_at: '2023-01-02T03:04:05.678000+00:00',
    roles: [],
    flags: 0,
  });
  const members = Array.from({ length: 1_250 }, (_, number) => member(number));
  const { client: origin, guild } = began({ ...FULL_GUILD, members });
  expect([...guildParts(guild)].map(({ kind }) => kind)).toEqual(['guild', ...Array<string>(13).fill('members')]);
  const there = moved(origin).guilds.cache.get(guild.id)!;
  expect(there.members.cache.size).toBe(1_250);
  expect(compareTrees(cacheTree(guild), cacheTree(there)).different).toBe(0);
});

test('a guild that is not available is announced as such', () => {
  const { client: origin, guild } = began(FULL_GUILD);
  guild.available = false;
  const there = moved(origin).guilds.cache.get(guild.id)!;
  expect(there.available).toBe(false);
});

test.each([
  ['without its end', [{ kind: 'session', format: 4, user: {}, application: {} }]],
  ['without its beginning', [{ kind: 'done', guildIds: [] }]],
  [
    'of another format',
    [
      { kind: 'session', format: 3, user: {}, application: {} },
      { kind: 'done', guildIds: [] },
    ],
  ],
] satisfies [string, StatePart[]][])('a copy %s is not whole', (_, parts) => {
  const state = new StagedState(client().client, 0);
  parts.forEach((part) => state.take(part));
  expect(state.whole()).toBeNull();
});

test('a copy is not whole while a guild of its list is missing', () => {
  const { client: origin } = began(FULL_GUILD);
  const state = staged(origin);
  expect(state.whole()).not.toBeNull();
  state.take({ kind: 'done', guildIds: ['1'] });
  expect(state.whole()).toBeNull();
});
