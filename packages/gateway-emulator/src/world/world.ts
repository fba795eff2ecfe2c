/**
 * A bot's corner of Discord: guilds with channels and a few members, all from a seed, so that two runs see the same.
 * Guild ids follow each other by a millisecond, which spreads them evenly over the shards of any shard count.
 */
import type { Ms, Random } from '@dshard/transport';
import { intents } from '../core/discord.js';
import type { GuildReader, GuildView, MemberView, WorldView } from '../core/world-view.js';
import { pick, seededRandom } from './seeded-random.js';
import { routeOf, snowflake } from './snowflakes.js';

export type User = {
  id: string;
  username: string;
  global_name: string;
  discriminator: '0';
  avatar: null;
  bot: boolean;
  public_flags: 0;
};

export type Channel = { id: string; name: string; position: number; /** Messages so far. */ messages: number };

export type Guild = { id: string; route: number; name: string; ownerId: string; channels: Channel[]; members: User[] };

/** A conversation of one user with the bot. */
export type DirectChannel = { channel: Channel; user: User };

export type WorldOptions = { seed: number; guilds: number };

/** The first millisecond of 2020: when the first guild was made. */
const firstGuildMs = 1_577_836_800_000;
const joinedAt = '2020-06-01T00:00:00.000000+00:00';
const channelNames = ['general', 'random', 'memes', 'support', 'announcements', 'music', 'bots', 'off-topic'];
const userNames = ['ada', 'brook', 'casey', 'dana', 'eli', 'fynn', 'gale', 'harper', 'ira', 'jude', 'kit', 'lane'];
const guildWords = ['Autumn', 'Brass', 'Cobalt', 'Dawn', 'Ember', 'Fjord', 'Granite', 'Harbor'];

export class World implements WorldView {
  /** The bot itself. */
  readonly user: User;
  readonly guilds: readonly Guild[];
  readonly directChannels: readonly DirectChannel[];
  readonly userId: string;
  readonly userJson: string;
  readonly applicationJson: string;
  readonly #byId: ReadonlyMap<string, Guild>;
  /** Guild indices by shard, kept for the last shard count asked for. */
  #sharded: { count: number; byShard: Map<number, Guild[]> } = { count: 0, byShard: new Map() };

  constructor(options: WorldOptions) {
    const random = seededRandom(options.seed);
    this.user = makeUser(firstGuildMs - 1, 0, 'emulated-bot', true);
    this.guilds = Array.from({ length: options.guilds }, (_, index) => makeGuild(random, index));
    this.directChannels = Array.from({ length: 3 }, (_, index) => makeDirectChannel(index));
    this.#byId = new Map(this.guilds.map((guild) => [guild.id, guild]));
    this.userId = this.user.id;
    this.userJson = JSON.stringify({ ...this.user, verified: true, mfa_enabled: true, email: null, flags: 0 });
    this.applicationJson = JSON.stringify({ id: this.user.id, flags: 0 });
  }

  guildIdsOf(shard: number, count: number): string[] {
    return this.guildsOf(shard, count).map((guild) => guild.id);
  }

  guild(id: string): GuildView | null {
    const guild = this.#byId.get(id);
    if (guild === undefined) return null;
    return {
      id,
      route: guild.route,
      createJson: (reader) => JSON.stringify(guildCreate(guild, this.user, reader)),
      members: () => [...guild.members, this.user].map(memberView),
      hasVoiceChannel: () => false,
      soundboardJson: () => '[]',
      voiceChannels: () => [],
    };
  }

  /** The guilds of a shard by Discord's formula. */
  guildsOf(shard: number, count: number): readonly Guild[] {
    if (this.#sharded.count !== count) {
      const byShard = new Map<number, Guild[]>();
      for (const guild of this.guilds) {
        const own = byShard.get(guild.route % count);
        if (own === undefined) byShard.set(guild.route % count, [guild]);
        else own.push(guild);
      }
      this.#sharded = { count, byShard };
    }
    return this.#sharded.byShard.get(shard) ?? [];
  }
}

