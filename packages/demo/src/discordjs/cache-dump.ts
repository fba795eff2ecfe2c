/** What a discord.js client holds, guild by guild, as lines of a file: the bots write theirs, the demo compares. */
import { cacheTree, type CacheTree } from '@dshard/testkit';
import type { Client, Guild } from 'discord.js';
import type { GuildCounters } from './guild-counters.js';

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
