/** Who is in which voice channel, in Discord's shape. */
import type { APIVoiceState } from 'discord-api-types/v10';
import type { Guild } from './guild.js';
import { channelTypes } from './guild-parts.js';
import { memberJson } from './users.js';

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
