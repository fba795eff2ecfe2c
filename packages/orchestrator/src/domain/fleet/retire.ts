/** Nodes that were launched for something that is not to happen any more. */
import { keptBy, hasConnection, isShuttingDown } from '../state/nodes.js';
import { beginShutdown } from './leave.js';
import type { Transaction } from '../state/transaction.js';

/** The node that is being launched for an operation is shut down when it is up. */
export function unwantLaunch(tx: Transaction, operation: string): void {
  for (const launch of tx.state.launches.values()) {
    if (launch.operation === operation) tx.setLaunch({ ...launch, unwanted: true });
  }
}

/** Shuts a node down that has no shard and that nobody needs. @returns whether it does. */
export function retireEmpty(tx: Transaction, id: string): boolean {
  const node = tx.node(id);
  if (node === undefined || !hasConnection(node) || isShuttingDown(node)) return false;
  if (tx.loadOf(id) > 0 || keptBy(tx.state, id) !== undefined) return false;
  const others = [...tx.state.nodes.values()].filter(
    (other) => other.id !== id && hasConnection(other) && !isShuttingDown(other),
  );
  if (others.length < Math.max(1, tx.settings.nodes)) return false;
  beginShutdown(tx, id, null, false);
  return true;
}
