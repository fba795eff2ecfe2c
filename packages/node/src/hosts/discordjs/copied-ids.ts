/**
 * Who of a guild that is shown came from its origin: when the origin sends the guild again, whoever is not sent again
 * has left. Whom the bot fetched here meanwhile is not among them, and stays.
 */
import type { Guild } from 'discord.js';
import { channelsWithMessages } from './copied-guilds.js';

type Ids = Map<string, Set<string>>;

export class CopiedIds {
  /** By guild. */
  readonly #members: Ids = new Map();
  readonly #presences: Ids = new Map();
  /** By channel. */
  readonly #messages: Ids = new Map();
  /** Of guilds that are being sent again: those who were not yet. */
  readonly #missing = new Map<string, { guild: Guild; members: Set<string>; presences: Set<string> }>();

  /** All that is there came from the origin. */
  began(guild: Guild): void {
    add(this.#members, guild.id, guild.members.cache.keys());
    add(this.#presences, guild.id, guild.presences.cache.keys());
    for (const { id, messages } of channelsWithMessages(guild)) add(this.#messages, id, messages.cache.keys());
  }

  /** It is sent again, with everybody. */
  again(guild: Guild): void {
    const members = this.#members.get(guild.id) ?? new Set();
    const presences = this.#presences.get(guild.id) ?? new Set();
    this.#missing.set(guild.id, { guild, members: new Set(members), presences: new Set(presences) });
    for (const { id, messages } of channelsWithMessages(guild)) {
      this.#messages.get(id)?.forEach((messageId) => messages.cache.delete(messageId));
      this.#messages.delete(id);
    }
  }

  people(guildId: string, memberIds: readonly string[], presenceIds: readonly string[]): void {
    add(this.#members, guildId, memberIds);
    add(this.#presences, guildId, presenceIds);
    const missing = this.#missing.get(guildId);
    memberIds.forEach((id) => missing?.members.delete(id));
    presenceIds.forEach((id) => missing?.presences.delete(id));
  }

  messages(channelId: string, ids: readonly string[]): void {
    add(this.#messages, channelId, ids);
  }

  /** All was sent. */
  ended(): void {
    for (const { guild, members, presences } of this.#missing.values()) {
      members.forEach((id) => guild.members.cache.delete(id));
      presences.forEach((id) => guild.presences.cache.delete(id));
    }
    this.#missing.clear();
  }
}

function add(to: Ids, key: string, ids: Iterable<string>): void {
  const known = to.get(key) ?? new Set();
  to.set(key, known);
  for (const id of ids) known.add(id);
}
