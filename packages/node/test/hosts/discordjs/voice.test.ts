/**
 * A RESUME keeps the bot in its voice channel, but the voice connection dies with the process. The bot stayed in the
 * channel, mute, for nothing in the new process knew that it was there. Now op 4 is sent again where the shard arrives,
 * and Discord answers with the two events by which a voice library connects.
 */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import { leakGuard, until } from '@dshard/testkit';
import { ChannelType, Events } from 'discord.js';
import type { Guild } from 'discord.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { moveLive } from './bots.js';
import type { ClientBot } from './bots.js';
import { Scene } from './scene.js';

leakGuard({ beforeEach, afterEach }, { graceMs: 5_000 });

const scene = new Scene();
let gateway: GatewayEmulator;

afterEach(() => scene.close());

const VOICE = ['VOICE_STATE_UPDATE', 'VOICE_SERVER_UPDATE'];

/** What a voice library hears by its adapter. */
function heard(guild: Guild): { events: string[]; send: (channelId: string | null) => boolean } {
  const events: string[] = [];
  const adapter = guild.voiceAdapterCreator({
    onVoiceStateUpdate: () => events.push('state'),
    onVoiceServerUpdate: () => events.push('server'),
    destroy: () => events.push('destroy'),
  });
  const send = (channel_id: string | null): boolean =>
    adapter.sendPayload({ op: 4, d: { guild_id: guild.id, channel_id, self_mute: false, self_deaf: true } });
  return { events, send };
}

function voiceEvents({ sequences }: ClientBot): string[] {
  return sequences.filter(({ type }) => VOICE.includes(type)).map(({ type }) => type);
}

async function joined(): Promise<{ a: ClientBot; b: ClientBot; guild: Guild; channelId: string }> {
  gateway = await scene.world();
  const [a, b] = [await scene.bot('a'), await scene.bot('b')];
  await a.startShards(0, 1, 2, 3);
  const guild = a.client.guilds.cache.find(({ shardId }) => shardId === 0)!;
  const channelId = guild.channels.cache.find(({ type }) => type === ChannelType.GuildVoice)!.id;
  const library = heard(guild);
  expect(library.send(channelId)).toBe(true);
  await until(() => library.events.length === 2, { what: 'the two events' });
  expect(library.events.toSorted()).toEqual(['server', 'state']);
  return { a, b, guild, channelId };
}

test('a voice channel that the bot joined is joined again where its shard arrives, and again where it goes then', async () => {
  const { a, b, guild, channelId } = await joined();
  await moveLive(0, a, b);
  await until(() => voiceEvents(b).length === 2, { what: 'the two events' });
  expect(voiceEvents(b).toSorted()).toEqual(VOICE.toSorted());
  expect(b.client.guilds.cache.get(guild.id)?.members.me?.voice).toMatchObject({ channelId, selfDeaf: true });
  const c = await scene.bot('c');
  await moveLive(0, b, c);
  await until(() => voiceEvents(c).length === 2, { what: 'the two events' });
});

test('a voice channel is joined once when the bot joins it itself, in shardReady', async () => {
  const { a, b, guild, channelId } = await joined();
  const libraries: ReturnType<typeof heard>[] = [];
  b.client.on(Events.ShardReady, () => {
    const library = heard(b.client.guilds.cache.get(guild.id)!);
    libraries.push(library);
    expect(library.send(channelId)).toBe(true);
  });
  await moveLive(0, a, b);
  await until(() => libraries[0]?.events.length === 2, { what: 'the two events' });
  gateway.people.say('later', { guildId: guild.id });
  await until(() => b.messages.length === 1, { what: 'a later event' });
  expect(voiceEvents(b)).toHaveLength(2);
});

test('a voice channel is not joined again when the bot left, or was put out', async () => {
  const { a, b, guild } = await joined();
  heard(guild).send(null);
  await until(() => guild.members.me?.voice.channelId === null, { what: 'the bot to have left' });
  await moveLive(0, a, b);
  gateway.people.say('later', { guildId: guild.id });
  await until(() => b.messages.length === 1, { what: 'a later event' });
  expect(voiceEvents(b)).toEqual([]);
});

test('a bot that joins before the shard can send is heard when it can', async () => {
  gateway = await scene.world();
  const [a, b] = [await scene.bot('a'), await scene.bot('b')];
  await a.startShards(0);
  const libraries: ReturnType<typeof heard>[] = [];
  b.client.on(Events.ClientReady, ({ guilds }) => {
    const guild = guilds.cache.first()!;
    const library = heard(guild);
    libraries.push(library);
    const channel = guild.channels.cache.find(({ type }) => type === ChannelType.GuildVoice)!;
    expect(library.send(channel.id)).toBe(true);
  });
  await moveLive(0, a, b);
  await until(() => libraries[0]?.events.length === 2, { what: 'the two events' });
});

/**
 * What a music bot sent from `importShard` or `shardReady` was dropped: the shard was hosted there, but had no
 * connection of its own yet. Its voice library was told that it could not join.
 */
test('a bot that joins in importShard or shardReady is heard when the shard is resumed', async () => {
  gateway = await scene.world();
  const a = await scene.bot('a', { exportShard: () => 'queue' });
  const accepted: boolean[] = [];
  const join = (): void => {
    const guild = b.client.guilds.cache.find(({ shardId }) => shardId === 0)!;
    const channel = guild.channels.cache.find(({ type }) => type === ChannelType.GuildVoice)!;
    accepted.push(heard(guild).send(channel.id));
  };
  const b = await scene.bot('b', { importShard: join });
  b.client.on(Events.ShardReady, join);
  await a.startShards(0);
  await moveLive(0, a, b);
  expect(accepted).toEqual([true, true]);
  await until(() => voiceEvents(b).length === 4, { what: 'the answers to both' });
});
