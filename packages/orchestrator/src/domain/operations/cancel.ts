/**
 * An operator calls an operation off. What is under way comes to its end, nothing further is begun; then the operation ends and everybody
 * who waits is told what was done. That it is cancelled is durable before anything follows from it, so a restart does not forget it.
 */
import { endDrain } from './drain.js';
import { commandError } from '../state/errors.js';
import { runRollout } from './rollout.js';
import type { Cancellation, DrainState, RolloutState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

export function cancelOperation(tx: Transaction, request: string, id: string): void {
  const { rollout, drains, endedOperations } = tx.state;
  const drain = drains.get(id);
  if (rollout !== null && (rollout.id === id || rollout.drain === id)) {
    cancelRollout(tx, request, rollout);
  } else if (drain !== undefined) {
    cancelDrain(tx, request, drain);
  } else {
    const ended = endedOperations.find((operation) => operation.id === id);
    if (ended === undefined) tx.reply(request, { ok: false, error: unknownOperation(tx, id) });
    else tx.fail(request, 'DSO_OPERATION_OVER', `Operation ${id} is over already. ${ended.text}`);
  }
}

function unknownOperation(tx: Transaction, id: string): ReturnType<typeof commandError> {
  const { rollout, drains } = tx.state;
  const ids = [...(rollout === null ? [] : [rollout.id]), ...drains.keys()];
  const hint = ids.length === 0 ? 'None is under way.' : `Under way: ${ids.join(', ')}.`;
  return commandError('DSO_UNKNOWN_OPERATION', `There is no operation "${id}". ${hint}`);
}

function cancelRollout(tx: Transaction, request: string, rollout: RolloutState): void {
  const cancelled = cancellation(tx, request, rollout.cancelled);
  tx.patch({ rollout: { ...rollout, cancelled } });
  if (rollout.cancelled !== null) return;
  const text = `Rollout ${rollout.id} is cancelled: no further node is replaced.`;
  tx.record('operationCancelled', 'info', text, { operation: rollout.id });
  const drain = rollout.drain === null ? undefined : tx.state.drains.get(rollout.drain);
  if (drain === undefined) runRollout(tx);
  else stopDrain(tx, drain, cancellation(tx, null, null));
}

function cancelDrain(tx: Transaction, request: string, drain: DrainState): void {
  if (drain.phase.kind === 'shuttingDown') {
    const text = `All shards of node ${drain.origin} are moved and it is shutting down: there is nothing left to cancel.`;
    tx.fail(request, 'DSO_OPERATION_OVER', text);
    return;
  }
  if (drain.cancelled !== null) {
    tx.setDrain({ ...drain, cancelled: cancellation(tx, request, drain.cancelled) });
    return;
  }
  const text = `Draining node ${drain.origin} (${drain.id}) is cancelled: no further shard is moved.`;
  tx.record('operationCancelled', 'info', text, { operation: drain.id });
  stopDrain(tx, drain, cancellation(tx, request, null));
}

function cancellation(tx: Transaction, request: string | null, before: Cancellation | null): Cancellation {
  const requests = [...(before?.requests ?? []), ...(request === null ? [] : [request])];
  return before === null ? { at: tx.now, by: tx.by, requests, detail: null } : { ...before, requests };
}

/** A node that was emptied and is shutting down goes on with that. */
function stopDrain(tx: Transaction, drain: DrainState, cancelled: Cancellation): void {
  const why = `it was cancelled by ${cancelled.by}`;
  switch (drain.phase.kind) {
    case 'awaitingDestination':
      endDrain(tx, { ...drain, cancelled }, why);
      break;
    case 'moving':
      tx.setDrain({ ...drain, cancelled, phase: { ...drain.phase, stopped: drain.phase.stopped ?? why } });
      break;
    case 'shuttingDown':
      tx.setDrain({ ...drain, cancelled });
      break;
  }
}
