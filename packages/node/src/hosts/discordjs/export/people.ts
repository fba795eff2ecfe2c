/** Users, members, presences and voice states, as Discord sends them. */
import type { Activity, ClientUser, GuildMember, Presence, User, VoiceState } from 'discord.js';
import { roleIdsOf } from './structures.js';
import { fieldsOf, snakeCased, type Payload, type Table } from './fields.js';

const USER: Table<User> = [
  ['id', 'id'],
  ['username', 'username'],
  ['global_name', 'globalName'],
  ['discriminator', 'discriminator'],
  ['avatar', 'avatar'],
  ['banner', 'banner'],
  ['accent_color', 'accentColor'],
  ['public_flags', 'flags', 'flags'],
  ['avatar_decoration', 'avatarDecoration'],
];

const CLIENT_USER: Table<ClientUser> = [
  ['verified', 'verified'],
  ['mfa_enabled', 'mfaEnabled'],
];

const MEMBER: Table<GuildMember> = [
  ['nick', 'nickname'],
  ['avatar', 'avatar'],
  ['banner', 'banner'],
  ['joined_at', 'joinedTimestamp', 'time'],
  ['premium_since', 'premiumSinceTimestamp', 'time'],
  ['pending', 'pending'],
  ['communication_disabled_until', 'communicationDisabledUntilTimestamp', 'time'],
  ['flags', 'flags', 'flags'],
];

const VOICE_STATE: Table<VoiceState> = [
  ['user_id', 'id'],
  ['channel_id', 'channelId'],
  ['session_id', 'sessionId'],
  ['deaf', 'serverDeaf'],
  ['mute', 'serverMute'],
  ['self_deaf', 'selfDeaf'],
  ['self_mute', 'selfMute'],
  ['suppress', 'suppress'],
  ['request_to_speak_timestamp', 'requestToSpeakTimestamp', 'time'],
];

const ACTIVITY: Table<Activity> = [
  ['name', 'name'],
  ['type', 'type'],
  ['url', 'url'],
  ['details', 'details'],
  ['state', 'state'],
  ['application_id', 'applicationId'],
  ['party', 'party'],
  ['sync_id', 'syncId'],
  ['flags', 'flags', 'flags'],
  ['buttons', 'buttons'],
  ['created_at', 'createdTimestamp'],
];

export function userPayload(user: User): Payload {
  const payload = fieldsOf(user, USER);
  // discord.js knows "not a bot" and "was not said"; only partial users are the latter.
  if (user.bot !== null) payload['bot'] = user.bot;
  if (user.system !== null) payload['system'] = user.system;
  payload['avatar_decoration_data'] = snakeCased(user.avatarDecorationData);
  payload['collectibles'] = collectibles(user.collectibles);
  payload['primary_guild'] = snakeCased(user.primaryGuild);
  return payload;
}

export function clientUserPayload(user: ClientUser): Payload {
  return { ...userPayload(user), ...fieldsOf(user, CLIENT_USER) };
}

export function memberPayload(member: GuildMember): Payload {
  return {
    user: userPayload(member.user),
    ...fieldsOf(member, MEMBER),
    roles: roleIdsOf(member),
    avatar_decoration_data: snakeCased(member.avatarDecorationData),
    collectibles: collectibles(member.collectibles),
  };
}

export function presencePayload(presence: Presence): Payload {
  return {
    user: { id: presence.userId },
    status: presence.status,
    activities: presence.activities.map(activityPayload),
    client_status: presence.clientStatus,
  };
}

export function voiceStatePayload(state: VoiceState): Payload {
  const payload = fieldsOf(state, VOICE_STATE);
  // discord.js reads "streaming" only together with "self_video".
  if (state.selfVideo !== null) {
    payload['self_video'] = state.selfVideo;
    payload['self_stream'] = state.streaming;
  }
  return payload;
}

function activityPayload(activity: Activity): Payload {
  const { timestamps, assets, emoji } = activity;
  return {
    ...fieldsOf(activity, ACTIVITY),
    ...(timestamps !== null && {
      timestamps: { start: timestamps.start?.getTime(), end: timestamps.end?.getTime() },
    }),
    ...(assets !== null && { assets: snakeCased(assets) }),
    ...(emoji !== null && { emoji: { id: emoji.id, name: emoji.name, animated: emoji.animated } }),
  };
}

function collectibles(value: { nameplate?: object | null } | null | undefined): Payload | null {
  return value ? { nameplate: snakeCased(value.nameplate) } : null;
}
