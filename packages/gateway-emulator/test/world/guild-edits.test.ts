import type { GatewayGuildCreateDispatchData } from 'discord-api-types/v10';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '@dshard/transport';
import type { TrafficEvent } from '../../src/core/dispatch.js';
import { intents } from '../../src/core/discord.js';
import { guildChurn } from '../../src/world/guild-churn.js';
import type { GuildEdit } from '../../src/world/guild-edits.js';
import { editGuild } from '../../src/world/guild-edits.js';
import type { Guild } from '../../src/world/guild.js';
import { snowflakeSource } from '../../src/world/snowflakes.js';
import { World } from '../../src/world/world.js';

const everything = Object.values(intents).reduce((sum, bit) => sum | bit, 0);
const now = 1_700_000_000_000;

function edited(guild: Guild, edit: GuildEdit): { type: string; data: Record<string, unknown> }[] {
  return editGuild(guild, edit, { id: '1', now }).map(({ type, json }) => ({
    type,
    data: JSON.parse(json) as Record<string, unknown>,
  }));
}

function shown(guild: Guild): GatewayGuildCreateDispatchData {
  return JSON.parse(guild.createJson({ intents: everything, largeThreshold: 250 })) as GatewayGuildCreateDispatchData;
}

function world(): { world: World; guild: Guild } {
  const made = new World({ seed: 3, guilds: 2 });
  return { world: made, guild: made.guildAt(0) };
}

describe('those who run a guild', () => {
  test('make a role, which GUILD_CREATE shows from then on, and in no other guild', () => {
    const { world: made, guild } = world();
    const [event] = edited(guild, { kind: 'role', action: 'create', data: { name: 'nova' } });
    expect(event).toMatchObject({ type: 'GUILD_ROLE_CREATE', data: { guild_id: guild.id, role: { name: 'nova' } } });
    const role = guild.parts.roles.at(-1);
    expect(event?.data['role']).toEqual(role);
    expect(shown(guild).roles.at(-1)).toEqual(role);
    expect(made.guildOf(role?.id ?? '')).toBe(guild);
    expect(shown(made.guildAt(1)).roles).toHaveLength(5);
  });

  test('take a role away: the members that had it do not have it any more', () => {
    const { guild } = world();
    const [{ id } = { id: '' }] = guild.parts.roles.slice(1);
    const { ownerId } = guild;
    edited(guild, { kind: 'member', id: ownerId, data: { roles: [id] } });
    expect(guild.member(ownerId)?.roles).toEqual([id]);
    const [event] = edited(guild, { kind: 'role', action: 'delete', id });
    expect(event).toMatchObject({ type: 'GUILD_ROLE_DELETE', data: { role_id: id } });
    expect(guild.member(ownerId)?.roles).toEqual([]);
  });

  test('take the lounge away: who sat there has left it, and nobody else has moved', () => {
    const { guild } = world();
    const lounge = guild.voiceChannelIds()[0] ?? '';
    const before = guild.voiceStates();
    const events = edited(guild, { kind: 'channel', action: 'delete', id: lounge });
    expect(events.map(({ type }) => type)).toEqual(['VOICE_STATE_UPDATE', 'VOICE_STATE_UPDATE', 'CHANNEL_DELETE']);
    expect(guild.voiceStates()).toEqual(before.filter(({ channel_id }) => channel_id !== lounge));
  });

  test('take a channel with threads, a stage or an event away: they go with it', () => {
    const { guild } = world();
    const { threads, stageInstances } = guild.parts;
    const types = [threads[0]?.parent_id, stageInstances[0]?.channel_id].map((id) =>
      edited(guild, { kind: 'channel', action: 'delete', id: id ?? '' }).map(({ type }) => type),
    );
    expect(types[0]).toEqual(['CHANNEL_DELETE']);
    expect(types[1]).toContain('STAGE_INSTANCE_DELETE');
    expect(types[1]).toContain('GUILD_SCHEDULED_EVENT_DELETE');
    expect(shown(guild)).toMatchObject({ threads: [], stage_instances: [], guild_scheduled_events: [] });
  });

  test('archive a thread: it is told, and not shown any more', () => {
    const { guild } = world();
    const [thread] = guild.parts.threads;
    const data = { thread_metadata: { ...thread?.thread_metadata, archived: true } };
    const [event] = edited(guild, { kind: 'thread', action: 'update', id: thread?.id ?? '', data });
    expect(event).toMatchObject({ type: 'THREAD_UPDATE', data: { id: thread?.id, ...data } });
    expect(shown(guild).threads).toEqual([]);
  });

  test('a thread that the bot joined says so in GUILD_CREATE, but not in THREAD_UPDATE', () => {
    const { guild } = world();
    const [{ id } = { id: '' }] = guild.parts.threads;
    const userId = guild.botMember.user.id;
    edited(guild, { kind: 'threadMember', action: 'join', id, userId });
    expect(shown(guild).threads[0]).toMatchObject({ member: { user_id: userId }, member_count: 2 });
    const [update] = edited(guild, { kind: 'thread', action: 'update', id, data: { name: 'other' } });
    expect(update?.data).not.toHaveProperty('member');
    edited(guild, { kind: 'threadMember', action: 'leave', id, userId });
    expect(shown(guild).threads[0]).not.toHaveProperty('member');
  });

  test.each<[string, GuildEdit]>([
    ['there is no role 5', { kind: 'role', action: 'delete', id: '5' }],
    ['there is no thread 5', { kind: 'threadMember', action: 'join', id: '5', userId: '1' }],
    ['5 is not a member', { kind: 'member', id: '5', data: {} }],
    ['no pattern for a channel of type 99', { kind: 'channel', action: 'create', data: { type: 99 } }],
  ])('are told when that cannot be: %s', (message, edit) => {
    expect(() => edited(world().guild, edit)).toThrow(message);
  });

  test('by chance for a long time: the guild keeps about its size, and what was written since shows', () => {
    const { world: made, guild } = world();
    const random = seededRandom(7);
    const nextId = snowflakeSource();
    const seen = new Set<string>();
    for (let turn = 0; turn < 3_000; turn += 1) {
      const events: TrafficEvent[] = guildChurn(guild, random, { id: nextId(now + turn), now: now + turn });
      events.forEach(({ type }) => seen.add(type));
    }
    expect(seen.size).toBeGreaterThan(20);
    const { channels, threads, roles } = shown(guild);
    expect(Math.max(channels.length, threads.length, roles.length)).toBeLessThan(20);
    const [channel] = guild.textChannels;
    made.nextMessageNumber(channel?.id ?? '', '77');
    expect(shown(guild).channels.find(({ id }) => id === channel?.id)).toMatchObject({ last_message_id: '77' });
  });
});