/** What a member object says beside its user. */
export function memberFields(): Record<string, unknown> {
  return {
    roles: [],
    nick: null,
    avatar: null,
    banner: null,
    joined_at: joinedAt,
    premium_since: null,
    communication_disabled_until: null,
    pending: false,
    deaf: false,
    mute: false,
    flags: 0,
  };
}

function makeUser(ms: Ms, low: number, name: string, bot: boolean): User {
  const id = snowflake(ms, low);
  return { id, username: name, global_name: name, discriminator: '0', avatar: null, bot, public_flags: 0 };
}

function makeGuild(random: Random, index: number): Guild {
  const ms = firstGuildMs + index;
  const id = snowflake(ms, 0);
  const channelCount = 2 + Math.floor(random.next() * 4);
  const memberCount = 3 + Math.floor(random.next() * 4);
  const channels = Array.from({ length: channelCount }, (_, position) => ({
    id: snowflake(ms, 1 + position),
    name: `${pick(random, channelNames)}-${position}`,
    position,
    messages: 0,
  }));
  const members = Array.from({ length: memberCount }, (_, number) =>
    makeUser(ms, 100 + number, `${pick(random, userNames)}${index}-${number}`, false),
  );
  const ownerId = members[0]?.id ?? id;
  return { id, route: routeOf(id), name: `${pick(random, guildWords)} ${index}`, ownerId, channels, members };
}

function makeDirectChannel(index: number): DirectChannel {
  const user = makeUser(firstGuildMs - 2, index, `friend-${index}`, false);
  return {
    user,
    channel: { id: snowflake(firstGuildMs - 3, index), name: `dm-${user.username}`, position: 0, messages: 0 },
  };
}

function memberView(user: User): MemberView {
  return {
    userId: user.id,
    names: [user.username, user.global_name],
    json: () => JSON.stringify({ user, ...memberFields() }),
    presenceJson: () => null,
  };
}

/** The `d` of GUILD_CREATE. Without the GUILD_PRESENCES intent its members are the bot alone ("Gateway Events: Guild Create"). */
function guildCreate(guild: Guild, bot: User, reader: GuildReader): Record<string, unknown> {
  const members = (reader.intents & intents.guildPresences) === 0 ? [bot] : [...guild.members, bot];
  return {
    id: guild.id,
    name: guild.name,
    icon: null,
    splash: null,
    discovery_splash: null,
    banner: null,
    description: null,
    owner_id: guild.ownerId,
    region: 'deprecated',
    afk_channel_id: null,
    afk_timeout: 300,
    system_channel_id: null,
    system_channel_flags: 0,
    rules_channel_id: null,
    public_updates_channel_id: null,
    safety_alerts_channel_id: null,
    verification_level: 0,
    default_message_notifications: 0,
    explicit_content_filter: 0,
    mfa_level: 0,
    nsfw_level: 0,
    nsfw: false,
    premium_tier: 0,
    premium_subscription_count: 0,
    premium_progress_bar_enabled: false,
    preferred_locale: 'en-US',
    vanity_url_code: null,
    application_id: null,
    max_members: 500_000,
    max_video_channel_users: 25,
    features: [],
    emojis: [],
    stickers: [],
    roles: [everyone(guild.id)],
    joined_at: joinedAt,
    large: false,
    unavailable: false,
    member_count: guild.members.length + 1,
    voice_states: [],
    presences: [],
    threads: [],
    stage_instances: [],
    guild_scheduled_events: [],
    soundboard_sounds: [],
    members: members.map((user) => ({ user, ...memberFields() })),
    channels: guild.channels.map(({ id, name, position }) => ({
      id,
      type: 0,
      name,
      position,
      parent_id: null,
      topic: null,
      nsfw: false,
      last_message_id: null,
      rate_limit_per_user: 0,
      permission_overwrites: [],
      flags: 0,
    })),
  };
}

function everyone(guildId: string): Record<string, unknown> {
  return {
    id: guildId,
    name: '@everyone',
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    icon: null,
    unicode_emoji: null,
    position: 0,
    permissions: '2248473465835073',
    managed: false,
    mentionable: false,
    flags: 0,
  };
}
