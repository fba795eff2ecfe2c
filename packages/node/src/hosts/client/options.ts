/** The options of `orchestrated` for libraries whose clients are fed with dispatches. */
import type { GatewayTimeouts } from '../../gateway-shard/timeouts.js';
import type { NodeOptions } from '../../options.js';
import type { StateHooks } from '../state-hooks.js';

export type OrchestratedOptions = Omit<NodeOptions, 'host'> & {
  /**
   * The bot's own state of a shard, in one value that MessagePack can carry; taken when the shard has stopped handing out events here.
   * Its guilds move by themselves.
   */
  exportShard?: (shardId: number) => unknown;
  /** Gets that value where the shard goes on: its guilds are in the caches, and no event has come yet. */
  importShard?: (shardId: number, state: unknown) => void | Promise<void>;
  /** For much state: by user events (`userEvents`), copied while the shard serves. Instead of the two above, or besides them. */
  state?: StateHooks;
  /**
   * How many members and presences of a guild move with it, beside the bot and those in voice channels: the newest. Default: all that
   * Discord has told of. They take memory in this process, about 500 bytes each (`npm run bench:guild-state`).
   */
  keep?: { members?: number; presences?: number };
  timeouts?: GatewayTimeouts & {
    /** How long what the bot does when it is ready may take, when the first shard comes from another node. Default 10 s. */
    readyListenersMs?: number;
    /** How long importShard may take. Default 5 s. */
    importMs?: number;
  };
};
