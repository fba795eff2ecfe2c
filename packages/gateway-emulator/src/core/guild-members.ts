/**
 * Op 8, "Request Guild Members": answered by GUILD_MEMBERS_CHUNK, 1000 members in each. All members need the GUILD_MEMBERS intent and
 * are given out once per guild, bot and 30 s, then RATE_LIMITED says when to ask again (change log, 14 August 2025). By prefix or by id
 * there are at most 100. Presences need GUILD_PRESENCES.
 */
import type { Ms } from '@dshard/transport';
import type { MembersRequest } from './client-requests.js';
import { maxMembersAsked } from './client-requests.js';
import { intents, opcodes } from './discord.js';
import { answer, wants } from './dispatch.js';
import type { Effect } from './effects.js';
import type { Connection, GatewayState, Session } from './state.js';
import { recordViolation } from './violations.js';
import type { GuildView, MemberView } from './world-view.js';

const chunkSize = 1_000;

export function requestMembers(
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
