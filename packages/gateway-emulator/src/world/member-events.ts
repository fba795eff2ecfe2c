/**
 * What people do in a guild: each function changes the world and returns the event that Discord sends of it. Messages
 * and interactions have files of their own.
 */
import type { Ms, Random } from '@dshard/transport';
import { intents } from '../core/discord.js';
import type { TrafficEvent } from '../core/dispatch.js';
import type { Guild } from './guild.js';
import type { GuildChannel } from './guild-parts.js';
import { pick } from './chance.js';
import { makeUser, memberJson, userJson, type Member, type Status } from './users.js';
import { voiceStateJson } from './guild-create.js';

/** When, and under which id the event is booked. Discord gives most of these events no id of their own. */
export type EventMeta = { id: string; now: Ms };

const statuses: readonly Status[] = ['online', 'idle', 'dnd', 'offline'];
const reactions = ['👍', '🎉', '👀', '❤️'];
/** Members of a guild that chance looks at. */
const among = 64;

function eventOf(guild: Guild, id: string, type: string, needed: number, data: object): TrafficEvent {
  return { id, type, json: JSON.stringify(data), route: guild.route, intents: needed };
}

export function memberJoins(guild: Guild, member: Member, { id }: EventMeta): TrafficEvent {
  guild.join(member);
  return eventOf(guild, id, 'GUILD_MEMBER_ADD', intents.guildMembers, { ...memberJson(member), guild_id: guild.id });
}

/** Null when nobody of that id is here. */
export function memberLeaves(guild: Guild, userId: string, { id }: EventMeta): TrafficEvent | null {
  const member = guild.member(userId);
  if (member === null || !guild.leave(userId)) return null;
  return eventOf(guild, id, 'GUILD_MEMBER_REMOVE', intents.guildMembers, {
    guild_id: guild.id,
    user: userJson(member.user),
  });
}

export function presenceChanges(guild: Guild, userId: string, status: Status, { id }: EventMeta): TrafficEvent {
  guild.setStatus(userId, status);
  return eventOf(guild, id, 'PRESENCE_UPDATE', intents.guildPresences, guild.presence(userId));
}

/** `channelId` null: hangs up. */
export function voiceChanges(guild: Guild, userId: string, channelId: string | null, { id }: EventMeta): TrafficEvent {
  guild.setVoiceChannel(userId, channelId);
  const state = voiceStateJson(guild, userId, channelId);
  return eventOf(guild, id, 'VOICE_STATE_UPDATE', intents.guildVoiceStates, state);
}

export function reactionAdded(
  guild: Guild,
  reaction: { channelId: string; messageId: string; member: Member; emoji: string },
  { id }: EventMeta,
): TrafficEvent {
  const { channelId, messageId, member, emoji } = reaction;
  return eventOf(guild, id, 'MESSAGE_REACTION_ADD', intents.guildMessageReactions, {
    user_id: member.user.id,
    channel_id: channelId,
    message_id: messageId,
    guild_id: guild.id,
    member: memberJson(member),
    emoji: { id: null, name: emoji },
    burst: false,
    type: 0,
  });
}

export function typingStarted(guild: Guild, channel: GuildChannel, member: Member, meta: EventMeta): TrafficEvent {
  return eventOf(guild, meta.id, 'TYPING_START', intents.guildMessageTyping, {
    channel_id: channel.id,
    guild_id: guild.id,
    user_id: member.user.id,
    timestamp: Math.floor(meta.now / 1000),
    member: memberJson(member),
  });
}

/** Somebody of the guild, by chance. The bot only when nobody else is left. */
export function somebody(guild: Guild, random: Random): Member {
  const number = guild.drawPresent(random, among);
  return number === null ? guild.botMember : guild.generated(number);
}

/** Who left comes back, else somebody leaves: guilds keep about their size. */
export function memberChurn(guild: Guild, random: Random, meta: EventMeta): TrafficEvent {
  const present = new Set(guild.presentNumbers(among));
  const away = Array.from({ length: Math.min(among, guild.generatedCount) }, (_, number) => number).filter(
    (number) => !present.has(number),
  );
  const [oldest] = guild.newcomers();
  const leaver = present.size > away.length ? somebody(guild, random) : away.length === 0 ? oldest : undefined;
  const leaving = leaver === undefined ? null : memberLeaves(guild, leaver.user.id, meta);
  if (leaving !== null) return leaving;
  const back = away.length === 0 ? newcomer(meta) : guild.generated(pick(random, away));
  return memberJoins(guild, { ...back, joinedAt: new Date(meta.now).toISOString() }, meta);
}

/** Somebody nobody knew before. */
export function newcomer({ id, now }: EventMeta, name = `newcomer-${id.slice(-6)}`): Member {
  return { user: makeUser(id, name), nick: null, roles: [], joinedAt: new Date(now).toISOString() };
}

export function presenceChurn(guild: Guild, random: Random, meta: EventMeta): TrafficEvent {
  return presenceChanges(guild, somebody(guild, random).user.id, pick(random, statuses), meta);
}

/** Joins, moves or hangs up. */
export function voiceChurn(guild: Guild, random: Random, meta: EventMeta): TrafficEvent {
  const { id } = somebody(guild, random).user;
  const now = guild.voiceChannelOf(id);
  const others: (string | null)[] = [null, ...guild.voiceChannelIds()].filter((channelId) => channelId !== now);
  return voiceChanges(guild, id, pick(random, others), meta);
}

/** To the newest message of a channel, as `lastMessageId` knows it; null: there is none yet. */
export function reactionChurn(
  guild: Guild,
  random: Random,
  lastMessageId: (channelId: string) => string | null,
  meta: EventMeta,
): TrafficEvent | null {
  const channelId = pick(random, guild.textChannels).id;
  const messageId = lastMessageId(channelId);
  if (messageId === null) return null;
  const reaction = { channelId, messageId, member: somebody(guild, random), emoji: pick(random, reactions) };
  return reactionAdded(guild, reaction, meta);
}
