/**
 * A bot's corner of Discord: guilds and all that is in them, from a seed, so that two runs see the same. Of any size: a
 * guild is made when somebody looks at it and forgotten when many others were made since; what happened in it stays.
 */
import type { WorldView } from '../core/world-view.js';
import { Guild, type GuildChanges } from './guild.js';
import { firstGuildMs, guildIndexOf, idIn, routeOfGuild, snowflake } from './snowflakes.js';
import { botUser, defaultBotId, makeUser, type User } from './users.js';

/** A conversation of one user with the bot. */
export type DirectChannel = { id: string; name: string; user: User };

export type WorldOptions = {
  seed: number;
  guilds: number;
  /** Members per guild in the beginning, beside the bot. */
  members?: number;
  /** The bot's user id; null: one of our own. */
  botId?: string | null;
};

const defaultMembers = 5;
const directChannelCount = 3;
/** Made guilds that are kept at hand. One is about 6 kB. */
const keptGuilds = 8_192;
/** GATEWAY_PRESENCE_LIMITED, GATEWAY_GUILD_MEMBERS_LIMITED, GATEWAY_MESSAGE_CONTENT_LIMITED. */
const applicationFlags = (1 << 13) | (1 << 15) | (1 << 19);
const unchanged = (): GuildChanges => ({
  joined: new Map(),
  left: new Set(),
  returned: new Map(),
  voice: new Map(),
  status: new Map(),
  profiles: new Map(),
  parts: null,
  settings: {},
  made: 0,
  peopleVersion: 0,
});
const noChanges = unchanged();

export class World implements WorldView {
  /** The bot itself. */
  readonly user: User;
  readonly guildCount: number;
  readonly directChannels: readonly DirectChannel[];
  readonly userId: string;
  readonly userJson: string;
  readonly applicationId: string;
  readonly applicationJson: string;
  readonly #options: Required<Omit<WorldOptions, 'botId'>>;
  /** In the order they were made: the oldest goes first. */
  readonly #kept = new Map<number, Guild>();
  readonly #changes = new Map<number, GuildChanges>();
  /** By channel: messages so far, and the id of the last. */
  readonly #messages = new Map<string, { count: number; lastId: string }>();

  constructor(options: WorldOptions) {
    this.#options = { ...options, members: options.members ?? defaultMembers };
    this.user = botUser(options.botId ?? defaultBotId);
    this.userId = this.user.id;
    this.guildCount = options.guilds;
    this.directChannels = Array.from({ length: directChannelCount }, (_, index) => makeDirectChannel(index));
    this.userJson = JSON.stringify({ ...this.user, verified: true, mfa_enabled: true, email: null, flags: 0 });
    this.applicationId = this.user.id;
    this.applicationJson = JSON.stringify({ id: this.applicationId, flags: applicationFlags });
  }

  /** The guild of a number from 0 to `guildCount - 1`. Throws RangeError for others. */
  guildAt(index: number): Guild {
    if (!Number.isInteger(index) || index < 0 || index >= this.guildCount) {
      throw new RangeError(`There is no guild ${index} in a world of ${this.guildCount}.`);
    }
    const known = this.#kept.get(index);
    if (known !== undefined) return known;
    const { seed, members } = this.#options;
    const guild = new Guild(
      { seed, index, members, bot: this.user },
      {
        changesOf: (change) => this.#changesOf(index, change),
        written: (channelId) => this.#messages.get(channelId) ?? null,
      },
    );
    this.#kept.set(index, guild);
    if (this.#kept.size > keptGuilds) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return guild;
  }

  guild(id: string): Guild | null {
    const guild = this.guildOf(id);
    return guild?.id === id ? guild : null;
  }

  /** The guild that a channel, role, member, … belongs to by its id. */
  guildOf(id: string): Guild | null {
    if (!/^\d{1,20}$/.test(id)) return null;
    const index = guildIndexOf(id);
    return index >= 0 && index < this.guildCount ? this.guildAt(index) : null;
  }

  /** A guild's channel or thread. */
  channel(id: string): { guild: Guild; channel: NonNullable<ReturnType<Guild['channel']>> } | null {
    const guild = this.guildOf(id);
    const channel = guild?.channel(id) ?? null;
    return guild === null || channel === null ? null : { guild, channel };
  }

  directChannel(id: string): DirectChannel | null {
    return this.directChannels.find((direct) => direct.id === id) ?? null;
  }

  guildIdsOf(shard: number, count: number): string[] {
    return [...this.#indicesOf(shard, count)].map((index) => idIn(index, 'guild'));
  }

  /** The guilds of a shard by Discord's formula. */
  *guildsOf(shard: number, count: number): Generator<Guild> {
    for (const index of this.#indicesOf(shard, count)) yield this.guildAt(index);
  }

  /** Counts a message in a channel: 1, 2, 3, … */
  nextMessageNumber(channelId: string, id: string): number {
    const known = this.#messages.get(channelId);
    if (known === undefined) {
      this.#messages.set(channelId, { count: 1, lastId: id });
      return 1;
    }
    known.count += 1;
    known.lastId = id;
    return known.count;
  }

  /** The id of a channel's newest message; null before the first. */
  lastMessageId(channelId: string): string | null {
    return this.#messages.get(channelId)?.lastId ?? null;
  }

  /** Guilds that differ from their beginning, and made guilds at hand: what the world costs. */
  footprint(): { changed: number; kept: number } {
    return { changed: this.#changes.size, kept: this.#kept.size };
  }

  *#indicesOf(shard: number, count: number): Generator<number> {
    const first = (((shard - routeOfGuild(0)) % count) + count) % count;
    for (let index = first; index < this.guildCount; index += count) yield index;
  }

  #changesOf(index: number, change: boolean): GuildChanges {
    const known = this.#changes.get(index);
    if (known !== undefined || !change) return known ?? noChanges;
    const changes = unchanged();
    this.#changes.set(index, changes);
    return changes;
  }
}

function makeDirectChannel(index: number): DirectChannel {
  const user = makeUser(snowflake(firstGuildMs - 2, index), `friend-${index}`);
  return { id: snowflake(firstGuildMs - 3, index), name: `dm-${user.username}`, user };
}
