/**
 * The `d` of GUILD_CREATE, and the part of it that is the guild itself. What a session is shown follows Discord's
 * "Guild Create": without the GUILD_PRESENCES intent only the bot and those in voice channels are members; with it
 * everybody, or in a guild of more than `large_threshold` those who are not offline. And voice states, in the shape
 * that they have there.
 */
import type { APIGuild, APIVoiceState, GatewayGuildCreateDispatchData, Locale } from 'discord-api-types/v10';
import { intents } from '../core/discord.js';
import type { GuildReader, OwnVoiceState } from '../core/world-view.js';
import { channelTypes, type GuildChannel, type GuildThread } from './guild-parts.js';
import type { Guild } from './guild.js';
import { joinedAt, memberJson, noFlags, type Member } from './users.js';

type Extra = Omit<GatewayGuildCreateDispatchData, keyof APIGuild>;

export function guildCreateJson(
  guild: Guild,
  reader: GuildReader,
  own: OwnVoiceState | null = null,
): { guild: APIGuild; extra: Extra } {
  const { parts, memberCount } = guild;
  const seesPresences = (reader.intents & intents.guildPresences) !== 0;
  const large = memberCount > reader.largeThreshold;
  const inVoice = guild.voiceStates();
  const shown = seesPresences ? membersBySize(guild, large) : membersInVoice(guild, inVoice);
  return {
    guild: guildJson(guild),
    extra: {
      joined_at: joinedAt,
      large,
      unavailable: false,
      member_count: memberCount,
      voice_states:
        (reader.intents & intents.guildVoiceStates) === 0
          ? []
          : [
              ...inVoice.map(({ guild_id: _guild, member: _member, ...state }) => state),
              ...(own === null ? [] : [own]),
            ],
      members: shown.map(memberJson),
      channels: parts.channels.map((channel) => shownChannel(guild, channel)),
      threads: activeThreads(guild),
      presences: seesPresences
        ? shown.map(({ user }) => guild.presence(user.id)).filter(({ status }) => (status as string) !== 'offline')
        : [],
      stage_instances: [...parts.stageInstances],
      guild_scheduled_events: [...parts.scheduledEvents],
      soundboard_sounds: [...parts.sounds],
    },
  };
}

function membersBySize(guild: Guild, large: boolean): Member[] {
  const all = [...guild.allMembers()];
  return large ? all.filter(({ user }) => guild.status(user.id) !== 'offline') : all;
}

function membersInVoice(guild: Guild, inVoice: readonly { user_id: string }[]): Member[] {
  const found = inVoice.flatMap(({ user_id }) => guild.member(user_id) ?? []);
  return [...found, guild.botMember];
}

/** Those that are archived are not shown until somebody asks for them. */
export function activeThreads(guild: Guild): GuildThread[] {
  const active = guild.parts.threads.filter(({ thread_metadata: metadata }) => metadata?.archived !== true);
  return active.map((thread) => shownThread(guild, thread));
}

/** With what was written in it. */
export function shownThread(guild: Guild, thread: GuildThread): GuildThread {
  const written = guild.written(thread.id);
  if (written === null) return thread;
  const { message_count = 0, total_message_sent = 0 } = thread;
  return {
    ...thread,
    last_message_id: written.lastId,
    message_count: message_count + written.count,
    total_message_sent: total_message_sent + written.count,
  };
}

export function shownChannel(guild: Guild, channel: GuildChannel): GuildChannel {
  const written = 'last_message_id' in channel ? guild.written(channel.id) : null;
  return written === null ? channel : ({ ...channel, last_message_id: written.lastId } as GuildChannel);
}

function guildJson(guild: Guild): APIGuild {
  const { parts, settings } = guild;
  return {
    id: guild.id,
    name: guild.name,
    icon: null,
    splash: null,
    discovery_splash: null,
    banner: null,
    description: null,
    owner_id: guild.ownerId,
    region: 'deprecated',
    afk_channel_id: null,
    afk_timeout: 300,
    system_channel_id: guild.textChannels[0]?.id ?? null,
    system_channel_flags: noFlags,
    rules_channel_id: null,
    public_updates_channel_id: null,
    safety_alerts_channel_id: null,
    verification_level: 0,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    mfa_level: 0,
    nsfw_level: 0,
    premium_tier: 0,
    premium_subscription_count: 0,
    premium_progress_bar_enabled: false,
    preferred_locale: 'en-US' as Locale,
    vanity_url_code: null,
    application_id: null,
    max_presences: null,
    max_members: 500_000,
    max_video_channel_users: 25,
    max_stage_video_channel_users: 50,
    hub_type: null,
    incidents_data: null,
    features: [],
    roles: [...parts.roles],
    emojis: [...parts.emojis],
    stickers: [...parts.stickers],
    ...settings,
  };
}

// Who is in which voice channel, in Discord's shape.

/** `channelId` null: the user left. With the member, as VOICE_STATE_UPDATE has it. */
export function voiceStateJson(guild: Guild, userId: string, channelId: string | null): APIVoiceState {
  const member = guild.member(userId);
  const channel = channelId === null ? null : guild.channel(channelId);
  return {
    guild_id: guild.id,
    channel_id: channelId,
    user_id: userId,
    ...(member === null ? {} : { member: memberJson(member) }),
    session_id: `voice-${userId}`,
    deaf: false,
    mute: false,
    self_deaf: false,
    self_mute: false,
    self_video: false,
    suppress: channel?.type === channelTypes.stage,
    request_to_speak_timestamp: null,
  };
}
