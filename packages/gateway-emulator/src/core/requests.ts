/**
 * Carries out what an identified client asks for. A guild that the session does not have, or that is in an outage, is
 * answered by nothing (not documented).
 */
import type { Ms } from '@dshard/transport';
import { maxMembersAsked, type ClientRequest, type MembersRequest } from './client-requests.js';
import { intents, opcodes } from './discord.js';
import { answer, wants } from './dispatch.js';
import { recordViolation, type Effect } from './effects.js';
import type { Connection, GatewayState, Session } from './state.js';
import { updateVoiceState } from './voice.js';
import type { GuildView, MemberView } from './world-view.js';

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

/**
 * Op 8, "Request Guild Members": answered by GUILD_MEMBERS_CHUNK, 1000 members in each. All members need the
 * GUILD_MEMBERS intent and are given out once per guild, bot and 30 s, then RATE_LIMITED says when to ask again (change
 * log, 14 August 2025). By prefix or by id there are at most 100. Presences need GUILD_PRESENCES.
 */
const chunkSize = 1_000;

function requestMembers(
  state: GatewayState,
  connection: Connection,
  session: Session,
  guild: GuildView,
  request: MembersRequest,
  now: Ms,
  out: Effect[],
): void {
  const { wanted } = request;
  if ('query' in wanted && wanted.query === '' && wanted.limit === 0) {
    if (!wants(session, intents.guildMembers)) {
      // What Discord answers is not documented; libraries are seen to wait in vain.
      const message = `All members of guild ${guild.id} were asked for without the GUILD_MEMBERS intent: there is no answer.`;
      recordViolation(connection, 'request-without-intent', message, now, out);
      return;
    }
    if (!allMembersWelcome(state, connection, session, request, now, out)) return;
  }
  const members = select(guild, wanted);
  const found = new Set(members.map(({ userId }) => userId));
  const notFound = 'userIds' in wanted ? wanted.userIds.filter((id) => !found.has(id)) : [];
  const count = Math.max(1, Math.ceil(members.length / chunkSize));
  for (let index = 0; index < count; index += 1) {
    const chunk = members.slice(index * chunkSize, (index + 1) * chunkSize);
    const fixed = JSON.stringify({
      guild_id: guild.id,
      chunk_index: index,
      chunk_count: count,
      ...(notFound.length === 0 ? {} : { not_found: notFound }),
      ...(request.nonce === null ? {} : { nonce: request.nonce }),
    });
    const presences =
      request.presences && wants(session, intents.guildPresences) ? `,"presences":[${presencesOf(chunk)}]` : '';
    const list = chunk.map((member) => member.json()).join(',');
    answer(session, 'GUILD_MEMBERS_CHUNK', `${fixed.slice(0, -1)},"members":[${list}]${presences}}`, out);
  }
}

function select(guild: GuildView, wanted: MembersRequest['wanted']): readonly MemberView[] {
  if ('userIds' in wanted) return [...new Set(wanted.userIds)].flatMap((userId) => guild.memberView(userId) ?? []);
  const members = guild.members();
  const { query, limit } = wanted;
  if (query === '') return limit === 0 ? members : members.slice(0, Math.min(limit, maxMembersAsked));
  const prefix = query.toLowerCase();
  const matching = members.filter(({ names }) => names.some((name) => name.toLowerCase().startsWith(prefix)));
  return matching.slice(0, limit === 0 ? maxMembersAsked : Math.min(limit, maxMembersAsked));
}

function presencesOf(members: readonly MemberView[]): string {
  return members.flatMap((member) => member.presenceJson() ?? []).join(',');
}

function allMembersWelcome(
  state: GatewayState,
  connection: Connection,
  session: Session,
  { guildId, nonce }: MembersRequest,
  now: Ms,
  out: Effect[],
): boolean {
  const welcomeAt = state.membersWelcomeAt.get(guildId) ?? now;
  if (now >= welcomeAt) {
    state.membersWelcomeAt.set(guildId, now + state.rules.membersPeriodMs);
    return true;
  }
  const message = `All members of guild ${guildId} were asked for ${Math.ceil(welcomeAt - now)} ms too early.`;
  recordViolation(connection, 'members-too-early', message, now, out);
  const meta = { guild_id: guildId, ...(nonce === null ? {} : { nonce }) };
  const limited = { opcode: opcodes.requestGuildMembers, retry_after: (welcomeAt - now) / 1000, meta };
  answer(session, 'RATE_LIMITED', JSON.stringify(limited), out);
  return false;
}
