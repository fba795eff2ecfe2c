/** How many guilds a shard has, counted from its dispatches. Not known (-1) after a RESUME in another process than READY's. */
import type { Dispatch } from './cursor.js';

/** What is read of a dispatch, by its name on the wire: the names' table is no dependency of a bot. */
type GuildPayload =
  | { t: 'READY'; d: { guilds: readonly { id: string }[] } }
  | { t: 'GUILD_CREATE'; d: { id: string } }
  | { t: 'GUILD_DELETE'; d: { id: string; unavailable?: boolean } };

export class GuildCount {
  #ids: Set<string> | null = null;

  get count(): number {
    return this.#ids?.size ?? -1;
  }

  see(payload: Dispatch): void {
    const seen = payload as GuildPayload;
    if (seen.t === 'READY') {
      this.#ids = new Set(seen.d.guilds.map((guild) => guild.id));
    } else if (seen.t === 'GUILD_CREATE') {
      this.#ids?.add(seen.d.id);
    } else if (seen.t === 'GUILD_DELETE' && seen.d.unavailable !== true) {
      // Unavailable is not left.
      this.#ids?.delete(seen.d.id);
    }
  }
}
