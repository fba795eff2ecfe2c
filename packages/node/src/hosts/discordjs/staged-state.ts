/** The parts of a shard that comes here, until it is there: see shard-state.ts. A guild that comes again replaces what came of it. */
import type { Payload } from './export/fields.js';
import { STATE_FORMAT } from './shard-state.js';
import type { GuildPart, MembersPart, StatePart } from './shard-state.js';

export type StagedGuild = { id: string; guild: GuildPart | null; people: MembersPart[] };

export class StagedState {
  readonly #guilds = new Map<string, StagedGuild>();
  #session: { user: Payload; application: Payload } | null = null;
  #guildIds: readonly string[] | null = null;

  take(part: StatePart): void {
    switch (part.kind) {
      case 'session':
        // Of a newer or older version: it does not count, and the shard's caches come from Discord.
        this.#session = part.format === STATE_FORMAT ? part : null;
        break;
      case 'guild':
        this.#guilds.set(part.guild.id, { id: part.guild.id, guild: part, people: [] });
        break;
      case 'members':
        this.#guilds.get(part.guildId)?.people.push(part);
        break;
      case 'unavailable':
        this.#guilds.set(part.guildId, { id: part.guildId, guild: null, people: [] });
        break;
      case 'done':
        this.#guildIds = part.guildIds;
        break;
    }
  }

  /** Everything, or null if something is missing. */
  whole(): { user: Payload; application: Payload; guilds: readonly StagedGuild[] } | null {
    if (this.#session === null || this.#guildIds === null) {
      return null;
    }
    const guilds = this.#guildIds.map((id) => this.#guilds.get(id));
    return guilds.every((guild) => guild !== undefined) ? { ...this.#session, guilds } : null;
  }
}
