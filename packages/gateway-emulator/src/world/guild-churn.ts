/** What those who run a guild do by chance: parts come, change and go, and each kind keeps about its number. */
import type { Random } from '@dshard/transport';
import type { TrafficEvent } from '../core/dispatch.js';
import { editGuild, partKinds, type GuildEdit, type PartKind } from './guild-edits.js';
import type { Guild } from './guild.js';
import { activeThreads } from './guild-create.js';
import { channelTypes } from './guild-parts.js';
import { somebody, type EventMeta } from './member-events.js';
import { pick } from './chance.js';

/** Of a kind, beyond those that the guild began with. */
const mostMade = 6;

export function guildChurn(guild: Guild, random: Random, meta: EventMeta): TrafficEvent[] {
  return editGuild(guild, drawEdit(guild, random, meta), meta);
}

function drawEdit(guild: Guild, random: Random, { id }: EventMeta): GuildEdit {
  const name = `named-${id.slice(-6)}`;
  const kind = pick(random, ['guild', 'member', 'member', 'threadMember', 'threadList', ...partKinds] as const);
  switch (kind) {
    case 'guild':
      return { kind, data: pick(random, [{ name }, { description: name }, { afk_timeout: 60 }, { nsfw_level: 2 }]) };
    case 'member':
      return { kind, id: somebody(guild, random).user.id, data: drawProfile(guild, random, name) };
    case 'threadMember': {
      const [thread] = activeThreads(guild);
      if (thread === undefined) return { kind: 'threadList' };
      const user = random.next() < 0.5 ? guild.botMember : somebody(guild, random);
      return { kind, action: pick(random, ['join', 'leave']), id: thread.id, userId: user.user.id };
    }
    case 'threadList':
      return { kind };
    case 'channel':
    case 'thread':
    case 'role':
    case 'emoji':
    case 'sticker':
    case 'scheduledEvent':
    case 'stageInstance':
    case 'sound':
      return drawPartEdit(guild, kind, random, name);
  }
}

function drawProfile(guild: Guild, random: Random, nick: string): object & Record<string, unknown> {
  const roles = guild.parts.roles.filter(({ id }) => id !== guild.id).map(({ id }) => id);
  return pick(random, [{ nick }, { nick: null }, { roles: roles.filter(() => random.next() < 0.3) }]);
}

function drawPartEdit(guild: Guild, kind: PartKind, random: Random, name: string): GuildEdit {
  const { made, first } = madeAndFirst(guild, kind);
  const action = made.length === 0 ? 'create' : pick(random, ['create', 'update', 'update', 'delete'] as const);
  if (action === 'delete' || (action === 'create' && made.length >= mostMade)) {
    return { kind, action: 'delete', id: pick(random, made) };
  }
  const data = dataOf(guild, kind, random, name);
  if (action === 'create') return { kind, action, data };
  const { parent_id: _, type: __, channel_id: ___, ...changed } = data;
  return { kind, action, id: pick(random, [...made, ...first]), data: changed };
}

/** Ids of the parts that came later, and of those the guild began with, which stay. */
function madeAndFirst(guild: Guild, kind: PartKind): { made: string[]; first: string[] } {
  const lists = {
    channel: [guild.parts.channels, guild.beginning.channels],
    thread: [guild.parts.threads, guild.beginning.threads],
    role: [guild.parts.roles, guild.beginning.roles],
    emoji: [guild.parts.emojis, guild.beginning.emojis],
    sticker: [guild.parts.stickers, guild.beginning.stickers],
    scheduledEvent: [guild.parts.scheduledEvents, guild.beginning.scheduledEvents],
    stageInstance: [guild.parts.stageInstances, guild.beginning.stageInstances],
    sound: [guild.parts.sounds, guild.beginning.sounds],
  }[kind];
  const [now = [], before = []] = lists.map((list) => list.map(idOf));
  const first = new Set(before);
  return { made: now.filter((id) => !first.has(id)), first: now.filter((id) => first.has(id)) };
}

function idOf(part: object): string {
  const { id, sound_id } = part as { id?: string; sound_id?: string };
  return id ?? sound_id ?? '';
}

function dataOf(guild: Guild, kind: PartKind, random: Random, name: string): Record<string, unknown> {
  switch (kind) {
    case 'channel': {
      const { text, voice, announcement, forum } = channelTypes;
      return { name, type: pick(random, [text, text, voice, announcement, forum]), position: 20 };
    }
    case 'thread': {
      const archived = random.next() < 0.3;
      const metadata = { ...guild.beginning.threads[0]?.thread_metadata, archived };
      return { name, parent_id: pick(random, guild.textChannels).id, thread_metadata: metadata };
    }
    case 'stageInstance':
      return { topic: name };
    case 'scheduledEvent':
      return { name, status: pick(random, [1, 2]) };
    case 'role':
      return { name, color: Math.floor(random.next() * 0xff_ff_ff) };
    case 'emoji':
    case 'sticker':
    case 'sound':
      return { name };
  }
}
