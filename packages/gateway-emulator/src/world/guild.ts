/**
 * One guild: what the seed says of it, and what has happened since. The generated half is made anew whenever it is
 * needed; only the changes are kept, so that a world of any size costs memory for what happened in it, not for what is
 * in it.
 */
import type { Random } from '@dshard/transport';
import type { APIGuild, APIVoiceState, GatewayPresenceUpdate } from 'discord-api-types/v10';
import type { GuildReader, GuildView, MemberView, OwnVoiceState } from '../core/world-view.js';
import { guildCreateJson, voiceStateJson } from './guild-create.js';
import { idIn, memberNumberOf, routeOfGuild } from './snowflakes.js';
import type { GuildChannel, GuildParts } from './guild-parts.js';
import { channelTypes, guildChannels, guildParts, rolesOfMembers } from './guild-parts.js';
import { pick } from './chance.js';
import type { Member, Status, User } from './users.js';
import { generatedMember, generatedStatus, joinedAt, memberJson, presenceJson } from './users.js';

/** What differs from the beginning. Bounded: who joined can only leave again, all others are the guild's own. */
export type GuildChanges = {
  /** Members that came later, by user id. */
  readonly joined: Map<string, Member>;
  /** Numbers of generated members that left. */
  readonly left: Set<number>;
  /** When generated members that had left came back. */
  readonly returned: Map<number, string>;
  /** Where users are, by user id; null: in no voice channel. */
  readonly voice: Map<string, string | null>;
  readonly status: Map<string, Status>;
  /** Nicknames and roles that members were given, by user id. */
  readonly profiles: Map<string, Profile>;
  /** All parts, when one of them was changed. */
  parts: GuildParts | null;
  /** What was set of the guild itself. */
  settings: Partial<APIGuild>;
  /** How many parts were made since the beginning. */
  made: number;
  /** Grows whenever what is sent of members may have changed. */
  peopleVersion: number;
};

export type Profile = { nick?: string | null; roles?: readonly string[] };

export type GuildSeed = { seed: number; index: number; members: number; bot: User };

/** What the world knows of its guilds, beside what the seed says. */
export type GuildHistory = {
  /** What differs in the guild: to read, or to change. */
  readonly changesOf: (change: boolean) => GuildChanges;
  /** Messages so far in a channel, and the id of the last; null before the first. */
  readonly written: (channelId: string) => { count: number; lastId: string } | null;
};

export class Guild implements GuildView {
  readonly index: number;
  readonly id: string;
  readonly route: number;
  readonly #made: GuildSeed;
  readonly #changesOf: GuildHistory['changesOf'];
  /** As `GuildHistory` has it. */
  readonly written: GuildHistory['written'];
  #channels: readonly GuildChannel[] | null = null;
  #textChannels: { of: readonly GuildChannel[]; channels: readonly GuildChannel[] } | null = null;
  #beginning: GuildParts | null = null;
  #roles: { members: string[]; bot: string[] } | null = null;

  constructor(made: GuildSeed, { changesOf, written }: GuildHistory) {
    const { index } = made;
    this.#made = made;
    this.#changesOf = changesOf;
    this.written = written;
    this.index = index;
    this.id = idIn(index, 'guild');
    this.route = routeOfGuild(index);
  }

  get channels(): readonly GuildChannel[] {
    return this.#changesOf(false).parts?.channels ?? this.#firstChannels;
  }

