/** The whole fleet goes down for good: every node is told, nothing is started any more. Answered when all are gone. */
import { endOperations } from './operations.js';
import { hasConnection, hasSaidGoodbye } from '../state/nodes.js';
import type { Transaction } from '../state/transaction.js';
import { beginShutdown } from '../fleet/leave.js';

export function shutdownFleet(tx: Transaction, request: string): void {
  const deadline = tx.now + tx.settings.commandTimeoutMs;
  tx.patch({ ending: { request, deadline } });
  const why = 'the fleet is being shut down';
  endOperations(tx, why);
  for (const { request: asked, shard } of tx.state.waitingMigrations) {
    tx.fail(asked, 'DSO_FLEET_ENDING', `Shard ${shard} was not moved: ${why}.`);
  }
  tx.patch({ waitingMigrations: [], identifies: { ...tx.state.identifies, waiting: [] } });
  for (const launch of tx.state.launches.values()) {
    tx.fail(launch.request, 'DSO_FLEET_ENDING', `The node is not waited for: ${why}.`);
    tx.setLaunch({ ...launch, request: null });
  }
}

/** Also nodes that connect late are told; the answer is given when none is connected any more, or when time is up. */
export function endFleet(tx: Transaction): void {
  const { ending } = tx.state;
  if (ending === null) return;
  const connected = [...tx.state.nodes.values()].filter(hasConnection);
  for (const node of connected) {
    if (node.intent.kind !== 'shuttingDown') beginShutdown(tx, node.id, null, true);
  }
  if (ending.request === null) return;
  const silent = [...tx.state.nodes.values()].filter(
    ({ connection }) =>
      connection.kind === 'disconnected' &&
      !connection.gone &&
      connection.since + tx.settings.maxNodeDowntimeMs > tx.now,
  );
  // Those that have said goodbye end in their own time.
  if (connected.some((node) => ending.deadline > tx.now || hasSaidGoodbye(node))) return;
  tx.patch({ ending: { ...ending, request: null } });
  const left = [...connected, ...silent].map((node) => node.id);
  if (left.length === 0) {
    tx.done(ending.request, 'All nodes are shut down.');
  } else {
    const text = `These nodes did not say that they are shut down: ${left.join(', ')}.`;
    tx.fail(ending.request, 'DSO_NODE_TIMEOUT', text);
  }
}
