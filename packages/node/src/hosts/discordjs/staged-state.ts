/**
 * The guilds of a shard on their way here. They are built as they come, while the shard still serves at its origin, so
 * that all that is left to do when it is here is to show them. Until then they are in none of the client's caches;
 * their users are.
 *
 * From the moment they are shown (`shown`) the bot may hold what is in them. What changes then is patched: a member is
 * the same object before and after, and what the bot fetched itself stays.
 */
import type { Client, Guild } from 'discord.js';
import { CopiedIds } from './copied-ids.js';
import type { Payload } from './export/fields.js';
import {
  addMember,
  addPresence,
  addThreadMember,
  buildGuild,
  buildUnavailableGuild,
  hasMessages,
  makeClientUser,
  patchChannel,
  patchGuild,
  patchWholeGuild,
  putMessages,
} from './export/structures.js';
import { STATE_FORMAT } from './shard-state.js';
import type { JoinedChannel } from './voice-channels.js';
import type { ChangePart, GuildPart, MembersPart, MessagesPart, StatePart } from './shard-state.js';

export type WholeState = {
  user: Payload;
  application: Payload;
  guilds: readonly Guild[];
  /** Channels that the bot was in. */
  voice: readonly JoinedChannel[];
};

export class StagedState {
  readonly #client: Client;
  readonly #shardId: number;
  readonly #guilds = new Map<string, Guild>();
  #session: { user: Payload; application: Payload } | null = null;
  #guildIds: readonly string[] | null = null;
  #voice: readonly JoinedChannel[] = [];
  /** null: they are not shown. */
  #copied: CopiedIds | null = null;

  constructor(client: Client, shardId: number) {
    this.#client = client;
    this.#shardId = shardId;
  }

  /** Whether what comes can be shown: it is of our version. */
  get isUsable(): boolean {
    return this.#session !== null;
  }

  get guilds(): readonly Guild[] {
    return [...this.#guilds.values()];
  }

  /** They are in the caches from now on. */
  shown(): void {
    this.#copied = new CopiedIds();
    for (const guild of this.#guilds.values()) this.#copied.began(guild);
  }

  take(part: StatePart): void {
    if (part.kind === 'session') {
      // Of a newer or older version: it does not count, and the shard's caches come from Discord.
      this.#session = part.format === STATE_FORMAT ? part : null;
      if (this.#session !== null) makeClientUser(this.#client, part.user, part.application);
    } else if (this.#session !== null) {
      this.#takeOfGuild(part);
    }
  }

  #takeOfGuild(part: Exclude<StatePart, { kind: 'session' }>): void {
    switch (part.kind) {
      case 'guild':
        this.#takeGuild(part);
        break;
      case 'change':
        this.#takeChange(part);
        break;
      case 'members':
        this.#takePeople(part);
        break;
      case 'messages':
        this.#takeMessages(part);
        break;
      case 'unavailable':
        this.#takeUnavailable(part.guildId);
        break;
      case 'frozen':
        break;
      case 'voice':
        this.#voice = part.channels;
        break;
      case 'done':
        this.#guildIds = part.guildIds;
        break;
    }
  }

  #takeGuild({ guild: payload, threadMembers }: GuildPart): void {
    const guild = this.#shownGuild(payload.id) ?? buildGuild(this.#client, this.#shardId, payload);
    if (this.#guilds.get(payload.id) === guild) {
      this.#copied?.again(guild);
      patchWholeGuild(guild, payload);
    }
    this.#guilds.set(guild.id, guild);
    for (const [threadId, members] of Object.entries(threadMembers)) {
      const thread = guild.channels.cache.get(threadId);
      if (thread?.isThread() === true) {
        members.forEach((member) => addThreadMember(thread, member));
      }
    }
  }

  #takeUnavailable(guildId: string): void {
    const guild = this.#shownGuild(guildId);
    if (guild === null) {
      this.#guilds.set(guildId, buildUnavailableGuild(this.#client, this.#shardId, guildId));
    } else {
      patchGuild(guild, { unavailable: true });
    }
  }

  #shownGuild(guildId: string): Guild | null {
    return this.#copied === null ? null : (this.#guilds.get(guildId) ?? null);
  }

  #takeChange({ guildId, guild: payload, channels, leftMembers, leftPresences }: ChangePart): void {
    const guild = this.#guilds.get(guildId);
    if (guild === undefined) {
      return;
    }
    patchGuild(guild, payload);
    for (const each of channels) {
      const channel = guild.channels.cache.get(each.id);
      if (channel !== undefined) patchChannel(channel, each);
    }
    leftMembers.forEach((id) => guild.members.cache.delete(id));
    leftPresences.forEach((id) => guild.presences.cache.delete(id));
  }

  /** Who is there is built anew, unless the bot may hold him: who came back has lost what a patch would keep. */
  #takePeople({ guildId, members, presences }: MembersPart): void {
    const guild = this.#guilds.get(guildId);
    if (guild === undefined) {
      return;
    }
    for (const member of members) {
      if (this.#copied === null) guild.members.cache.delete(idOf(member));
      addMember(guild, member);
    }
    for (const presence of presences) {
      if (this.#copied === null) guild.presences.cache.delete(idOf(presence));
      addPresence(guild, presence);
    }
    this.#copied?.people(guildId, members.map(idOf), presences.map(idOf));
  }

  #takeMessages({ guildId, channelId, gone, messages }: MessagesPart): void {
    const guild = this.#guilds.get(guildId);
    const channel = guild?.channels.cache.get(channelId);
    if (channel !== undefined && hasMessages(channel)) {
      gone.forEach((id) => channel.messages.cache.delete(id));
      putMessages(channel, messages);
      const ids = messages.map(({ message }) => message.id);
      this.#copied?.messages(channelId, ids);
    }
  }

  /** Everything, or null if something is missing. */
  whole(): WholeState | null {
    if (this.#session === null || this.#guildIds === null) {
      return null;
    }
    this.#copied?.ended();
    const guilds = this.#guildIds.map((id) => this.#guilds.get(id));
    return guilds.every((guild) => guild !== undefined) ? { ...this.#session, guilds, voice: this.#voice } : null;
  }
}

function idOf({ user }: Payload): string {
  return (user as { id: string }).id;
}
