/** A guild as Discord sends it in GUILD_CREATE, without members and presences: those are many, see shard-state.ts. */
import type {
  Guild,
  GuildBasedChannel,
  GuildEmoji,
  GuildScheduledEvent,
  Role,
  SoundboardSound,
  StageInstance,
  Sticker,
  ThreadChannel,
} from 'discord.js';
import { allowedRoleIdsOf, soundEmojiOf } from './structures.js';
import { channelPayload, isThread, threadPayload } from './channels.js';
import { fieldsOf, isoDate, snakeCased, type Payload, type Table } from './fields.js';
import { userPayload, voiceStatePayload } from './people.js';

const GUILD: Table<Guild> = [
  ['id', 'id'],
  ['name', 'name'],
  ['icon', 'icon'],
  ['features', 'features'],
  ['splash', 'splash'],
  ['banner', 'banner'],
  ['description', 'description'],
  ['verification_level', 'verificationLevel'],
  ['vanity_url_code', 'vanityURLCode'],
  ['nsfw_level', 'nsfwLevel'],
  ['premium_subscription_count', 'premiumSubscriptionCount'],
  ['discovery_splash', 'discoverySplash'],
  ['member_count', 'memberCount'],
  ['large', 'large'],
  ['premium_progress_bar_enabled', 'premiumProgressBarEnabled'],
  ['application_id', 'applicationId'],
  ['afk_timeout', 'afkTimeout'],
  ['afk_channel_id', 'afkChannelId'],
  ['system_channel_id', 'systemChannelId'],
  ['system_channel_flags', 'systemChannelFlags', 'flags'],
  ['premium_tier', 'premiumTier'],
  ['widget_enabled', 'widgetEnabled'],
  ['widget_channel_id', 'widgetChannelId'],
  ['explicit_content_filter', 'explicitContentFilter'],
  ['mfa_level', 'mfaLevel'],
  ['joined_at', 'joinedTimestamp', 'time'],
  ['default_message_notifications', 'defaultMessageNotifications'],
  ['max_members', 'maximumMembers'],
  ['max_presences', 'maximumPresences'],
  ['max_video_channel_users', 'maxVideoChannelUsers'],
  ['max_stage_video_channel_users', 'maxStageVideoChannelUsers'],
  ['approximate_member_count', 'approximateMemberCount'],
  ['approximate_presence_count', 'approximatePresenceCount'],
  ['rules_channel_id', 'rulesChannelId'],
  ['public_updates_channel_id', 'publicUpdatesChannelId'],
  ['safety_alerts_channel_id', 'safetyAlertsChannelId'],
  ['preferred_locale', 'preferredLocale'],
  ['owner_id', 'ownerId'],
];

const ROLE: Table<Role> = [
  ['id', 'id'],
  ['name', 'name'],
  ['color', 'color'],
  ['position', 'rawPosition'],
  ['icon', 'icon'],
  ['unicode_emoji', 'unicodeEmoji'],
  ['hoist', 'hoist'],
  ['permissions', 'permissions', 'permissions'],
  ['managed', 'managed'],
  ['mentionable', 'mentionable'],
  ['flags', 'flags', 'flags'],
];

const EMOJI: Table<GuildEmoji> = [
  ['id', 'id'],
  ['name', 'name'],
  ['animated', 'animated'],
  ['require_colons', 'requiresColons'],
  ['managed', 'managed'],
  ['available', 'available'],
];

const STICKER: Table<Sticker> = [
  ['id', 'id'],
  ['name', 'name'],
  ['description', 'description'],
  ['type', 'type'],
  ['format_type', 'format'],
  ['pack_id', 'packId'],
  ['tags', 'tags'],
  ['available', 'available'],
  ['guild_id', 'guildId'],
  ['sort_value', 'sortValue'],
];

const STAGE: Table<StageInstance> = [
  ['id', 'id'],
  ['guild_id', 'guildId'],
  ['channel_id', 'channelId'],
  ['topic', 'topic'],
  ['privacy_level', 'privacyLevel'],
  ['discoverable_disabled', 'discoverableDisabled'],
  ['guild_scheduled_event_id', 'guildScheduledEventId'],
];

const EVENT: Table<GuildScheduledEvent> = [
  ['id', 'id'],
  ['guild_id', 'guildId'],
  ['channel_id', 'channelId'],
  ['creator_id', 'creatorId'],
  ['name', 'name'],
  ['description', 'description'],
  ['scheduled_start_time', 'scheduledStartTimestamp', 'time'],
  ['scheduled_end_time', 'scheduledEndTimestamp', 'time'],
  ['privacy_level', 'privacyLevel'],
  ['status', 'status'],
  ['entity_type', 'entityType'],
  ['entity_id', 'entityId'],
  ['entity_metadata', 'entityMetadata'],
  ['user_count', 'userCount'],
  ['image', 'image'],
];

