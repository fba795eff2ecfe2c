import type { GatewayGuildCreateDispatchData } from 'discord-api-types/v10';
import { describe, expect, test } from 'vitest';
import { intents } from '../../src/core/discord.js';
import { World } from '../../src/world/world.js';

const everything = Object.values(intents).reduce((sum, bit) => sum | bit, 0);

function created(world: World, index: number, reader = { intents: everything, largeThreshold: 250 }) {
  return JSON.parse(world.guildAt(index).createJson(reader)) as GatewayGuildCreateDispatchData;
}

describe('a guild', () => {
  test('has something of everything that a library keeps', () => {
    const guild = created(new World({ seed: 1, guilds: 3, members: 100 }), 1);
    expect(guild.members).toHaveLength(101);
    expect(guild.member_count).toBe(101);
    const parts = [
      guild.channels,
      guild.threads,
      guild.roles,
      guild.emojis,
      guild.stickers ?? [],
      guild.voice_states,
      guild.stage_instances,
      guild.guild_scheduled_events,
      guild.soundboard_sounds,
      guild.presences,
    ];
    for (const part of parts) expect(part.length).toBeGreaterThan(0);
    const ids = [
      guild.channels,
      guild.threads,
      guild.roles,
      guild.emojis,
      guild.stickers ?? [],
      guild.guild_scheduled_events,
    ];
    const all = ids.flatMap((list) => list.map((item) => item.id)).concat(guild.members.map(({ user }) => user.id));
    expect(new Set(all).size).toBe(all.length);
  });

  test('refers only to what it has', () => {
    const guild = created(new World({ seed: 5, guilds: 2, members: 20 }), 0);
    const channels = new Set(guild.channels.map(({ id }) => id));
    const roles = new Set(guild.roles.map(({ id }) => id));
    const members = new Set(guild.members.map(({ user }) => user.id));
    expect(roles).toContain(guild.id);
    expect(members).toContain(guild.owner_id);
    for (const thread of guild.threads) expect(channels).toContain(thread.parent_id);
    for (const state of guild.voice_states) {
      expect(channels).toContain(state.channel_id ?? 'none');
      expect(members).toContain(state.user_id);
      expect(state).not.toHaveProperty('guild_id');
    }
    for (const member of guild.members) for (const role of member.roles) expect(roles).toContain(role);
    for (const presence of guild.presences) expect(members).toContain(presence.user.id);
    for (const stage of guild.stage_instances) expect(channels).toContain(stage.channel_id);
  });

  test.each([
    {
      asked: 'with presences, small',
      reader: { intents: everything, largeThreshold: 50 },
      members: 'all',
      presences: true,
      large: false,
    },
    {
      asked: 'with presences, large',
      reader: { intents: everything, largeThreshold: 20 },
      members: 'online',
      presences: true,
      large: true,
    },
    {
      asked: 'without presences',
      reader: { intents: intents.guilds | intents.guildVoiceStates, largeThreshold: 50 },
      members: 'voice',
      presences: false,
      large: false,
    },
  ])('shows $asked: $members', ({ reader, members, presences, large }) => {
    const world = new World({ seed: 2, guilds: 1, members: 40 });
    const guild = created(world, 0, reader);
    const offline = guild.members.filter(({ user }) => world.guildAt(0).status(user.id) === 'offline');
    expect(guild.member_count).toBe(41);
    expect(guild.large).toBe(large);
    expect(guild.presences.length > 0).toBe(presences);
    if (members === 'all') expect(guild.members).toHaveLength(41);
    if (members === 'online') expect(offline).toHaveLength(0);
    if (members === 'voice')
      expect(guild.members.map(({ user }) => user.id).slice(0, -1)).toEqual(
        guild.voice_states.map((state) => state.user_id),
      );
    expect(guild.members.at(-1)?.user.id).toBe(world.userId);
  });

  test('shows in GUILD_CREATE what has changed since the beginning', () => {
    const world = new World({ seed: 3, guilds: 1, members: 10 });
    const guild = world.guildAt(0);
    const [gone, mover] = [guild.generated(4).user.id, guild.generated(5).user.id];
    expect(guild.leave(gone)).toBe(true);
    expect(guild.leave(gone)).toBe(false);
    expect(guild.leave(world.userId)).toBe(false);
    guild.setVoiceChannel(mover, guild.voiceChannelIds()[0] ?? '');
    guild.setStatus(mover, 'dnd');
    const later = created(world, 0);
    expect(later.member_count).toBe(10);
    expect(later.members.some(({ user }) => user.id === gone)).toBe(false);
    expect(later.voice_states.some((state) => state.user_id === mover)).toBe(true);
    expect(later.presences.find(({ user }) => user.id === mover)?.status).toBe('dnd');
    guild.join({ ...guild.generated(4), joinedAt: '2026-01-01T00:00:00.000Z' });
    expect(created(world, 0).members.find(({ user }) => user.id === gone)?.joined_at).toBe('2026-01-01T00:00:00.000Z');
  });
});

describe('a world of any size', () => {
  test('is made only where somebody looks, the same whatever was looked at before', () => {
    const large = new World({ seed: 9, guilds: 1_000_000, members: 1_000 });
    expect(large.footprint()).toEqual({ changed: 0, kept: 0 });
    const guild = created(large, 777_777);
    const again = new World({ seed: 9, guilds: 1_000_000, members: 1_000 });
    for (const index of [0, 5, 999_999]) again.guildAt(index);
    expect(created(again, 777_777)).toEqual(guild);
    expect(large.footprint()).toEqual({ changed: 0, kept: 1 });
  });

  test('keeps few guilds at hand, and all changes', () => {
    const world = new World({ seed: 1, guilds: 20_000 });
    const gone = world.guildAt(0).generated(0).user.id;
    world.guildAt(0).leave(gone);
    for (let index = 0; index < 20_000; index += 1) world.guildAt(index);
    expect(world.footprint().kept).toBeLessThan(10_000);
    expect(world.footprint().changed).toBe(1);
    expect(world.guildAt(0).member(gone)).toBeNull();
  });

  test.each([1, 2, 7, 16, 1_000])('lies evenly over %d shards', (count) => {
    const world = new World({ seed: 1, guilds: 2_000 });
    const shards = Array.from({ length: count }, (_, shard) => world.guildIdsOf(shard, count));
    expect(shards.flat().length).toBe(2_000);
    for (const [shard, ids] of shards.entries()) {
      expect(Math.abs(ids.length - 2_000 / count)).toBeLessThan(1);
      for (const id of ids) expect(Number((BigInt(id) >> 22n) % BigInt(count))).toBe(shard);
    }
  });

  test.each([['1'], [''], ['x'], ['9'.repeat(20)], ['-5'], ['99999999999999999999999']])('has no guild %j', (id) => {
    expect(new World({ seed: 1, guilds: 4 }).guild(id)).toBeNull();
  });

  test('finds the guild of anything by its id', () => {
    const world = new World({ seed: 1, guilds: 50 });
    const guild = world.guildAt(31);
    for (const { id } of [...guild.parts.channels, ...guild.parts.roles, ...guild.parts.stickers]) {
      expect(world.guildOf(id)?.index).toBe(31);
    }
    expect(world.channel(guild.parts.channels[1]?.id ?? '')?.guild.id).toBe(guild.id);
    expect(world.channel(guild.parts.roles[1]?.id ?? '')).toBeNull();
  });
});
