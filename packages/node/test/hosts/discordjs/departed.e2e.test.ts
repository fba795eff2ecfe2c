/**
 * A command that was under way when its shard moved lost its guild in the middle: `message.channel` was null,
 * `interaction.guild` too, and it failed. Now what it holds answers for a while, and counts nowhere.
 */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { Events, Status } from 'discord.js';
import type { Client, Message } from 'discord.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdictOf } from '../subject.js';
import { compareCaches, moveLive, plainClient } from './bots.js';
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

async function twoBots(lingerMs = 15_000): Promise<[a: ClientBot, b: ClientBot]> {
  gateway = await scene.world({ members: 5 });
  const [a, b] = [await scene.bot('a', { lingerMs }), await scene.bot('b')];
  await a.startShards(0, 1, 2, 3);
  return [a, b];
}

/** A command in a guild of shard 0, whose handler is at work until `finish`. */
async function commandAtWork(a: ClientBot): Promise<{ message: Message<true>; finish: () => void }> {
  let finish = (): void => undefined;
  const messages: Message<true>[] = [];
  a.client.on(Events.MessageCreate, async (message) => {
    messages.push(message as Message<true>);
    await new Promise<void>((resolve) => (finish = resolve));
  });
  const guild = a.client.guilds.cache.find(({ shardId }) => shardId === 0)!;
  gateway.people.say('!work', { guildId: guild.id });
  await until(() => messages.length === 1, { what: 'the command' });
  return { message: messages[0]!, finish: () => finish() };
}

/**
 * A listener that returns nothing: the node knows of no work, and ends as soon as its last shard has left. With it went
 * what lingered: a bot that edited its message every half second could not any more ("Could not find the channel where
 * this message came from in the cache!"), and a promise that nobody held killed the process.
 */
test('a handler that nobody knows of finds what belongs to its message after the node has ended, too', async () => {
  const [a, b] = await twoBots(60_000);
  const messages: Message<true>[] = [];
  a.client.on(Events.MessageCreate, (message) => void messages.push(message as Message<true>));
  const guildId = a.client.guilds.cache.find(({ shardId }) => shardId === 0)!.id;
  gateway.people.say('!work', { guildId });
  await until(() => messages.length === 1, { what: 'the command' });
  const [message] = messages as [Message<true>];
  const { guild, channel } = message;
  for (const shardId of [0, 1, 2, 3]) await moveLive(shardId, a, b);
  await a.host.settled();
  await a.host.shutdown();
  expect([message.guild, message.channel, a.client.guilds.cache.size]).toEqual([guild, channel, 0]);
  const answer = await message.reply('at it');
  expect((await answer.edit('done')).channel).toBe(channel);
});