const SOUND: Table<SoundboardSound> = [
  ['sound_id', 'soundId'],
  ['name', 'name'],
  ['volume', 'volume'],
  ['available', 'available'],
  ['guild_id', 'guildId'],
];

export function guildPayload(guild: Guild): Payload {
  const channels = [...guild.channels.cache.values()];
  return {
    ...fieldsOf(guild, GUILD),
    unavailable: false,
    incidents_data: incidents(guild),
    roles: guild.roles.cache.map(rolePayload),
    channels: channels.filter((channel) => !isThread(channel)).map(channelPayload),
    threads: channels.filter(isThread).map((thread) => threadPayload(thread as ThreadChannel)),
    emojis: guild.emojis.cache.map(emojiPayload),
    stickers: guild.stickers.cache.map((sticker) => ({ ...fieldsOf(sticker, STICKER), ...author(sticker.user) })),
    voice_states: guild.voiceStates.cache.map(voiceStatePayload),
    stage_instances: guild.stageInstances.cache.map((stage) => fieldsOf(stage, STAGE)),
    guild_scheduled_events: guild.scheduledEvents.cache.map(eventPayload),
    soundboard_sounds: soundsOf(guild),
  };
}

/** What changes without an event of the guild's own. */
export function unsaidPayload(guild: Guild): Payload {
  return {
    ...fieldsOf(guild, [['member_count', 'memberCount']]),
    voice_states: guild.voiceStates.cache.map(voiceStatePayload),
  };
}

export function guildChannelPayload(channel: GuildBasedChannel): Payload {
  return isThread(channel) ? threadPayload(channel) : channelPayload(channel);
}

function rolePayload(role: Role): Payload {
  const { tags, colors } = role;
  return {
    ...fieldsOf(role, ROLE),
    ...(colors !== undefined && { colors: snakeCased(colors) }),
    ...(tags !== null && {
      tags: {
        ...(tags.botId !== undefined && { bot_id: tags.botId }),
        ...(tags.integrationId !== undefined && { integration_id: tags.integrationId }),
        ...(tags.subscriptionListingId !== undefined && { subscription_listing_id: tags.subscriptionListingId }),
        // Discord says "yes" to these by their presence, with null as the value.
        ...(tags.premiumSubscriberRole === true && { premium_subscriber: null }),
        ...(tags.availableForPurchase === true && { available_for_purchase: null }),
        ...(tags.guildConnections === true && { guild_connections: null }),
      },
    }),
  };
}

function emojiPayload(emoji: GuildEmoji): Payload {
  return { ...fieldsOf(emoji, EMOJI), roles: allowedRoleIdsOf(emoji), ...author(emoji.author) };
}

function eventPayload(event: GuildScheduledEvent): Payload {
  const rule = event.recurrenceRule;
  return {
    ...fieldsOf(event, EVENT),
    ...(event.creator && { creator: userPayload(event.creator) }),
    recurrence_rule: rule && {
      start: isoDate(rule.startTimestamp),
      end: isoDate(rule.endTimestamp),
      frequency: rule.frequency,
      interval: rule.interval,
      by_weekday: rule.byWeekday,
      by_n_weekday: rule.byNWeekday,
      by_month: rule.byMonth,
      by_month_day: rule.byMonthDay,
      by_year_day: rule.byYearDay,
      count: rule.count,
    },
  };
}

/** discord.js before 14.19 has none. */
function soundsOf({ soundboardSounds: sounds }: Partial<Pick<Guild, 'soundboardSounds'>>): readonly Payload[] {
  return sounds?.cache.map(soundPayload) ?? [];
}

function soundPayload(sound: SoundboardSound): Payload {
  const emoji = soundEmojiOf(sound);
  return {
    ...fieldsOf(sound, SOUND),
    ...(emoji !== null && { emoji_id: emoji.id, emoji_name: emoji.name }),
    ...author(sound.user),
  };
}

function author(user: Parameters<typeof userPayload>[0] | null): Payload {
  return user === null ? {} : { user: userPayload(user) };
}

function incidents({ incidentsData }: Guild): Payload | null {
  return (
    incidentsData && {
      invites_disabled_until: incidentsData.invitesDisabledUntil?.toISOString() ?? null,
      dms_disabled_until: incidentsData.dmsDisabledUntil?.toISOString() ?? null,
      dm_spam_detected_at: incidentsData.dmSpamDetectedAt?.toISOString() ?? null,
      raid_detected_at: incidentsData.raidDetectedAt?.toISOString() ?? null,
    }
  );
}
