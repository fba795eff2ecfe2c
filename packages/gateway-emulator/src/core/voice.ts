/**
 * The bot's own voice states. A voice state belongs to the session that asked for it: it survives RESUME and ends with
 * the session, which is why a bot that identifies anew falls out of voice (discord-api-docs#2257).
 */
import type { VoiceRequest } from './client-requests.js';
import { intents } from './discord.js';
import { answer, tellGuild } from './dispatch.js';
import type { Effect } from './effects.js';
import type { GatewayState, Session, VoiceState } from './state.js';
import type { GuildView, OwnVoiceState } from './world-view.js';

/**
 * Op 4, "Update Voice State": joins, moves, mutes itself or hangs up. A channel that is none of the guild's voice
 * channels is ignored. Joining is answered with VOICE_STATE_UPDATE and VOICE_SERVER_UPDATE with a new token, also where
 * the bot is already (libraries connect anew that way; what Discord does then is not documented). Muting itself is no
 * joining.
 */
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
  const stays = before?.channelId === channelId && before.sessionId === session.id;
  const mutes = stays && (before.selfMute !== selfMute || before.selfDeaf !== selfDeaf);
  const token = mutes ? before.token : newVoiceToken(state);
  const after: VoiceState = { sessionId: session.id, channelId, selfMute, selfDeaf, token };
  state.voice.set(guild.id, after);
  tellVoiceState(state, guild, after, out);
  if (mutes) return;
  const server = JSON.stringify({ token, guild_id: guild.id, endpoint: state.voiceEndpoint });
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

/** The bot's voice state in a guild, as GUILD_CREATE lists it; null: it is in no channel. */
export function ownVoiceState(state: GatewayState, guild: GuildView): OwnVoiceState | null {
  const voice = state.voice.get(guild.id);
  return voice === undefined ? null : voiceJson(state, voice);
}

function newVoiceToken(state: GatewayState): string {
  let token = '';
  while (token.length < 16) token += Math.floor(state.random.next() * 16).toString(16);
  return token;
}

function voiceJson(
  state: GatewayState,
  voice: Omit<VoiceState, 'channelId'> & { channelId: string | null },
): OwnVoiceState {
  return {
    channel_id: voice.channelId,
    user_id: state.world.userId,
    session_id: voice.sessionId,
    deaf: false,
    mute: false,
    self_deaf: voice.selfDeaf,
    self_mute: voice.selfMute,
    self_video: false,
    suppress: false,
    request_to_speak_timestamp: null,
  };
}

function tellVoiceState(
  state: GatewayState,
  guild: GuildView,
  voice: Omit<VoiceState, 'channelId'> & { channelId: string | null },
  out: Effect[],
): void {
  const member = guild.memberView(state.world.userId);
  const own = JSON.stringify({ guild_id: guild.id, ...voiceJson(state, voice) });
  const json = member === null ? own : `${own.slice(0, -1)},"member":${member.json()}}`;
  tellGuild(state, { type: 'VOICE_STATE_UPDATE', json, route: guild.route, intents: intents.guildVoiceStates }, out);
}
