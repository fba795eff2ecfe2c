/**
 * An operator calls an operation off. What is under way comes to its end, nothing further is begun; then the operation ends and everybody
 * who waits is told what was done. That it is cancelled is durable before anything follows from it, so a restart does not forget it.
 */
import { endDrain } from './drain.js';
import { commandError } from '../state/errors.js';
import { runRollout } from './rollout.js';
import type { Cancellation, DrainState, RolloutState } from '../state/state.js';
import type { Turn } from '../state/transaction.js';

export function cancelOperation(turn: Turn, request: string, id: string): void {
  const { rollout, drains, endedOperations } = turn.state;
  const drain = drains.get(id);
  if (rollout !== null && (rollout.id === id || rollout.drain === id)) {
    cancelRollout(turn, request, rollout);
  } else if (drain !== undefined) {
    cancelDrain(turn, request, drain);
  } else {
    const ended = endedOperations.find((operation) => operation.id === id);
    if (ended === undefined) turn.reply(request, { ok: false, error: unknownOperation(turn, id) });
    else turn.fail(request, 'DSO_OPERATION_OVER', `Operation ${id} is over already. ${ended.text}`);
  }
}

function unknownOperation(turn: Turn, id: string): ReturnType<typeof commandError> {
  const { rollout, drains } = turn.state;
  const ids = [...(rollout === null ? [] : [rollout.id]), ...drains.keys()];
  const hint = ids.length === 0 ? 'None is under way.' : `Under way: ${ids.join(', ')}.`;
  return commandError('DSO_UNKNOWN_OPERATION', `There is no operation "${id}". ${hint}`);
}

function cancelRollout(turn: Turn, request: string, rollout: RolloutState): void {
  const cancelled = cancellation(turn, request, rollout.cancelled);
  turn.patch({ rollout: { ...rollout, cancelled } });
  if (rollout.cancelled !== null) return;
  const text = `Rollout ${rollout.id} is cancelled: no further node is replaced.`;
  turn.happened('operationCancelled', 'info', text, { operation: rollout.id });
  const drain = rollout.drain === null ? undefined : turn.state.drains.get(rollout.drain);
  if (drain === undefined) runRollout(turn);
  else stopDrain(turn, drain, cancellation(turn, null, null));
}

function cancelDrain(turn: Turn, request: string, drain: DrainState): void {
  if (drain.phase.kind === 'shuttingDown') {
    const text = `All shards of node ${drain.origin} are moved and it is shutting down: there is nothing left to cancel.`;
    turn.fail(request, 'DSO_OPERATION_OVER', text);
    return;
  }
  if (drain.cancelled !== null) {
    turn.setDrain({ ...drain, cancelled: cancellation(turn, request, drain.cancelled) });
    return;
  }
  const text = `Draining node ${drain.origin} (${drain.id}) is cancelled: no further shard is moved.`;
  turn.happened('operationCancelled', 'info', text, { operation: drain.id });
  stopDrain(turn, drain, cancellation(turn, request, null));
}

function cancellation(turn: Turn, request: string | null, before: Cancellation | null): Cancellation {
  const requests = [...(before?.requests ?? []), ...(request === null ? [] : [request])];
  return before === null ? { at: turn.now, by: turn.by, requests, detail: null } : { ...before, requests };
}

/** A node that was emptied and is shutting down goes on with that. */
function stopDrain(turn: Turn, drain: DrainState, cancelled: Cancellation): void {
  const why = `it was cancelled by ${cancelled.by}`;
  switch (drain.phase.kind) {
    case 'awaitingDestination':
      endDrain(turn, { ...drain, cancelled }, why);
      break;
    case 'moving':
      turn.setDrain({ ...drain, cancelled, phase: { ...drain.phase, stopped: drain.phase.stopped ?? why } });
      break;
    case 'shuttingDown':
      turn.setDrain({ ...drain, cancelled });
      break;
  }
}
