/** How many shards may move at once: per node and in the whole fleet. */
import { can } from '../nodes.js';
import type { OrchestratorState } from '../state.js';
import { shardsOf } from '../survey.js';

/** What a node hands over or takes over now. A base-level node can do one thing of that kind at a time, so resumes count for it. */
export function movesOf(state: OrchestratorState, node: string): number {
  let moves = 0;
  for (const migration of state.migrations.values()) {
    if (migration.origin === node || migration.destination === node) moves += 1;
  }
  if (can(state.nodes.get(node), 'parallel-migrations')) return moves;
  for (const shard of shardsOf(state, node)) {
    const known = state.shards[shard];
    if (known?.kind === 'starting' && (known.step === 'prepare' || known.step === 'resume')) moves += 1;
  }
  return moves;
}

export function hasRoomToMove(state: OrchestratorState, origin: string, destination: string): boolean {
  return (
    state.migrations.size < state.settings.migrationsTotal &&
    movesOf(state, origin) < limitOf(state, origin) &&
    movesOf(state, destination) < limitOf(state, destination)
  );
}

function limitOf(state: OrchestratorState, node: string): number {
  return can(state.nodes.get(node), 'parallel-migrations') ? state.settings.migrationsPerNode : 1;
}
