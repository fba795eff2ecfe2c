/**
 * A shard's caches on their way to another process: in parts, each small enough for a frame and quick to write, so that neither
 * the event loop nor the connection is held up. The last part names the guilds there are, so that a copy can be known to be whole.
 *
 * Only what is in the caches travels, so the bot's own makeCache and sweepers decide how much that is.
 */
import type { Client, Guild } from 'discord.js';
import type { GuildChange } from './copied-guilds.js';
import { isThread, threadMemberPayload } from './export/channels.js';
import { guildPayload } from './export/guild.js';
import type { Payload } from './export/fields.js';
import { clientUserPayload, memberPayload, presencePayload } from './export/people.js';

/** Raised when parts mean something else than before. */
export const STATE_FORMAT = 1;

const MEMBERS_PER_PART = 500;

export type GuildPart = {
  kind: 'guild';
  guild: Payload & { id: string };
  /** By thread. */
  threadMembers: Readonly<Record<string, readonly Payload[]>>;
  /** It was sent before: its people stay as they were but for these, who are gone, and those that follow. */
  again?: { leftMembers: readonly string[]; leftPresences: readonly string[] };
};

export type MembersPart = {
  kind: 'members';
  guildId: string;
  members: readonly Payload[];
  presences: readonly Payload[];
};

export type StatePart =
  | { kind: 'session'; format: number; user: Payload; application: Payload }
  | GuildPart
  | MembersPart
  /** Discord has told us of the guild, and that it is not available. */
  | { kind: 'unavailable'; guildId: string }
  | { kind: 'done'; guildIds: readonly string[] };

export function encodePart(part: StatePart): Uint8Array {
  return Buffer.from(JSON.stringify(part));
}

export function decodePart(bytes: Uint8Array): StatePart {
  return JSON.parse(Buffer.from(bytes).toString()) as StatePart;
}

/** null before the client's first READY. */
export function sessionPart({ user, application }: Client): StatePart | null {
  return user === null || application === null
    ? null
    : {
        kind: 'session',
        format: STATE_FORMAT,
        user: clientUserPayload(user),
        application: { id: application.id, flags: application.flags?.bitfield },
      };
}

/** The parts of one guild, each made when it is asked for. `change`: it was sent before, and this is what has changed. */
export function* guildParts(guild: Guild, change: GuildChange | null = null): Generator<StatePart> {
  if (!guild.available) {
    yield { kind: 'unavailable', guildId: guild.id };
    return;
  }
  const threadMembers: Record<string, readonly Payload[]> = {};
  for (const channel of guild.channels.cache.values()) {
    if (isThread(channel) && channel.members.cache.size > 0) {
      threadMembers[channel.id] = channel.members.cache.map(threadMemberPayload);
    }
  }
  const again = change !== null && !change.whole ? change : undefined;
  const { leftMembers = [], leftPresences = [] } = again ?? {};
  yield {
    kind: 'guild',
    guild: { ...guildPayload(guild), id: guild.id },
    threadMembers,
    ...(again && { again: { leftMembers, leftPresences } }),
  };
  const wanted = again && { members: new Set(again.members), presences: new Set(again.presences) };
  const members = [...guild.members.cache.values()].filter(({ id }) => wanted?.members.has(id) ?? true);
  const presences = [...guild.presences.cache.values()].filter(({ userId }) => wanted?.presences.has(userId) ?? true);
  for (let from = 0; from < Math.max(members.length, presences.length); from += MEMBERS_PER_PART) {
    yield {
      kind: 'members',
      guildId: guild.id,
      members: members.slice(from, from + MEMBERS_PER_PART).map(memberPayload),
      presences: presences.slice(from, from + MEMBERS_PER_PART).map(presencePayload),
    };
  }
}
