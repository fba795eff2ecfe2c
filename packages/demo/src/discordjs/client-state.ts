/**
 * What the demo's discord.js bot holds: messages counted per guild, which move with the shard, and the caches of its
 * client, guild by guild.
 */
import { cacheTree, type CacheTree } from '@dshard/testkit';
import type { Client, Guild } from 'discord.js';

/** Messages per guild, in memory: what the demo's discord.js bot would lose if it did not move with the shard. */
export type GuildCounts = Readonly<Record<string, number>>;

export class GuildCounters {
  readonly #counts = new Map<string, number>();

  count(guildId: string): number {
    const count = this.of(guildId) + 1;
    this.#counts.set(guildId, count);
    return count;
  }

  of(guildId: string): number {
    return this.#counts.get(guildId) ?? 0;
  }

  take(guildIds: readonly string[]): GuildCounts {
    return Object.fromEntries(guildIds.map((id) => [id, this.of(id)]));
  }

  put(counts: GuildCounts): void {
    for (const [id, count] of Object.entries(counts)) this.#counts.set(id, count);
  }
}

/** What a discord.js client holds, guild by guild, as lines of a file: the bots write theirs, the demo compares. */
export type GuildDump = {
  id: string;
  shard: number;
  counter: number;
  guild: CacheTree;
  /** The users behind the members, as `client.users` has them. */
  users: CacheTree;
  /** Channels of the guild that `client.channels` has, too. */
  channels: CacheTree;
};

export function dumpOf(client: Client, guild: Guild, counters: GuildCounters): GuildDump {
  const user = (id: string): CacheTree => cacheTree(client.users.cache.get(id) ?? {});
  return {
    id: guild.id,
    shard: guild.shardId,
    counter: counters.of(guild.id),
    guild: cacheTree(guild),
    users: Object.fromEntries(guild.members.cache.map((member) => [member.id, user(member.id)])),
    channels: Object.fromEntries(
      guild.channels.cache.map((channel) => [channel.id, client.channels.cache.get(channel.id) === channel]),
    ),
  };
}

/** What there is, without how it is. */
const INVENTORY = ['channels', 'roles', 'members', 'emojis', 'stickers', 'scheduledEvents', 'stageInstances'] as const;

export function inventoryOf(dump: CacheTree): CacheTree {
  const { id = null, shard = null, guild = {}, users = {} } = fieldsOf(dump);
  const parts = fieldsOf(guild);
  return {
    id,
    shard,
    memberCount: parts['memberCount'] ?? null,
    users: namesIn(users),
    ...Object.fromEntries(INVENTORY.map((name) => [name, namesIn(parts[name] ?? {})])),
  };
}

function namesIn(tree: CacheTree): CacheTree {
  return Object.fromEntries(Object.keys(fieldsOf(tree)).map((name) => [name, true]));
}

function fieldsOf(tree: CacheTree): { readonly [key: string]: CacheTree } {
  return typeof tree === 'object' && tree !== null ? tree : {};
}
