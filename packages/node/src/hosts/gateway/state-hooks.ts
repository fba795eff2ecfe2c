/** The bot's own state per shard, to be moved with it. */
import type { ShardHost } from '../../shard-host.js';

export type StateHooks = Pick<
  ShardHost,
  | 'prepareTransferTo'
  | 'transferFrom'
  | 'exportState'
  | 'exportDelta'
  | 'handleUserEvent'
  | 'abortTransferTo'
  | 'released'
  | 'stateLost'
>;
