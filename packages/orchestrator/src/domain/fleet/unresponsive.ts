/**
 * Nodes of the base level that take their shards and start none. They send no heartbeats, so silence says nothing of
 * them: one that hangs would be given the same shards for ever. After three starts in a row without an answer it gets
 * no further shard while another node is there, until it answers a start or connects anew.
 */
import { isBaseLevel, isConnected, isLeaving } from '../state/nodes.js';
import type { NodeState, OrchestratorState } from '../state/state.js';

/** So many starts in a row without an answer. */
const MOST_UNANSWERED = 3;

function isStuck({ unanswered }: OrchestratorState, node: NodeState): boolean {
  const known = unanswered.get(node.id);
  return known !== undefined && known.joinedAt === node.joinedAt && known.times >= MOST_UNANSWERED;
}

export function isUnresponsive(state: OrchestratorState, node: NodeState): boolean {
  if (state.unanswered.size === 0 || !isBaseLevel(node) || !isStuck(state, node)) return false;
  return [...state.nodes.values()].some((other) => isConnected(other) && !isLeaving(other) && !isStuck(state, other));
}
