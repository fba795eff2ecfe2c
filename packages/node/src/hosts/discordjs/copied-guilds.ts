/**
 * What of a shard's caches has been copied, and what has changed since: so that a frozen shard sends the people who did
 * something, and not everybody who was there. What the bot does to its caches by itself (a fetch, a sweeper) shows in
 * who is in them.
 */
import type { Guild } from 'discord.js';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';
import { hasMessages, type MessageChannel } from './export/structures.js';

/** Events that change nothing of a guild but the people and the channel they name, and what every change sends. */
const ABOUT_PEOPLE =
  /^(?:MESSAGE_|INTERACTION_CREATE|TYPING_START|PRESENCE_UPDATE|VOICE_STATE_UPDATE|GUILD_MEMBER_(?:ADD|UPDATE|REMOVE))/u;

const ABOUT_ITSELF = /^MESSAGE_(?:CREATE|UPDATE|DELETE)$/u;

type Copied = {
  members: ReadonlySet<string>;
  presences: ReadonlySet<string>;
  /** By channel. */
  messages: ReadonlyMap<string, ReadonlySet<string>>;
  others: string;
};

/** Ids of what has to be sent again of a guild that was copied. */
export type GuildChange = {
  members: readonly string[];
  presences: readonly string[];
  channels: readonly string[];
  leftMembers: readonly string[];
  leftPresences: readonly string[];
  messages: readonly MessagesChange[];
};

export type MessagesChange = { channelId: string; ids: readonly string[]; gone: readonly string[] };

type Identified = { id: string };

type Said = {
  id?: string;
  guild_id?: string;
  channel_id?: string;
  message_id?: string;
  /** Of messages deleted in bulk. */
  ids?: readonly string[];
  /** Of an interaction with a component. */
  message?: Identified;
  referenced_message?: Identified | null;
  message_reference?: { channel_id?: string; message_id?: string };
  message_snapshots?: readonly object[];
  thread?: Identified;
  user_id?: string;
  user?: Identified;
  author?: Identified;
  member?: { user?: Identified };
  mentions?: readonly Identified[];
  /** Of an interaction: what its options name. */
  data?: { resolved?: Partial<Record<'users' | 'channels' | 'messages' | 'roles', object>> };
};

export class CopiedGuilds {
  readonly #copied = new Map<string, Copied>();
  /** Who did something and where, by guild: ids of users and channels. */
  readonly #active = new Map<string, Set<string>>();
  /** Messages to which something happened, by channel. */
  readonly #messages = new Map<string, Set<string>>();
  readonly #dirty = new Set<string>();

  /** Call right before the guild, or its change, is copied. */
  copied(guild: Guild): void {
    this.#active.delete(guild.id);
    this.#dirty.delete(guild.id);
    const channels = channelsWithMessages(guild);
    channels.forEach(({ id }) => this.#messages.delete(id));
    this.#copied.set(guild.id, {
      members: new Set(guild.members.cache.keys()),
      presences: new Set(guild.presences.cache.keys()),
      messages: new Map(channels.map(({ id, messages }) => [id, new Set(messages.cache.keys())])),
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
    const { resolved } = said.data ?? {};
    if (!ABOUT_PEOPLE.test(type) || resolved?.roles !== undefined) {
      this.#dirty.add(guildId);
      return;
    }
    const active = this.#active.get(guildId) ?? new Set();
    this.#active.set(guildId, active);
    this.#noteMessages(type, said);
    const { user_id: userId, channel_id: channelId, user, author, member, thread, mentions = [] } = said;
    const named = [user, author, member?.user, thread, ...mentions].map((each) => each?.id);
    const inOptions = [resolved?.users, resolved?.channels].flatMap((each) => Object.keys(each ?? {}));
    for (const id of [userId, channelId, ...named, ...inOptions]) {
      if (id !== undefined) active.add(id);
    }
  }

  /** What discord.js puts into its caches of messages, or changes there. */
  #noteMessages(type: string, said: Said): void {
    const { message_id: messageId, referenced_message: repliedTo, message_reference: reference } = said;
    const itself = ABOUT_ITSELF.test(type) ? said.id : undefined;
    const resolved = Object.keys(said.data?.resolved?.messages ?? {});
    // In the order in which they get into a cache: the first is the first that it drops.
    this.#note(said.channel_id, [repliedTo?.id, itself, messageId, said.message?.id, ...(said.ids ?? []), ...resolved]);
    if (said.message_snapshots !== undefined) this.#note(reference?.channel_id, [reference?.message_id]);
  }

