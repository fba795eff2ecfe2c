/** Channels and threads of a guild, as Discord sends them. */
import type {
  AnyThreadChannel,
  ForumChannel,
  GuildBasedChannel,
  GuildForumTag,
  NewsChannel,
  PermissionOverwrites,
  StageChannel,
  TextChannel,
  ThreadChannel,
  ThreadMember,
  VoiceChannel,
} from 'discord.js';
import { creationOf, memberWith } from './structures.js';
import { memberPayload } from './people.js';
import { fieldsOf, isoDate, snakeCased, type Payload, type Table } from './fields.js';

type PlainChannel = Exclude<GuildBasedChannel, AnyThreadChannel>;

/** Every field that one kind of channel or another has; a channel gives those it knows. */
type AnyChannel = TextChannel & VoiceChannel & StageChannel & NewsChannel & ForumChannel;

const CHANNEL: Table<AnyChannel> = [
  ['id', 'id'],
  ['type', 'type'],
  ['guild_id', 'guildId'],
  ['flags', 'flags', 'flags'],
  ['name', 'name'],
  ['position', 'rawPosition'],
  ['parent_id', 'parentId'],
  ['topic', 'topic'],
  ['nsfw', 'nsfw'],
  ['last_message_id', 'lastMessageId'],
  ['last_pin_timestamp', 'lastPinTimestamp', 'time'],
  ['rate_limit_per_user', 'rateLimitPerUser'],
  ['default_auto_archive_duration', 'defaultAutoArchiveDuration'],
  ['default_thread_rate_limit_per_user', 'defaultThreadRateLimitPerUser'],
  ['rtc_region', 'rtcRegion'],
  ['bitrate', 'bitrate'],
  ['user_limit', 'userLimit'],
  ['video_quality_mode', 'videoQualityMode'],
  ['default_sort_order', 'defaultSortOrder'],
  ['default_forum_layout', 'defaultForumLayout'],
];

const OVERWRITE: Table<PermissionOverwrites> = [
  ['id', 'id'],
  ['type', 'type'],
  ['allow', 'allow', 'permissions'],
  ['deny', 'deny', 'permissions'],
];

const THREAD: Table<ThreadChannel> = [
  ['id', 'id'],
  ['type', 'type'],
  ['guild_id', 'guildId'],
  ['flags', 'flags', 'flags'],
  ['name', 'name'],
  ['parent_id', 'parentId'],
  ['owner_id', 'ownerId'],
  ['last_message_id', 'lastMessageId'],
  ['last_pin_timestamp', 'lastPinTimestamp', 'time'],
  ['rate_limit_per_user', 'rateLimitPerUser'],
  ['message_count', 'messageCount'],
  ['member_count', 'memberCount'],
  ['total_message_sent', 'totalMessageSent'],
  ['applied_tags', 'appliedTags'],
];

export function isThread(channel: GuildBasedChannel): channel is AnyThreadChannel {
  return channel.isThread();
}

export function channelPayload(channel: PlainChannel): Payload {
  const payload = fieldsOf(channel as unknown as AnyChannel, CHANNEL);
  if (hasOverwrites(channel)) {
    payload['permission_overwrites'] = channel.permissionOverwrites.cache.map((each) => fieldsOf(each, OVERWRITE));
  }
  if ('availableTags' in channel) {
    payload['available_tags'] = channel.availableTags.map(tagPayload);
    const reaction = channel.defaultReactionEmoji;
    payload['default_reaction_emoji'] = reaction && { emoji_id: reaction.id, emoji_name: reaction.name };
  }
  return payload;
}

export function threadPayload(thread: ThreadChannel): Payload {
  const created = creationOf(thread);
  return {
    ...fieldsOf(thread, THREAD),
    ...(thread.archived !== null && {
      thread_metadata: {
        archived: thread.archived,
        locked: thread.locked,
        auto_archive_duration: thread.autoArchiveDuration,
        archive_timestamp: isoDate(thread.archiveTimestamp),
        ...(thread.invitable !== null && { invitable: thread.invitable }),
        ...(created !== null && { create_timestamp: isoDate(created) }),
      },
    }),
  };
}

/** Not part of a thread as Discord sends it with a guild: only the bot's own membership is. */
export function threadMemberPayload(member: ThreadMember): Payload {
  const guildMember = memberWith(member);
  return {
    user_id: member.id,
    ...(member.joinedTimestamp !== null && { join_timestamp: isoDate(member.joinedTimestamp) }),
    ...(member.flags !== null && { flags: member.flags.bitfield }),
    ...(guildMember !== null && { member: memberPayload(guildMember) }),
  };
}

/** A directory channel, which discord.js' types leave out, has none. */
function hasOverwrites(channel: Partial<Pick<PlainChannel, 'permissionOverwrites'>>): boolean {
  return channel.permissionOverwrites !== undefined;
}

function tagPayload({ id, name, moderated, emoji }: GuildForumTag): Payload {
  return { id, name, moderated, ...snakeCased({ emojiId: emoji?.id ?? null, emojiName: emoji?.name ?? null }) };
}
