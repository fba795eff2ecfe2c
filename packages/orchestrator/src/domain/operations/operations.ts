/** Starting operations, taking them further, and cancelling them; what is said here holds for every kind. */
import { commandError } from '../state/errors.js';
import type { Cancellation, OperationKind, OperationPlan, OperationsById, OperationState } from '../state/operations.js';
import type { OrchestratorState } from '../state/state.js';
import type { Turn } from '../state/transaction.js';
import type { Asked, Progress, Started } from './operation.js';
import { OPERATIONS } from './registry.js';

/** @param answer when the request is answered: when the operation has begun, or when it has ended. */
export function startOperation(turn: Turn, request: string, plan: OperationPlan, answer: 'begun' | 'ended'): void {
  const started = start(turn, plan, { request: answer === 'ended' ? request : null, parent: null });
  if (!started.ok) turn.reply(request, started);
  else if (started.operation === null || answer === 'begun') {
    turn.done(request, started.message, { operation: started.operation });
  }
}

export function start<K extends OperationKind>(turn: Turn, plan: OperationPlan<K>, asked: Asked): Started {
  return OPERATIONS[plan.kind].start(turn, plan, asked);
}

/** Takes every operation as far as it goes now. */
export function runOperations(turn: Turn): void {
  // Of an earlier run: its nodes are still on their way back.
  if (turn.state.recalled && turn.state.graceUntil !== null) return;
  for (const id of [...turn.state.operations.keys()]) {
    const due = turn.state.operations.get(id);
    if (due !== undefined && due.deadline !== null && due.deadline <= turn.now) overdue(turn, due);
    const operation = turn.state.operations.get(id);
    if (operation !== undefined) step(turn, operation);
  }
}

function step<K extends OperationKind>(turn: Turn, operation: OperationState<K>): void {
  OPERATIONS[operation.kind].step(turn, operation);
}

function overdue<K extends OperationKind>(turn: Turn, operation: OperationState<K>): void {
  OPERATIONS[operation.kind].overdue(turn, operation);
}

function end<K extends OperationKind>(turn: Turn, operation: OperationState<K>, failure: string): void {
  OPERATIONS[operation.kind].end(turn, operation, failure);
}

/** All of them at once, with what is under way. */
export function endOperations(turn: Turn, why: string): void {
  for (const operation of turn.state.operations.values()) end(turn, operation, why);
}

/** The nodes that a restarted orchestrator waits for before it goes on with it. */
export function nodesOf<K extends OperationKind>(operation: OperationState<K>): readonly string[] {
  return OPERATIONS[operation.kind].nodes(operation);
}

/** What is left of it for the next run; null: nothing. @param later those that were begun after it. */
export function restoredOperation<K extends OperationKind>(
  operation: OperationState<K>,
  later: ReadonlyMap<string, OperationState>,
): OperationState<K> | null {
  return OPERATIONS[operation.kind].restored(operation, later);
}

/** How far it is. */
export function progressOf<K extends OperationKind>(state: OrchestratorState, operation: OperationState<K>): Progress {
  return OPERATIONS[operation.kind].status(state, operation);
}

/**
 * An operator cancels an operation. What is under way comes to its end, nothing further is begun; then the operation ends and everybody who
 * waits is told what was done. That it is cancelled is durable before anything follows from it, so a restart does not forget it.
 */
export function cancelOperation(turn: Turn, request: string, id: string): void {
  const operation = wholeOf(turn.state.operations, id);
  if (operation === undefined) {
    const ended = turn.state.endedOperations.find((each) => each.id === id);
    if (ended === undefined) turn.reply(request, { ok: false, error: unknownOperation(turn, id) });
    else turn.fail(request, 'DSO_OPERATION_OVER', `Operation ${id} is over already. ${ended.text}`);
    return;
  }
  const means = cancelOf(operation);
  if (!means.ok) {
    turn.fail(request, 'DSO_OPERATION_OVER', means.text);
  } else if (operation.cancelled !== null) {
    const { cancelled } = operation;
    turn.patchOperation(operation.id, { cancelled: { ...cancelled, requests: [...cancelled.requests, request] } });
  } else {
    turn.happened('operationCancelled', 'info', means.text, { operation: operation.id, kind: operation.kind });
    stop(turn, operation, { at: turn.now, by: turn.by, requests: [request] });
  }
}

/** A step is cancelled with the whole that it is a part of. */
function wholeOf(operations: OperationsById, id: string): OperationState | undefined {
  const operation = operations.get(id);
  const parent = operation?.parent ?? null;
  return parent === null ? operation : wholeOf(operations, parent);
}

function cancelOf<K extends OperationKind>(operation: OperationState<K>): { ok: boolean; text: string } {
  return OPERATIONS[operation.kind].cancel(operation);
}

function stop(turn: Turn, operation: OperationState, cancelled: Cancellation): void {
  const stopped = operation.stopped ?? `it was cancelled by ${cancelled.by}`;
  turn.patchOperation(operation.id, { cancelled, stopped });
  for (const each of turn.state.operations.values()) {
    if (each.parent === operation.id) stop(turn, each, { ...cancelled, requests: [] });
  }
}

function unknownOperation(turn: Turn, id: string): ReturnType<typeof commandError> {
  const ids = [...turn.state.operations.keys()];
  const hint = ids.length === 0 ? 'None is under way.' : `Under way: ${ids.join(', ')}.`;
  return commandError('DSO_UNKNOWN_OPERATION', `There is no operation "${id}". ${hint}`);
}
