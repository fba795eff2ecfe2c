/**
 * Carries out what an identified client asks for. A guild that the session does not have, or that is in an outage, is answered by
 * nothing (not documented).
 */
import type { Ms } from '@dshard/transport';
import type { ClientRequest } from './client-requests.js';
import { answer } from './dispatch.js';
import type { Effect } from './effects.js';
import { requestMembers } from './guild-members.js';
import type { Connection, GatewayState, Session } from './state.js';
import { updateVoiceState } from './voice.js';
import type { GuildView } from './world-view.js';

export function carryOut(
  state: GatewayState,
  connection: Connection,
  session: Session,
  request: Exclude<ClientRequest, { kind: 'malformed' }>,
  now: Ms,
  out: Effect[],
): void {
  switch (request.kind) {
    case 'presence':
      session.presence = request.presence;
      return;
    case 'soundboard':
      for (const guildId of new Set(request.guildIds)) {
        const guild = guildOf(state, session, guildId);
        if (guild === null) continue;
        const json = `{"guild_id":"${guild.id}","soundboard_sounds":${guild.soundboardJson()}}`;
        answer(session, 'SOUNDBOARD_SOUNDS', json, out);
      }
      return;
    case 'voice':
    case 'members':
    case 'channel-info': {
      const guild = guildOf(state, session, request.guildId);
      if (guild === null) return;
      if (request.kind === 'voice') updateVoiceState(state, session, guild, request, out);
      else if (request.kind === 'members') requestMembers(state, connection, session, guild, request, now, out);
      else answer(session, 'CHANNEL_INFO', channelInfoJson(guild, request.fields), out);
    }
  }
}

function guildOf(state: GatewayState, session: Session, guildId: string): GuildView | null {
  const guild = state.world.guild(guildId);
  if (guild === null || guild.route % session.count !== session.shard) return null;
  return state.unavailable.has(guild.route) ? null : guild;
}

/** Op 43, "Request Channel Info" (2026): what is short-lived of voice channels, the fields that were asked for. */
function channelInfoJson(guild: GuildView, fields: readonly string[]): string {
  const channels = guild.voiceChannels().map(({ id, status, voiceStartTime }) => ({
    id,
    ...(fields.includes('status') ? { status } : {}),
    ...(fields.includes('voice_start_time') ? { voice_start_time: voiceStartTime } : {}),
  }));
  return JSON.stringify({ guild_id: guild.id, channels });
}