  get #firstChannels(): readonly GuildChannel[] {
    this.#channels ??= guildChannels(this.#made.seed, this.index);
    return this.#channels;
  }

  /** Where people write: text channels in their order. */
  get textChannels(): readonly GuildChannel[] {
    const of = this.channels;
    if (this.#textChannels?.of !== of) {
      this.#textChannels = { of, channels: of.filter(({ type }) => type === channelTypes.text) };
    }
    return this.#textChannels.channels;
  }

  get parts(): GuildParts {
    return this.#changesOf(false).parts ?? this.beginning;
  }

  /** The parts as the seed made them, whatever has happened since. */
  get beginning(): GuildParts {
    const { ownerId } = this;
    const channels = this.#firstChannels;
    this.#beginning ??= guildParts(this.#made.seed, this.index, { channels, ownerId, botId: this.#made.bot.id });
    return this.#beginning;
  }

  /** What was set of the guild itself since the beginning. */
  get settings(): Partial<APIGuild> {
    return this.#changesOf(false).settings;
  }

  get peopleVersion(): number {
    return this.#changesOf(false).peopleVersion;
  }

  /** Puts these parts into the place of those there are. */
  edit(parts: Partial<GuildParts>): void {
    const changes = this.#changesOf(true);
    changes.parts = { ...this.parts, ...parts };
    changes.peopleVersion += 1;
  }

  set(settings: Partial<APIGuild>): void {
    const changes = this.#changesOf(true);
    changes.settings = { ...changes.settings, ...settings };
  }

  setProfile(userId: string, profile: Profile): void {
    const changes = this.#changesOf(true);
    changes.profiles.set(userId, { ...changes.profiles.get(userId), ...profile });
    changes.peopleVersion += 1;
  }

  /** The id of a part that is made now. */
  nextPartId(): string {
    const changes = this.#changesOf(true);
    changes.made += 1;
    return idIn(this.index, 'later', changes.made);
  }

  /** Of ordinary members, and the bot's own. */
  get roles(): { members: string[]; bot: string[] } {
    this.#roles ??= rolesOfMembers(this.index);
    return this.#roles;
  }

  get ownerId(): string {
    const { index, members, bot } = this.#made;
    return members > 0 ? idIn(index, 'member', 0) : bot.id;
  }

  /** Members in the beginning, beside the bot. */
  get generatedCount(): number {
    return this.#made.members;
  }

  get name(): string {
    return this.settings.name ?? this.parts.name;
  }

  /** The bot included. */
  get memberCount(): number {
    const { joined, left } = this.#changesOf(false);
    return this.#made.members - left.size + joined.size + 1;
  }

  get botMember(): Member {
    return this.#asSet({ user: this.#made.bot, nick: null, roles: this.roles.bot, joinedAt });
  }

  /** The generated member of this number, whether or not it is still here. */
  generated(number: number): Member {
    const member = generatedMember(this.#made.seed, this.index, number, this.roles.members);
    const returnedAt = this.#changesOf(false).returned.get(number);
    return this.#asSet(returnedAt === undefined ? member : { ...member, joinedAt: returnedAt });
  }

  /** Numbers of the generated members that are still here, of the first `among`. */
  presentNumbers(among: number = this.#made.members): number[] {
    const { left } = this.#changesOf(false);
    const count = Math.min(among, this.#made.members);
    return Array.from({ length: count }, (_, number) => number).filter((number) => !left.has(number));
  }

  /** One of those numbers, by chance; null when all have left. */
  drawPresent(random: Random, among: number): number | null {
    const { left } = this.#changesOf(false);
    const count = Math.min(among, this.#made.members);
    if (left.size === 0) return count === 0 ? null : Math.floor(random.next() * count);
    const present = this.presentNumbers(among);
    return present.length === 0 ? null : pick(random, present);
  }

  member(userId: string): Member | null {
    if (userId === this.#made.bot.id) return this.botMember;
    const { joined, left } = this.#changesOf(false);
    const later = joined.get(userId);
    if (later !== undefined) return this.#asSet(later);
    const number = this.#generatedNumber(userId);
    return number === null || left.has(number) ? null : this.generated(number);
  }

  /** Who of the beginning has this id, here or gone; null for others. */
  generatedById(userId: string): Member | null {
    const number = this.#generatedNumber(userId);
    return number === null ? null : this.generated(number);
  }

  /** Members that came later, in the order they came. */
  newcomers(): readonly Member[] {
    return [...this.#changesOf(false).joined.values()].map((member) => this.#asSet(member));
  }

  /** All of them, one after the other; the bot comes last. */
  *allMembers(): Generator<Member> {
    for (const number of this.presentNumbers()) yield this.generated(number);
    yield* this.newcomers();
    yield this.botMember;
  }

  join(member: Member): void {
    const changes = this.#changesOf(true);
    const { joined, left, returned, status, voice } = changes;
    changes.peopleVersion += 1;
    const { id } = member.user;
    const number = this.#generatedNumber(id);
    if (number === null) joined.set(id, member);
    else if (left.delete(number)) returned.set(number, member.joinedAt);
    // Nobody is told that they are online.
    status.set(id, 'offline');
    voice.set(id, null);
  }

  /** False when nobody of that id was here. The bot does not leave. */
  leave(userId: string): boolean {
    if (userId === this.#made.bot.id || this.member(userId) === null) return false;
    const { joined, left, status, voice, profiles } = this.#changesOf(true);
    if (!joined.delete(userId)) left.add(memberNumberOf(userId));
    voice.delete(userId);
    status.delete(userId);
    profiles.delete(userId);
    return true;
  }

  status(userId: string): Status {
    if (userId === this.#made.bot.id) return 'online';
    const number = memberNumberOf(userId);
    const { joined, status } = this.#changesOf(false);
    return (
      status.get(userId) ?? (joined.has(userId) ? 'offline' : generatedStatus(this.#made.seed, this.index, number))
    );
  }

  setStatus(userId: string, status: Status): void {
    this.#changesOf(true).status.set(userId, status);
  }

  presence(userId: string): GatewayPresenceUpdate {
    return presenceJson(this.id, userId, this.status(userId), memberNumberOf(userId));
  }

  /** The channel somebody talks in; null: none. In the beginning two members are in the lounge and one is on stage. */
  voiceChannelOf(userId: string): string | null {
    const moved = this.#changesOf(false).voice.get(userId);
    if (moved !== undefined) return moved;
    const number = memberNumberOf(userId);
    if (this.member(userId) === null) return null;
    const first = this.#firstChannels.filter(isVoiceChannel);
    if (number === 1 || number === 2) return first[0]?.id ?? null;
    return number === 3 ? (first[1]?.id ?? null) : null;
  }

  setVoiceChannel(userId: string, channelId: string | null): void {
    this.#changesOf(true).voice.set(userId, channelId);
  }

  voiceChannelIds(): string[] {
    return this.channels.filter(isVoiceChannel).map(({ id }) => id);
  }

  voiceStates(): APIVoiceState[] {
    const first = [1, 2, 3].map((number) => idIn(this.index, 'member', number));
    const users = new Set([...first, ...this.#changesOf(false).voice.keys()]);
    return [...users].flatMap((userId) => {
      const channelId = this.voiceChannelOf(userId);
      return channelId === null ? [] : [voiceStateJson(this, userId, channelId)];
    });
  }

  channel(id: string): GuildChannel | GuildParts['threads'][number] | null {
    return [...this.channels, ...this.parts.threads].find((channel) => channel.id === id) ?? null;
  }

  /** As `GET /guilds/<id>` has it. */
  json(): APIGuild {
    return guildCreateJson(this, { intents: 0, largeThreshold: 0 }).guild;
  }

  createJson(reader: GuildReader, own: OwnVoiceState | null = null): string {
    const { guild, extra } = guildCreateJson(this, reader, own);
    return JSON.stringify({ ...guild, ...extra });
  }

  members(): readonly MemberView[] {
    return [...this.allMembers()].map((member) => this.#view(member));
  }

  memberView(userId: string): MemberView | null {
    const member = this.member(userId);
    return member === null ? null : this.#view(member);
  }

  hasVoiceChannel(channelId: string): boolean {
    return this.voiceChannelIds().includes(channelId);
  }

  soundboardJson(): string {
    return JSON.stringify(this.parts.sounds);
  }

  voiceChannels(): readonly { id: string; status: string | null; voiceStartTime: number | null }[] {
    return this.voiceChannelIds().map((id) => ({ id, status: null, voiceStartTime: null }));
  }

  #generatedNumber(userId: string): number | null {
    const number = memberNumberOf(userId);
    const known = number >= 0 && number < this.#made.members && userId === idIn(this.index, 'member', number);
    return known ? number : null;
  }

  /** With the nickname and the roles that the member was given since, as far as these roles are still there. */
  #asSet(member: Member): Member {
    const { profiles, parts } = this.#changesOf(false);
    const profile = profiles.get(member.user.id);
    if (parts === null && profile === undefined) return member;
    const { nick = member.nick, roles = member.roles } = profile ?? {};
    const known = this.parts.roles;
    return { ...member, nick, roles: roles.filter((id) => known.some((role) => role.id === id)) };
  }

  #view(member: Member): MemberView {
    const { user, nick } = member;
    return {
      userId: user.id,
      names: [user.username, user.global_name, ...(nick === null ? [] : [nick])],
      json: () => JSON.stringify(memberJson(member)),
      presenceJson: () => (this.status(user.id) === 'offline' ? null : JSON.stringify(this.presence(user.id))),
    };
  }
}

function isVoiceChannel({ type }: GuildChannel): boolean {
  return type === channelTypes.voice || type === channelTypes.stage;
}
