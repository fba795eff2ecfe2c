/** What commands ask before they do anything. Each check answers with the refusal, or with what was asked for. */
import type { CommandError } from './commands.js';
import { commandError } from './errors.js';
import { isConnected, isLeaving, isShuttingDown } from './nodes.js';
import type { NodeState, OrchestratorState, ShardState } from './state.js';

export type Checked<T> = { ok: true; value: T } | { ok: false; error: CommandError };

export function refused(...reason: Parameters<typeof commandError>): { ok: false; error: CommandError } {
  return { ok: false, error: commandError(...reason) };
}

export function knownNode(state: OrchestratorState, id: string): Checked<NodeState> {
  const node = state.nodes.get(id);
  if (node !== undefined) return { ok: true, value: node };
  const ids = [...state.nodes.keys()];
  const hint = ids.length === 0 ? 'No node is known yet.' : `Known nodes: ${ids.slice(0, 10).join(', ')}.`;
  return refused('DSO_UNKNOWN_NODE', `There is no node "${id}". ${hint}`);
}

/** Connected and there to stay. Cordoned is fine: a cordon keeps automatic placement away, not the operator. */
export function usableNode(state: OrchestratorState, id: string): Checked<NodeState> {
  const known = knownNode(state, id);
  if (!known.ok) return known;
  if (!isConnected(known.value)) return refused('DSO_NODE_NOT_CONNECTED', `Node ${id} is not connected.`);
  if (isShuttingDown(known.value)) return refused('DSO_NODE_SHUTTING_DOWN', `Node ${id} is shutting down.`);
  if (isLeaving(known.value))
    return refused('DSO_NODE_SHUTTING_DOWN', `Node ${id} asked to leave; its shards are moved away.`);
  return known;
}

export function knownShard(state: OrchestratorState, shard: number): Checked<ShardState> {
  const total = state.totalShards;
  if (total === null) {
    return refused(
      'DSO_TOTAL_UNDECIDED',
      'The total shard count is not decided yet. Wait for a node or for Discord, or configure a fixed total.',
    );
  }
  const found = state.shards[shard];
  if (found === undefined) {
    return refused(
      'DSO_UNKNOWN_SHARD',
      `There is no shard ${shard}: the total is ${total}, so ids go to ${total - 1}.`,
    );
  }
  return { ok: true, value: found };
}

/** The node that runs a shard, for an operation that needs it to be running. */
export function runningOn(state: OrchestratorState, shard: number): Checked<string> {
  const known = knownShard(state, shard);
  if (!known.ok) return known;
  const { value } = known;
  switch (value.kind) {
    case 'running':
      return { ok: true, value: value.node };
    case 'vacant':
      return refused('DSO_SHARD_NOT_RUNNING', `No node runs shard ${shard}.`);
    case 'parked':
      return refused('DSO_SHARD_NOT_RUNNING', `Shard ${shard} is parked, and goes to the next node by itself.`);
    case 'unreachable':
      return refused('DSO_NODE_NOT_CONNECTED', `Shard ${shard} is on node ${value.node}, which is not connected.`);
    case 'starting':
      return refused('DSO_SHARD_BUSY', `Shard ${shard} is being started on node ${value.node}.`);
    case 'stopping':
      return refused('DSO_SHARD_BUSY', `Shard ${shard} is being stopped on node ${value.node}.`);
    case 'migrating':
      return refused('DSO_SHARD_BUSY', `Shard ${shard} is being moved already.`);
  }
}
