/**
 * Moving shards one by one as steps of an operation: what became of each, and what holds up the next. Which shards
 * move, and where to, is the operation's own. A migration that fails is tried once more; then the shard stays.
 */
import { budgetHolds, budgetReason, waitsFor } from '../migration/limits.js';
import { beginMigration } from '../migration/steps.js';
import { isUp } from '../shards/condition.js';
import { beginStop } from '../shards/stop.js';
import type { MoveCounts, OperationOutcome, OperationState } from '../state/operations.js';
import type { OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** What is known of an operation's moves after one more outcome. */
export function withMove<O extends MoveCounts>(known: O, outcome: OperationOutcome): O {
  if (outcome.kind === 'moved') return { ...known, moved: [...known.moved, outcome.shard] };
  if (outcome.kind !== 'notMoved') return known;
  const { shard, reason } = outcome;
  if (!known.retried.includes(shard)) return { ...known, retried: [...known.retried, shard] };
  return { ...known, failed: [...known.failed, { shard, reason }] };
}

/**
 * - `begun`: its migration is under way, or it is stopped to be started elsewhere.
 * - `later`: it is starting or stopping, or its nodes have no room now.
 * - `blocked`: it is not up, nobody can take it, or the disruption budget is used up.
 */
export type Move = 'begun' | 'later' | 'blocked';

/** @param destinationOf where it is to go; null: nobody has room. */
export function beginMove(
  tx: Transaction,
  operation: OperationState,
  shard: number,
  destinationOf: () => string | null,
): Move {
  const state = tx.shard(shard);
  if (state?.kind !== 'running') return 'later';
  const origin = state.node;
  if ((state.link?.refused ?? null) !== null) {
    startElsewhere(tx, operation, shard, origin);
    return 'later';
  }
  if (!isUp(tx.state, shard)) return 'blocked';
  const destination = destinationOf();
  if (destination === null) return 'blocked';
  const wait = waitsFor(tx, origin, destination);
  if (wait !== null) return wait === 'budget' ? 'blocked' : 'later';
  const plan = { shard, origin, destination, request: null, operation: operation.id };
  tx.actingFor(operation.by, () => beginMigration(tx, plan));
  return 'begun';
}

/** Discord does not want the shard from this node: there is no session to move, and nothing to wait for. */
function startElsewhere(tx: Transaction, { id, kind, by }: OperationState, shard: number, node: string): void {
  tx.actingFor(by, () => beginStop(tx, shard, node, null, null));
  const text = `Discord refuses shard ${shard} on node ${node}: the shard is stopped there, and started elsewhere.`;
  tx.record('operationProgress', 'info', text, { operation: id, kind, shard, node }, by);
}

/** Why none of these shards is moved now; null: some could be. */
export function waitReason(state: OrchestratorState, waiting: readonly number[]): string | null {
  const down = waiting.filter((shard) => !isUp(state, shard));
  if (down.length > 0) return `a shard is moved when it is up, and these are not: ${down.join(', ')}`;
  return budgetHolds(state) ? budgetReason(state) : null;
}
