/** How many shards may move at once: per node and in the whole fleet. Those that are only announced to leave take no room (`state/migrations.ts`). */
import { budgetAllowsMove } from './disruption.js';
import { movesOf } from '../shards/start.js';
import { can } from '../state/nodes.js';
import type { Turn } from '../state/transaction.js';
import { takesRoom } from '../state/migrations.js';

export function hasRoomToMove(turn: Turn, origin: string, destination: string): boolean {
  const moving = [...turn.state.migrations.values()].filter(takesRoom).length;
  return (
    moving < turn.settings.migrationsTotal &&
    movesOf(turn, origin) < limitOf(turn, origin) &&
    movesOf(turn, destination) < limitOf(turn, destination)
  );
}

function limitOf(turn: Turn, node: string): number {
  return can(turn.node(node), 'parallel-migrations') ? turn.settings.migrationsPerNode : 1;
}

/** Whether shards move live between the two. */
export function movesLive(turn: Turn, origin: string, destination: string): boolean {
  return can(turn.node(origin), 'live-migration') && can(turn.node(destination), 'live-migration');
}

/** How long a shard is kept that is to leave for this destination. */
export function patienceOf(turn: Turn, origin: string, destination: string): number {
  const node = turn.node(origin);
  return movesLive(turn, origin, destination) && can(node, 'warm-up') ? (node?.bounds?.patienceMs ?? 0) : 0;
}

/** What a move between the nodes has to wait for before it begins; null: nothing. Where user code is waited for, it waits after that. */
export function waitsFor(turn: Turn, origin: string, destination: string): 'room' | 'budget' | null {
  if (patienceOf(turn, origin, destination) > 0) return null;
  if (!hasRoomToMove(turn, origin, destination)) return 'room';
  return budgetAllowsMove(turn) ? null : 'budget';
}
