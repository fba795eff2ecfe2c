/** Starting operations, taking them further, and cancelling them; what is said here holds for every kind. */
import { isAnswered, remember, type Once } from '../access/remembered.js';
import { commandError } from '../state/errors.js';
import type {
  Cancellation,
  OperationKind,
  OperationPlan,
  OperationsById,
  OperationState,
} from '../state/operations.js';
import type { OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import type { Asked, Progress, Started } from './operation.js';
import { makeWay } from './rebalance.js';
import { OPERATIONS } from './registry.js';

type Start = {
  plan: OperationPlan;
  /** When the request is answered: when the operation has begun, or when it has ended. */
  answer: 'begun' | 'ended';
  /** It may come again. */
  once?: Once;
};

export function startOperation(tx: Transaction, request: string, { plan, answer, once }: Start): void {
  if (once !== undefined && isAnswered(tx, request, once)) return;
  const started = start(tx, plan, { request: answer === 'ended' ? request : null, parent: null });
  if (!started.ok) return tx.reply(request, started);
  if (once !== undefined) remember(tx, once, started);
  if (started.operation === null || answer === 'begun') {
    tx.done(request, started.message, { operation: started.operation });
  }
}

/** What nobody asked for makes way for what somebody asks for. */
function start<K extends OperationKind>(tx: Transaction, plan: OperationPlan<K>, asked: Asked): Started {
  makeWay(tx, `${tx.by} asked for a ${plan.kind}`);
  return OPERATIONS[plan.kind].start(tx, plan, asked);
}

/** Takes every operation as far as it goes now. */
export function runOperations(tx: Transaction): void {
  if (isReturning(tx)) return;
  for (const id of tx.state.operations.keys()) {
    const operation = tx.state.operations.get(id);
    if (operation !== undefined) step(tx, operation);
  }
}

/** What an operation waits for has taken too long. */
export function expireOperation<K extends OperationKind>(tx: Transaction, operation: OperationState<K>): void {
  if (!isReturning(tx)) OPERATIONS[operation.kind].overdue(tx, operation);
}

/** Operations of an earlier run wait for the nodes that are still on their way back. */
function isReturning({ state }: Transaction): boolean {
  return state.recalled && state.graceUntil !== null;
}

function step<K extends OperationKind>(tx: Transaction, operation: OperationState<K>): void {
  OPERATIONS[operation.kind].step(tx, operation);
}

function end<K extends OperationKind>(tx: Transaction, operation: OperationState<K>, failure: string): void {
  OPERATIONS[operation.kind].end(tx, operation, failure);
}

/** All of them at once, with what is under way. */
export function endOperations(tx: Transaction, why: string): void {
  for (const operation of tx.state.operations.values()) end(tx, operation, why);
}

/** How far it is. */
export function progressOf<K extends OperationKind>(state: OrchestratorState, operation: OperationState<K>): Progress {
  return OPERATIONS[operation.kind].status(state, operation);
}

/**
 * How long it still takes, if it goes on at the pace it had so far. null: nobody knows, because nothing is done yet, or
 * because it waits.
 */
export function etaOf(progress: Progress, startedAt: number, now: number): number | null {
  if (progress.etaMs !== undefined) return progress.etaMs;
  const { shards, nodes, waitsFor } = progress;
  const [done, total] = shards.total > 0 ? [shards.moved, shards.total] : [nodes?.done ?? 0, nodes?.total ?? 0];
  if (waitsFor !== null || done <= 0) return null;
  return Math.round(((now - startedAt) / done) * Math.max(0, total - done));
}

/**
 * An operator cancels an operation. What is under way comes to its end, nothing further is begun; then the operation
 * ends and everybody who waits is told what was done. That it is cancelled is durable before anything follows from it,
 * so a restart does not forget it.
 */
export function cancelOperation(tx: Transaction, request: string, id: string): void {
  const operation = wholeOf(tx.state.operations, id);
  if (operation === undefined) {
    const ended = tx.state.endedOperations.find((each) => each.id === id);
    if (ended === undefined) tx.reply(request, { ok: false, error: unknownOperation(tx, id) });
    else tx.fail(request, 'DSO_OPERATION_OVER', `Operation ${id} is over already. ${ended.text}`);
    return;
  }
  const means = cancelOf(operation);
  if (!means.ok) {
    tx.fail(request, 'DSO_OPERATION_OVER', means.text);
  } else if (operation.cancelled !== null) {
    const { cancelled } = operation;
    tx.patchOperation(operation.id, { cancelled: { ...cancelled, requests: [...cancelled.requests, request] } });
  } else {
    tx.record('operationCancelled', 'info', means.text, { operation: operation.id, kind: operation.kind });
    stop(tx, operation, { at: tx.now, by: tx.by, requests: [request] });
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

function stop(tx: Transaction, operation: OperationState, cancelled: Cancellation): void {
  const stopped = operation.stopped ?? `it was cancelled by ${cancelled.by}`;
  tx.patchOperation(operation.id, { cancelled, stopped });
  for (const each of tx.state.operations.values()) {
    if (each.parent === operation.id) stop(tx, each, { ...cancelled, requests: [] });
  }
}

function unknownOperation(tx: Transaction, id: string): ReturnType<typeof commandError> {
  const ids = [...tx.state.operations.keys()];
  const hint = ids.length === 0 ? 'None is under way.' : `Under way: ${ids.join(', ')}.`;
  return commandError('DSO_UNKNOWN_OPERATION', `There is no operation "${id}". ${hint}`);
}
