/**
 * An operation is over: those who cancelled it hear so, and how it ended is kept for a while, because whoever asked for it may not be
 * there any more to be told (a hung-up client, a restart of the orchestrator).
 */
import type { DrainState, EndedOperation, RolloutState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** How many are kept. */
const KEPT = 20;

type Ending = {
  id: string;
  kind: EndedOperation['kind'];
  operation: DrainState | RolloutState;
  /** null: everything that was asked for is done. */
  failure: string | null;
  text: string;
};

export function operationEnded(tx: Transaction, { id, kind, operation, failure, text }: Ending): void {
  const { by, startedAt, cancelled } = operation;
  const outcome = failure === null ? 'done' : cancelled === null ? 'failed' : 'cancelled';
  const ended: EndedOperation = { id, kind, outcome, text, by, startedAt, endedAt: tx.now };
  tx.patch({ endedOperations: [...tx.state.endedOperations, ended].slice(-KEPT) });
  for (const request of cancelled?.requests ?? []) tx.done(request, text, { operation: id, outcome });
}
