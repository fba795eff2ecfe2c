/** Nodes that were launched for something that is not to happen any more. */
import { keptBy, hasConnection, isShuttingDown } from '../state/nodes.js';
import { beginShutdown } from './leave.js';
import type { Turn } from '../state/transaction.js';

/** The node that is being launched for an operation is shut down when it is up. */
export function unwantLaunch(turn: Turn, operation: string): void {
  for (const launch of turn.state.launches.values()) {
    if (launch.operation === operation) turn.setLaunch({ ...launch, unwanted: true });
  }
}

/** Shuts a node down that has no shard and that nobody needs. @returns whether it does. */
export function retireEmpty(turn: Turn, id: string): boolean {
  const node = turn.node(id);
  if (node === undefined || !hasConnection(node) || isShuttingDown(node)) return false;
  if (turn.loadOf(id) > 0 || keptBy(turn.state, id) !== undefined) return false;
  const others = [...turn.state.nodes.values()].filter(
    (other) => other.id !== id && hasConnection(other) && !isShuttingDown(other),
  );
  if (others.length < Math.max(1, turn.settings.nodes)) return false;
  beginShutdown(turn, id, null, false);
  return true;
}
