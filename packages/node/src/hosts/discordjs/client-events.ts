/** The events that a client has besides discord.js' own. */
import type { MissedEvents } from '../../gateway-shard/options.js';
import type { ShardLeaving } from '../user-code.js';

export type { MissedEvents } from '../../gateway-shard/options.js';
export type { ShardLeaving } from '../user-code.js';

declare module 'discord.js' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- only an interface can be added to.
  interface ClientEvents {
    /** The shard is to leave, and still serves. What a listener promises is waited for while the patience lasts. */
    shardLeaving: [shardId: number, notice: ShardLeaving];
    /** It does not leave after all. */
    shardStays: [shardId: number];
    /** It runs in another process now. */
    shardMoved: [shardId: number];
    /** Its gateway session was lost for good: what came until a new one began is missed, unless the bot fetches it. */
    shardMissed: [missed: MissedEvents];
  }
}
