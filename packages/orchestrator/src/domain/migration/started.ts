/** That a shard begins to move: from here on it counts for everybody's limits. */
import { disruptionOf } from './disruption.js';
import type { MigrationState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** What is known of a migration before its first step. */
export type About = Omit<MigrationState, 'step' | 'deadline'>;

export function recordMoveStarted(
  tx: Transaction,
  { id, shard, origin, destination, operation }: About,
  live: boolean,
): void {
  tx.record('migrationStarted', 'info', `Moving shard ${shard} from node ${origin} to node ${destination}.`, {
    migration: id,
    shard,
    origin,
    destination,
    live,
    operation,
    ...disruptionOf(tx.state),
  });
}
