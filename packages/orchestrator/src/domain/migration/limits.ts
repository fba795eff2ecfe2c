/** How many shards may move at once: per node and in the whole fleet. Those that are only announced to leave take no room (`state/migrations.ts`). */
import { budgetAllowsMove } from './disruption.js';
import { movesOf } from '../shards/start.js';
import { can } from '../state/nodes.js';
import type { Transaction } from '../state/transaction.js';
import { takesRoom } from '../state/migrations.js';

export function hasRoomToMove(tx: Transaction, origin: string, destination: string): boolean {
  const moving = [...tx.state.migrations.values()].filter(takesRoom).length;
  return (
    moving < tx.settings.migrationsTotal &&
    movesOf(tx, origin) < limitOf(tx, origin) &&
    movesOf(tx, destination) < limitOf(tx, destination)
  );
}

function limitOf(tx: Transaction, node: string): number {
  return can(tx.node(node), 'parallel-migrations') ? tx.settings.migrationsPerNode : 1;
}

/** Whether shards move live between the two. */
export function movesLive(tx: Transaction, origin: string, destination: string): boolean {
  return can(tx.node(origin), 'live-migration') && can(tx.node(destination), 'live-migration');
}

/** How long a shard is kept that is to leave for this destination. */
export function patienceOf(tx: Transaction, origin: string, destination: string): number {
  const node = tx.node(origin);
  return movesLive(tx, origin, destination) && can(node, 'warm-up') ? (node?.bounds?.patienceMs ?? 0) : 0;
}

/** What a move between the nodes has to wait for before it begins; null: nothing. Where user code is waited for, it waits after that. */
export function waitsFor(tx: Transaction, origin: string, destination: string): 'room' | 'budget' | null {
  if (patienceOf(tx, origin, destination) > 0) return null;
  if (!hasRoomToMove(tx, origin, destination)) return 'room';
  return budgetAllowsMove(tx) ? null : 'budget';
}
