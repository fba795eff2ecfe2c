/** The bot's own state per shard, to be moved with it. */
import type { ShardHost } from '../shard-host.js';

export type StateHooks = Pick<ShardHost, Moving | 'abortTransferTo' | 'released' | 'stateLost'>;

type Moving = 'prepareTransferTo' | 'transferFrom' | 'exportState' | 'exportDelta' | 'handleUserEvent';

/** A host's methods for the state of its shards: those that the bot has given hooks for, so that a node sees what the bot can. */
export function stateMethods(state: StateHooks): Pick<ShardHost, Moving> {
  const { exportState, exportDelta, handleUserEvent } = state;
  return {
    prepareTransferTo: async (shardId, session) => state.prepareTransferTo?.(shardId, session),
    transferFrom: async (shardId, transfer) => state.transferFrom?.(shardId, transfer),
    ...(exportState && { exportState: async (shardId, transfer) => exportState.call(state, shardId, transfer) }),
    ...(exportDelta && { exportDelta: async (shardId, transfer) => exportDelta.call(state, shardId, transfer) }),
    ...(handleUserEvent && { handleUserEvent: handleUserEvent.bind(state) }),
  };
}
