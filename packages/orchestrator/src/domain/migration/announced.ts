/**
 * Shards that are announced to leave, where user code was waited for: they go when it has finished and there is room and budget, those first
 * that were announced first. One whose operation moves nothing any more stays.
 */
import { budgetAllowsMove } from './disruption.js';
import type { LiveMigration } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { hasRoomToMove } from './limits.js';
import { leaveNow } from './live.js';
import { abortLive } from './live-failure.js';

export function leaveWhenThereIsRoom(tx: Transaction): void {
  for (const migration of tx.state.migrations.values()) {
    const { step, origin, destination, operation } = migration;
    if (step.kind !== 'announcing' || step.patienceMs === 0) continue;
    const announced: LiveMigration & { step: typeof step } = { ...migration, step };
    const stopped = operation === null ? null : (tx.state.operations.get(operation)?.stopped ?? null);
    if (stopped !== null) abortLive(tx, announced, `the operation it was part of moves no further shard: ${stopped}`);
    else if (step.mayLeave && hasRoomToMove(tx, origin, destination) && budgetAllowsMove(tx)) {
      tx.actingFor(migration.by, () => leaveNow(tx, announced));
    }
  }
}
