/** How many shards may move at once: per node and in the whole fleet. */
import { can } from '../nodes.js';
import type { Turn } from '../turn.js';

/** What a node hands over or takes over now. A base-level node can do one thing of that kind at a time, so resumes count for it. */
export function movesOf(turn: Turn, node: string): number {
  let moves = 0;
  for (const migration of turn.state.migrations.values()) {
    if (migration.origin === node || migration.destination === node) moves += 1;
  }
  if (can(turn.node(node), 'parallel-migrations')) return moves;
  for (const shard of turn.shardsOf(node)) {
    const state = turn.shard(shard);
    if (state?.kind === 'starting' && (state.step === 'prepare' || state.step === 'resume')) moves += 1;
  }
  return moves;
}

export function hasRoomToMove(turn: Turn, origin: string, destination: string): boolean {
  return (
    turn.state.migrations.size < turn.settings.migrationsTotal &&
    movesOf(turn, origin) < limitOf(turn, origin) &&
    movesOf(turn, destination) < limitOf(turn, destination)
  );
}

function limitOf(turn: Turn, node: string): number {
  return can(turn.node(node), 'parallel-migrations') ? turn.settings.migrationsPerNode : 1;
}
