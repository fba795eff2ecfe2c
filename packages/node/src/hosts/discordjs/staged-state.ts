/**
 * The parts of a shard that comes here, until it is there: see shard-state.ts. What comes again of a guild replaces what came of it. A user
 * who is in several guilds is as the last part says.
 */
import type { Payload } from './export/fields.js';
import { STATE_FORMAT } from './shard-state.js';
import type { GuildPart, MembersPart, StatePart } from './shard-state.js';

type People = Map<string, Payload>;

/** `guild` null: it is not available. */
export type StagedGuild = { id: string; guild: GuildPart | null; members: People; presences: People };

export type WholeState = {
  user: Payload;
  application: Payload;
  guilds: readonly StagedGuild[];
  users: ReadonlyMap<string, Payload>;
};

export class StagedState {
  readonly #guilds = new Map<string, StagedGuild>();
  readonly #users = new Map<string, Payload>();
  #session: { user: Payload; application: Payload } | null = null;
  #guildIds: readonly string[] | null = null;

  take(part: StatePart): void {
    switch (part.kind) {
      case 'session':
        // Of a newer or older version: it does not count, and the shard's caches come from Discord.
        this.#session = part.format === STATE_FORMAT ? part : null;
        break;
      case 'guild':
        this.#takeGuild(part);
        break;
      case 'members':
        this.#takePeople(part);
        break;
      case 'unavailable':
        this.#guilds.set(part.guildId, { id: part.guildId, guild: null, members: new Map(), presences: new Map() });
        break;
      case 'done':
        this.#guildIds = part.guildIds;
        break;
    }
  }

  #takeGuild(part: GuildPart): void {
    const { id } = part.guild;
    const known = part.again === undefined ? undefined : this.#guilds.get(id);
    const { members = new Map<string, Payload>(), presences = new Map<string, Payload>() } = known ?? {};
    part.again?.leftMembers.forEach((userId) => members.delete(userId));
    part.again?.leftPresences.forEach((userId) => presences.delete(userId));
    this.#guilds.set(id, { id, guild: part, members, presences });
  }

  #takePeople({ guildId, members, presences }: MembersPart): void {
    const guild = this.#guilds.get(guildId);
    for (const member of members) {
      const user = member['user'] as Payload & { id: string };
      guild?.members.set(user.id, member);
      this.#users.set(user.id, user);
    }
    for (const presence of presences) {
      guild?.presences.set((presence['user'] as { id: string }).id, presence);
    }
  }

  /** Everything, or null if something is missing. */
  whole(): WholeState | null {
    if (this.#session === null || this.#guildIds === null) {
      return null;
    }
    const guilds = this.#guildIds.map((id) => this.#guilds.get(id));
    return guilds.every((guild) => guild !== undefined) ? { ...this.#session, guilds, users: this.#users } : null;
  }
}
