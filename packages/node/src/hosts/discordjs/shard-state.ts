/**
 * A shard's caches on their way to another process: in parts, each quick to write and to read, so that the event loop
 * is not held up (state-frames.ts says how they travel). The last part names the guilds there are, so that a copy can
 * be known to be whole.
 *
 * Only what is in the caches travels, so the bot's own makeCache and sweepers decide how much that is.
 */
import type { Client, Guild, GuildMember, Message, Presence } from 'discord.js';
import { channelsWithMessages, type GuildChange } from './copied-guilds.js';
import { isThread, threadMemberPayload } from './export/channels.js';
import { guildChannelPayload, guildPayload, unsaidPayload } from './export/guild.js';
import type { Payload } from './export/fields.js';
import { messageRecord, type MessageRecord } from './export/messages.js';
import type { JoinedChannel } from './voice-channels.js';
import { clientUserPayload, memberPayload, presencePayload } from './export/people.js';

/** Raised when parts mean something else than before. */
export const STATE_FORMAT = 4;

const MEMBERS_PER_PART = 100;
const MESSAGES_PER_PART = 50;

export type GuildPart = {
  kind: 'guild';
  guild: Payload & { id: string };
  /** By thread. */
  threadMembers: Readonly<Record<string, readonly Payload[]>>;
};

/** Of a guild that was sent before. People who changed follow as those of a guild do. */
export type ChangePart = {
  kind: 'change';
  guildId: string;
  guild: Payload;
  channels: readonly (Payload & { id: string })[];
  leftMembers: readonly string[];
  leftPresences: readonly string[];
};

export type MembersPart = {
  kind: 'members';
  guildId: string;
  members: readonly Payload[];
  presences: readonly Payload[];
};

/** Of a channel whose guild was sent before. */
export type MessagesPart = {
  kind: 'messages';
  guildId: string;
  channelId: string;
  gone: readonly string[];
  messages: readonly MessageRecord[];
};

export type StatePart =
  | { kind: 'session'; format: number; user: Payload; application: Payload }
  | GuildPart
  | ChangePart
  | MembersPart
  | MessagesPart
  /** Discord has told us of the guild, and that it is not available. */
  | { kind: 'unavailable'; guildId: string }
  /** The voice channels that the bot is in. */
  | { kind: 'voice'; channels: readonly JoinedChannel[] }
  /** Nobody serves the shard any more, so that what follows is urgent. */
  | { kind: 'frozen' }
  | { kind: 'done'; guildIds: readonly string[] };

/** null before the client's first READY. */
export function sessionPart({ user, application }: Client): StatePart | null {
  return user === null || application === null
    ? null
    : {
        kind: 'session',
        format: STATE_FORMAT,
        user: clientUserPayload(user),
        application: { id: application.id, flags: application.flags?.bitfield },
      };
}

/** The parts of one guild, each made when it is asked for. */
export function* guildParts(guild: Guild): Generator<StatePart> {
  if (!guild.available) {
    yield { kind: 'unavailable', guildId: guild.id };
    return;
  }
  const threadMembers: Record<string, readonly Payload[]> = {};
  for (const channel of guild.channels.cache.values()) {
    if (isThread(channel) && channel.members.cache.size > 0) {
      threadMembers[channel.id] = channel.members.cache.map(threadMemberPayload);
    }
  }
  yield { kind: 'guild', guild: { ...guildPayload(guild), id: guild.id }, threadMembers };
  yield* peopleParts(guild.id, [...guild.members.cache.values()], [...guild.presences.cache.values()]);
  for (const { id, messages } of channelsWithMessages(guild)) {
    yield* messagesParts(guild.id, id, [...messages.cache.values()]);
  }
}

export function* changeParts(guild: Guild, change: GuildChange): Generator<StatePart> {
  const { members, presences, channels, leftMembers, leftPresences, messages } = change;
  yield {
    kind: 'change',
    guildId: guild.id,
    guild: unsaidPayload(guild),
    channels: ofIds(channels, guild.channels.cache).map((each) => ({ ...guildChannelPayload(each), id: each.id })),
    leftMembers,
    leftPresences,
  };
  yield* peopleParts(guild.id, ofIds(members, guild.members.cache), ofIds(presences, guild.presences.cache));
  const caches = new Map(channelsWithMessages(guild).map((each) => [each.id, each.messages.cache]));
  for (const { channelId, ids, gone } of messages) {
    yield* messagesParts(guild.id, channelId, ofIds(ids, caches.get(channelId) ?? new Map()), gone);
  }
}

function* messagesParts(
  guildId: string,
  channelId: string,
  messages: readonly Message[],
  gone: readonly string[] = [],
): Generator<StatePart> {
  for (let from = 0; from < messages.length || (from === 0 && gone.length > 0); from += MESSAGES_PER_PART) {
    yield {
      kind: 'messages',
      guildId,
      channelId,
      gone: from === 0 ? gone : [],
      messages: messages.slice(from, from + MESSAGES_PER_PART).map(messageRecord),
    };
  }
}

function* peopleParts(
  guildId: string,
  members: readonly GuildMember[],
  presences: readonly Presence[],
): Generator<StatePart> {
  for (let from = 0; from < Math.max(members.length, presences.length); from += MEMBERS_PER_PART) {
    yield {
      kind: 'members',
      guildId,
      members: members.slice(from, from + MEMBERS_PER_PART).map(memberPayload),
      presences: presences.slice(from, from + MEMBERS_PER_PART).map(presencePayload),
    };
  }
}

function ofIds<T>(ids: readonly string[], cache: ReadonlyMap<string, T>): readonly T[] {
  return ids.map((id) => cache.get(id)).filter((each) => each !== undefined);
}
