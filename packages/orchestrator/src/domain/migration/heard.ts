/** That a node was heard of, for the paths that take no transaction. */
import type { OrchestratorState } from '../state/state.js';

/** How stale `lastHeardAt` may become while only such messages come in; renewing it costs a copy of the nodes. */
const HEARD_RESOLUTION_MS = 500;

export function withHeard(state: OrchestratorState, id: string, now: number): OrchestratorState {
  const node = state.nodes.get(id);
  if (node === undefined || node.connection.kind === 'disconnected') return state;
  if (now - node.connection.lastHeardAt < HEARD_RESOLUTION_MS) return state;
  const heard = { ...node, connection: { ...node.connection, lastHeardAt: now } };
  return { ...state, nodes: new Map(state.nodes).set(id, heard) };
}
