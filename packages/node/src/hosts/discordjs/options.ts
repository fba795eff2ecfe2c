/** The options of `orchestrated`: those of the node, and what is particular to discord.js. */
import type { ClientOptions } from 'discord.js';
import type { NodeOptions } from '../../options.js';
import type { StateHooks } from '../user-code.js';
import type { GatewayTimeouts } from '../../gateway-shard/timeouts.js';

export type OrchestratedOptions = Omit<NodeOptions, 'host'> & {
  /**
   * The bot's own state of a shard, in one value that MessagePack can carry; taken when the shard has stopped handing out events here.
   * The guilds are discord.js' and move by themselves.
   */
  exportShard?: (shardId: number) => unknown;
  /** Gets that value where the shard goes on: its guilds are in the caches, and no event has come yet. */
  importShard?: (shardId: number, state: unknown) => void | Promise<void>;
  /** For much state: by user events (`userEvents`), copied while the shard serves. Instead of the two above, or besides them. */
  state?: StateHooks;
  timeouts?: GatewayTimeouts;
  /** What would be `ws` among the client's options. */
  ws?: Omit<NonNullable<ClientOptions['ws']>, 'buildStrategy' | 'buildIdentifyThrottler'>;
};