  #note(channelId: string | undefined, ids: readonly (string | undefined)[]): void {
    if (channelId !== undefined) {
      const named = this.#messages.get(channelId) ?? new Set();
      this.#messages.set(channelId, named);
      for (const id of ids) {
        if (id !== undefined) named.add(id);
      }
    }
  }

  /** What has to be sent again of a guild; `none` or the `whole` of it, if it is not a part. */
  changeOf(guild: Guild): GuildChange | 'none' | 'whole' {
    const before = this.#copied.get(guild.id);
    const active = this.#active.get(guild.id);
    if (before === undefined || this.#dirty.has(guild.id) || !guild.available || before.others !== sizesOf(guild)) {
      return 'whole';
    }
    const { members, presences, channels } = guild;
    const [moreMembers, leftMembers] = difference(before.members, members.cache);
    const [morePresences, leftPresences] = difference(before.presences, presences.cache);
    const messages = this.#messagesOf(guild, before.messages);
    const same = [moreMembers, leftMembers, morePresences, leftPresences, messages].every((ids) => ids.length === 0);
    if (same && active === undefined) {
      return 'none';
    }
    const ofThose = (more: readonly string[], cache: ReadonlyMap<string, unknown>): readonly string[] =>
      [...new Set([...more, ...(active ?? [])])].filter((id) => cache.has(id));
    return {
      members: ofThose(moreMembers, members.cache),
      presences: ofThose(morePresences, presences.cache),
      channels: ofThose([], channels.cache),
      leftMembers,
      leftPresences,
      messages,
    };
  }

  /**
   * Those that events named, and those that are gone. One that the bot fetched is sent with the whole guild only: of a
   * message that it knows by then discord.js would not emit the messageCreate that the frozen shard has not handed
   * over.
   */
  #messagesOf(guild: Guild, before: Copied['messages']): readonly MessagesChange[] {
    return channelsWithMessages(guild).flatMap(({ id: channelId, messages: { cache } }) => {
      const named = this.#messages.get(channelId);
      const copied = before.get(channelId) ?? new Set<string>();
      // A full cache drops its first; whoever else is dropped is fewer.
      if (named === undefined && copied.size === cache.size && first(copied) === first(cache)) {
        return [];
      }
      const ids = [...(named ?? [])].filter((id) => cache.has(id));
      const gone = [...copied].filter((id) => !cache.has(id));
      return ids.length + gone.length > 0 ? [{ channelId, ids, gone }] : [];
    });
  }
}

export function channelsWithMessages(guild: Guild): readonly MessageChannel[] {
  return [...guild.channels.cache.values()].filter(hasMessages);
}

function first(ids: { keys(): Iterator<string> }): string | undefined {
  return ids.keys().next().value;
}

/**
 * Who is in `now` and was not before, and the other way round. Of every member while the shard is frozen: nothing is
 * made for those who stayed.
 */
function difference(before: ReadonlySet<string>, now: ReadonlyMap<string, unknown>): [more: string[], left: string[]] {
  const more: string[] = [];
  for (const id of now.keys()) {
    if (!before.has(id)) more.push(id);
  }
  // As many as before, and nobody is new: nobody has left.
  const left = now.size - more.length === before.size ? [] : [...before].filter((id) => !now.has(id));
  return [more, left];
}

/** Of the caches that only change with the whole guild. */
function sizesOf({ channels, roles, emojis, stickers, stageInstances, scheduledEvents }: Guild): string {
  const parts = [channels, roles, emojis, stickers, stageInstances, scheduledEvents];
  return parts.map((part) => part?.cache.size).join();
}
