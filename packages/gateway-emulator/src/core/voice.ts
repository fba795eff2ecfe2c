/**
 * The bot's own voice states. A voice state belongs to the session that asked for it: it survives RESUME and ends with the session,
 * which is why a bot that identifies anew falls out of voice (discord-api-docs#2257). Voice itself is not emulated: VOICE_SERVER_UPDATE
 * names an endpoint that does not exist.
 */
import type { VoiceRequest } from './client-requests.js';
import { intents } from './discord.js';
import { answer, tellGuild } from './dispatch.js';
import type { Effect } from './effects.js';
import type { GatewayState, Session, VoiceState } from './state.js';
import type { GuildView } from './world-view.js';

const endpoint = 'voice.invalid:443';

/** Op 4, "Update Voice State": joins, moves, mutes itself or hangs up. A channel that is none of the guild's voice channels is ignored. */
export function updateVoiceState(
  state: GatewayState,
  session: Session,
  guild: GuildView,
  request: VoiceRequest,
  out: Effect[],
): void {
  const { channelId, selfMute, selfDeaf } = request;
  const before = state.voice.get(guild.id);
  if (channelId === null) {
    if (before === undefined) return;
    state.voice.delete(guild.id);
    tellVoiceState(state, guild, { ...before, channelId: null }, out);
    return;
  }
  if (!guild.hasVoiceChannel(channelId)) return;
  const after = { sessionId: session.id, channelId, selfMute, selfDeaf };
  state.voice.set(guild.id, after);
  tellVoiceState(state, guild, after, out);
  if (before?.channelId === channelId && before.sessionId === session.id) return;
  const server = JSON.stringify({ token: `voice-${session.id.slice(0, 16)}`, guild_id: guild.id, endpoint });
  answer(session, 'VOICE_SERVER_UPDATE', server, out);
}

/** The session is gone: so is the bot, from the channels it was in. */
export function leaveVoice(state: GatewayState, session: Session, out: Effect[]): void {
  for (const [guildId, voice] of state.voice) {
    if (voice.sessionId !== session.id) continue;
    state.voice.delete(guildId);
    const guild = state.world.guild(guildId);
    if (guild !== null) tellVoiceState(state, guild, { ...voice, channelId: null }, out);
  }
}

function tellVoiceState(
  state: GatewayState,
  guild: GuildView,
  voice: Omit<VoiceState, 'channelId'> & { channelId: string | null },
  out: Effect[],
): void {
  const { userId } = state.world;
  const member = guild.memberView(userId);
  const own = JSON.stringify({
    guild_id: guild.id,
    channel_id: voice.channelId,
    user_id: userId,
    session_id: voice.sessionId,
    deaf: false,
    mute: false,
    self_deaf: voice.selfDeaf,
    self_mute: voice.selfMute,
    self_video: false,
    suppress: false,
    request_to_speak_timestamp: null,
  });
  const json = member === null ? own : `${own.slice(0, -1)},"member":${member.json()}}`;
  tellGuild(state, { type: 'VOICE_STATE_UPDATE', json, route: guild.route, intents: intents.guildVoiceStates }, out);
}
