/**
 * The members and presences of a guild, as many as are to be kept. The bot itself and those in voice channels always
 * are: Discord names them to every bot. Of the others the first to come are the first to go.
 */
import type { Payload, RawGuild } from './raw-guild.js';
import type { ShardState } from './reduce.js';

/** Per guild. */
export type PeopleLimits = { readonly members: number; readonly presences: number };

export const KEEP_ALL: PeopleLimits = { members: Infinity, presences: Infinity };

/** In the shape of any event: some of them say less than others. */
type MemberData = { readonly user: { readonly id: string } };
type PresenceData = { readonly user: { readonly id: string }; readonly status?: string };

export function addMember(guild: RawGuild, member: MemberData, state: ShardState): void {
  const { id } = member.user;
  // Most events name a member that has not changed.
  if (guild.parts.members.get(id) === JSON.stringify(member)) return;
  if (guild.merge('members', id, member)) return;
  guild.put('members', id, member);
  prune(guild, 'members', state);
}

/** Of who is offline nothing is kept. A user whose name has changed is named as a whole. */
export function addPresence(guild: RawGuild, { user, ...presence }: PresenceData, state: ShardState): void {
  const { id, ...renamed } = user;
  if (Object.keys(renamed).length > 0) {
    const before = guild.get('members', id)?.['user'];
    if (before !== undefined) guild.merge('members', id, { user: { ...(before as Payload), ...renamed } });
  }
  const status: string = presence.status ?? 'offline';
  if (status === 'offline') {
    guild.drop('presences', id);
    return;
  }
  guild.put('presences', id, { user: { id }, ...presence });
  prune(guild, 'presences', state);
}

export function prunePeople(guild: RawGuild, state: ShardState): void {
  prune(guild, 'members', state);
  prune(guild, 'presences', state);
}

function prune(guild: RawGuild, part: 'members' | 'presences', { limits, user }: ShardState): void {
  const items = guild.parts[part];
  let tooMany = items.size - limits[part];
  if (tooMany <= 0) return;
  for (const id of items.keys()) {
    if (tooMany <= 0) return;
    if (id === user?.id || guild.parts.voice_states.has(id)) continue;
    guild.drop(part, id);
    tooMany--;
  }
}
