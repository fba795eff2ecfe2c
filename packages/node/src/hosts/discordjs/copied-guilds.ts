/**
 * What of a shard's caches has been copied, and what has changed since: so that a frozen shard sends the people who did something, and not
 * everybody who was there. What the bot does to its caches by itself (a fetch, a sweeper) shows in who is in them.
 */
import type { Guild } from 'discord.js';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';

/** Events that change nothing of a guild but the people they name, and what is sent again with every change. */
const ABOUT_PEOPLE =
  /^(?:MESSAGE_|INTERACTION_CREATE|TYPING_START|PRESENCE_UPDATE|VOICE_STATE_UPDATE|GUILD_MEMBER_(?:ADD|UPDATE|REMOVE))/u;

type People = { members: ReadonlySet<string>; presences: ReadonlySet<string>; others: string };

/** `whole`: everything of the guild has to be sent again. */
export type GuildChange = {
  whole: boolean;
  members: readonly string[];
  presences: readonly string[];
  leftMembers: readonly string[];
  leftPresences: readonly string[];
};

type Said = {
  id?: string;
  guild_id?: string;
  user_id?: string;
  user?: { id: string };
  author?: { id: string };
  member?: { user?: { id: string } };
  mentions?: readonly { id: string }[];
};

export class CopiedGuilds {
  readonly #copied = new Map<string, People>();
  /** Who did something, by guild. */
  readonly #active = new Map<string, Set<string>>();
  readonly #dirty = new Set<string>();

  /** Call right before the guild is copied. */
  copied(guild: Guild): void {
    this.#copied.set(guild.id, {
      members: new Set(guild.members.cache.keys()),
      presences: new Set(guild.presences.cache.keys()),
      others: sizesOf(guild),
    });
  }

  /** An event of the shard was handed over. */
  happened({ t: type, d: data }: Pick<GatewayDispatchPayload, 't' | 'd'>): void {
    const said = (data ?? {}) as Said;
    const guildId = said.guild_id ?? (type.startsWith('GUILD_') ? said.id : undefined);
    if (guildId === undefined) {
      return;
    }
    if (!ABOUT_PEOPLE.test(type)) {
      this.#dirty.add(guildId);
      return;
    }
    const active = this.#active.get(guildId) ?? new Set();
    this.#active.set(guildId, active);
    const { user_id: userId, user, author, member, mentions = [] } = said;
    for (const id of [userId, user?.id, author?.id, member?.user?.id, ...mentions.map((each) => each.id)]) {
      if (id !== undefined) active.add(id);
    }
  }

  /** What has to be sent again of a guild; null: nothing. */
  changeOf(guild: Guild): GuildChange | null {
    const before = this.#copied.get(guild.id);
    const active = this.#active.get(guild.id);
    const whole = before === undefined || this.#dirty.has(guild.id) || !guild.available;
    const { members, presences } = guild;
    const [moreMembers, leftMembers] = difference(before?.members, members.cache);
    const [morePresences, leftPresences] = difference(before?.presences, presences.cache);
    const same = [moreMembers, leftMembers, morePresences, leftPresences].every((ids) => ids.length === 0);
    if (!whole && same && active === undefined && before.others === sizesOf(guild)) {
      return null;
    }
    const ofThose = (more: readonly string[], cache: ReadonlyMap<string, unknown>): readonly string[] =>
      [...new Set([...more, ...(active ?? [])])].filter((id) => cache.has(id));
    return {
      whole,
      members: ofThose(moreMembers, members.cache),
      presences: ofThose(morePresences, presences.cache),
      leftMembers,
      leftPresences,
    };
  }
}

/** Who is in `now` and was not before, and the other way round. */
function difference(
  before: ReadonlySet<string> | undefined,
  now: ReadonlyMap<string, unknown>,
): [more: string[], left: string[]] {
  const more = [...now.keys()].filter((id) => before?.has(id) !== true);
  const left = [...(before ?? [])].filter((id) => !now.has(id));
  return [more, left];
}

/** Of the caches that are sent as one. */
function sizesOf({ channels, roles, emojis, stickers, voiceStates, stageInstances, scheduledEvents }: Guild): string {
  const parts = [channels, roles, emojis, stickers, voiceStates, stageInstances, scheduledEvents];
  return parts.map((part) => part?.cache.size).join();
}
