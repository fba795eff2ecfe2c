/** How many guilds a shard has, counted from its dispatches. Not known (-1) after a RESUME in another process than READY's. */
import { GatewayDispatchEvents } from 'discord-api-types/v10';
import type { GatewayDispatchPayload } from 'discord-api-types/v10';

export class GuildCount {
  #ids: Set<string> | null = null;

  get count(): number {
    return this.#ids?.size ?? -1;
  }

  see(payload: GatewayDispatchPayload): void {
    if (payload.t === GatewayDispatchEvents.Ready) {
      this.#ids = new Set(payload.d.guilds.map((guild) => guild.id));
    } else if (payload.t === GatewayDispatchEvents.GuildCreate) {
      this.#ids?.add(payload.d.id);
    } else if (payload.t === GatewayDispatchEvents.GuildDelete && payload.d.unavailable !== true) {
      // Unavailable is not left.
      this.#ids?.delete(payload.d.id);
    }
  }
}
