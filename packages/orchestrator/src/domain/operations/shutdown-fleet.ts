/** The whole fleet goes down for good: every node is told so, and nothing is started any more. Answered when all nodes are gone. */
import { endOperations } from './operations.js';
import { hasConnection, hasSaidGoodbye } from '../state/nodes.js';
import type { Turn } from '../state/transaction.js';
import { beginShutdown } from '../fleet/leave.js';

export function shutdownFleet(turn: Turn, request: string): void {
  const deadline = turn.now + turn.settings.commandTimeoutMs;
  turn.patch({ ending: { request, deadline } });
  const why = 'the fleet is being shut down';
  endOperations(turn, why);
  for (const { request: asked, shard } of turn.state.waitingMigrations) {
    turn.fail(asked, 'DSO_FLEET_ENDING', `Shard ${shard} was not moved: ${why}.`);
  }
  turn.patch({ waitingMigrations: [], identifies: { ...turn.state.identifies, waiting: [] } });
  for (const launch of turn.state.launches.values()) {
    turn.fail(launch.request, 'DSO_FLEET_ENDING', `The node is not waited for: ${why}.`);
    turn.setLaunch({ ...launch, request: null });
  }
}

/** Also nodes that connect late are told; the answer is given when none is connected any more, or when time is up. */
export function endFleet(turn: Turn): void {
  const { ending } = turn.state;
  if (ending === null) return;
  const connected = [...turn.state.nodes.values()].filter(hasConnection);
  for (const node of connected) {
    if (node.intent.kind !== 'shuttingDown') beginShutdown(turn, node.id, null, true);
  }
  if (ending.request === null) return;
  const silent = [...turn.state.nodes.values()].filter(
    ({ connection }) =>
      connection.kind === 'disconnected' &&
      !connection.gone &&
      connection.since + turn.settings.maxNodeDowntimeMs > turn.now,
  );
  // Those that have said goodbye end in their own time.
  if (connected.some((node) => ending.deadline > turn.now || hasSaidGoodbye(node))) return;
  turn.patch({ ending: { ...ending, request: null } });
  const left = [...connected, ...silent].map((node) => node.id);
  if (left.length === 0) {
    turn.done(ending.request, 'All nodes are shut down.');
  } else {
    const text = `These nodes did not say that they are shut down: ${left.join(', ')}.`;
    turn.fail(ending.request, 'DSO_NODE_TIMEOUT', text);
  }
}
