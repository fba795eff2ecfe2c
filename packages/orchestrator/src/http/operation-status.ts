/**
 * `GET /v1/operations`: what operators began and what takes its time, how far it is, and how the last ones ended. The
 * ids are those that `POST /v1/operations/:id/cancel` takes.
 */
import type { OperationStatus } from '@dshard/api';
import { etaOf, progressOf } from '../domain/operations/operations.js';
import type { EndedOperation, OperationState } from '../domain/state/operations.js';
import type { OrchestratorState } from '../domain/state/state.js';

/** Those under way first, then the last ones that ended, the newest first. A step is told of with the whole. */
export function operationsOf(state: OrchestratorState, now: number): readonly OperationStatus[] {
  const running = [...state.operations.values()].filter(({ parent }) => parent === null);
  const ended = state.endedOperations.map(endedStatus).reverse();
  return [...running.map((operation) => statusOf(state, operation, now)), ...ended];
}

/** Also a step: it has an id of its own. */
export function operationOf(state: OrchestratorState, id: string, now: number): OperationStatus | undefined {
  const running = state.operations.get(id);
  if (running !== undefined) return statusOf(state, running, now);
  return operationsOf(state, now).find((operation) => operation.id === id);
}

function statusOf(state: OrchestratorState, operation: OperationState, now: number): OperationStatus {
  const { id, kind, parent, by, cancelled, startedAt } = operation;
  const progress = progressOf(state, operation);
  const text = progress.waitsFor === null ? progress.text : `${progress.text} It waits: ${progress.waitsFor}.`;
  return {
    id,
    kind,
    state: cancelled === null ? 'running' : 'cancelling',
    parent,
    by,
    cancelledBy: cancelled?.by ?? null,
    ...progress,
    etaMs: etaOf(progress, startedAt, now),
    text,
    startedAt,
    endedAt: null,
  };
}

function endedStatus({ id, kind, outcome, text, by, startedAt, endedAt }: EndedOperation): OperationStatus {
  const over = {
    parent: null,
    cancelledBy: null,
    waitsFor: null,
    etaMs: null,
    origin: null,
    destination: null,
    shards: null,
  };
  return { id, kind, state: outcome, text, by, ...over, failed: [], nodes: null, startedAt, endedAt };
}