describe('a handler that is at work when its shard leaves', () => {
  test('does not hold the shard up, and finds what belongs to its message as before', async () => {
    const [a, b] = await twoBots();
    const { message, finish } = await commandAtWork(a);
    const { guild, channel } = message;
    expect(await moveLive(0, a, b)).toBe('resumed');
    const { client } = a;
    expect([message.guild, message.channel, message.member]).toEqual([guild, channel, expect.anything()]);
    expect(await client.channels.fetch(channel.id)).toBe(channel);
    expect(await client.guilds.fetch(guild.id)).toBe(guild);
    expect([client.guilds.resolve(guild.id), client.channels.resolve(channel.id)]).toEqual([guild, channel]);
    expect([client.guilds.cache.has(guild.id), client.guilds.cache.get(guild.id)]).toEqual([true, guild]);
    expect([guild.shard.id, Status[guild.shard.status]]).toEqual([0, 'Disconnected']);
    const answer = await message.reply('done');
    expect(answer.channel).toBe(channel);
    finish();
    await a.host.settled();
    expect(await verdictOf(gateway)).toMatchObject({ clean: true, identifies: { used: 4 } });
  });

  test('is in no count, no iteration and no fleet call', async () => {
    const [a, b] = await twoBots();
    const { message } = await commandAtWork(a);
    const { guild } = message;
    await moveLive(0, a, b);
    const { guilds, channels, ws, options } = a.client;
    expect([guilds.cache.size, [...guilds.cache.keys()].includes(guild.id)]).toEqual([12, false]);
    expect(guilds.cache.some(({ shardId }) => shardId === 0)).toBe(false);
    expect(channels.cache.some((each) => 'guildId' in each && each.guildId === guild.id)).toBe(false);
    expect([ws.shards.size, [...ws.shards.keys()], options.shards]).toEqual([3, [1, 2, 3], [1, 2, 3]]);
    expect(a.host.shardsInClient()).toEqual([1, 2, 3]);
    const seen = a.host.speaking(() => [guilds.cache.has(guild.id), guilds.cache.get(guild.id), ws.shards.has(0)]);
    expect(seen).toEqual([false, undefined, false]);
  });

  test('is forgotten after a while', async () => {
    const [a, b] = await twoBots(1);
    const { message } = await commandAtWork(a);
    const { guildId, channelId } = message;
    await moveLive(0, a, b);
    await until(() => !a.client.guilds.cache.has(guildId), { what: 'the guild to be forgotten' });
    expect([a.client.channels.cache.has(channelId), a.client.ws.shards.has(0)]).toEqual([false, false]);
  });

  test('what Discord answers it by REST is put to what it holds, not into the caches', async () => {
    const [a, b] = await twoBots();
    const { message } = await commandAtWork(a);
    const { guild, channel } = message;
    await moveLive(0, a, b);
    gateway.people.edit(guild.id, { kind: 'channel', action: 'update', id: channel.id, data: { name: 'renamed' } });
    expect(await a.client.channels.fetch(channel.id, { force: true })).toBe(channel);
    expect(channel.name).toBe('renamed');
    gateway.people.edit(guild.id, { kind: 'channel', action: 'create', data: { name: 'fresh' } });
    const fresh = [...(await guild.channels.fetch()).values()].find((each) => each?.name === 'fresh');
    expect(a.client.channels.cache.get(fresh!.id)).toBe(fresh);
    expect(a.client.channels.cache.some((each) => 'guildId' in each && each.guildId === guild.id)).toBe(false);
    expect(a.client.guilds.cache.size).toBe(12);
  });

  test('a request for members rejects at once, whether it was under way or comes later, and a voice connection can be ended', async () => {
    const [a] = await twoBots();
    const { message } = await commandAtWork(a);
    const { guild } = message;
    const adapter = guild.voiceAdapterCreator({
      onVoiceServerUpdate: () => undefined,
      onVoiceStateUpdate: () => undefined,
      destroy: () => undefined,
    });
    // What Discord answers is not for this process any more.
    await a.host.freeze(0);
    const pending = guild.members.fetch();
    await a.host.release(0);
    await expect(pending).rejects.toMatchObject({ code: 'GuildMembersTimeout' });
    await expect(guild.members.fetch()).rejects.toMatchObject({ code: 'GuildMembersTimeout' });
    const leave = { op: 4, d: { guild_id: guild.id, channel_id: null, self_mute: false, self_deaf: false } };
    expect(adapter.sendPayload(leave)).toBe(false);
    adapter.destroy();
    a.client.user?.setActivity('for the others');
  });
});

test('a shard that moves away and back while its objects linger has the caches of a client that never restarted, and counts once', async () => {
  const [a, b] = await twoBots();
  const plain = await plainClient(gateway, 4);
  plains.push(plain);
  const { message } = await commandAtWork(a);
  await moveLive(0, a, b);
  expect(a.client.guilds.cache.has(message.guildId)).toBe(true);
  gateway.people.edit(message.guildId, { kind: 'guild', data: { name: 'Renamed' } });
  await until(() => plain.guilds.cache.get(message.guildId)?.name === 'Renamed' && b.count('guildUpdate') === 1, {
    what: 'the new name',
  });
  await moveLive(0, b, a);
  expect([a.client.guilds.cache.size, b.client.guilds.cache.size, a.client.ws.shards.size]).toEqual([16, 0, 4]);
  const there = a.client.guilds.cache.get(message.guildId);
  expect([there?.name, there === message.guild]).toEqual(['Renamed', true]);
  const { different, examples } = compareCaches(plain, [a, b]);
  expect([examples, different]).toEqual([[], 0]);
  gateway.people.say('hello', { guildId: message.guildId });
  await until(() => a.count('messageCreate') === 2, { what: 'a message' });
  expect(a.count('guildCreate') + b.count('guildCreate')).toBe(0);
});
