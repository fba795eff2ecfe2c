/**
 * Operations as records, `operation/<id>`: those under way with all that the next run needs, and the last ones that
 * ended with how they did. An operation keeps its record when it ends, so one write tells both. Those who wait for an
 * answer do not survive us.
 */
import { OPERATION_SHAPES } from '../state/operations.js';
import type { EndedOperation, OperationData, OperationKind, OperationState } from '../state/operations.js';
import { nullOr, object, oneOf, picked, text, time, Unreadable, type Reader, type Shape } from '../state/shape.js';
import type { OrchestratorState } from '../state/state.js';
import { recordsOfMap, type Codec, type JsonValue } from './records.js';

const kind: Reader<OperationKind> = oneOf(...(Object.keys(OPERATION_SHAPES) as OperationKind[]));

/** What every operation has that is under way. */
type Running = Pick<OperationState, 'parent' | 'startedAt' | 'by' | 'stopped'> & {
  kind: OperationKind;
  cancelled: { at: number; by: string } | null;
};

const RUNNING: Shape<Running> = {
  kind,
  parent: nullOr(text),
  startedAt: time,
  by: text,
  stopped: nullOr(text),
  cancelled: nullOr(object({ at: time, by: text })),
};

const ENDED: Shape<Omit<EndedOperation, 'id'>> = {
  kind,
  outcome: oneOf('done', 'failed', 'cancelled'),
  text,
  by: text,
  startedAt: time,
  endedAt: time,
};

/** By id: what is under way and what has ended. */
function operationsById({
  operations,
  endedOperations,
}: Pick<OrchestratorState, 'operations' | 'endedOperations'>): ReadonlyMap<string, OperationState | EndedOperation> {
  return new Map<string, OperationState | EndedOperation>([
    ...endedOperations.map((ended) => [ended.id, ended] as const),
    ...operations,
  ]);
}

export function operationRecord(operation: OperationState | EndedOperation): JsonValue {
  if ('outcome' in operation) return picked(ENDED, operation);
  const { cancelled } = operation;
  const running = { ...operation, cancelled: cancelled === null ? null : { at: cancelled.at, by: cancelled.by } };
  return { ...picked(RUNNING, running), ...dataOf(operation) };
}

function dataOf<K extends OperationKind>(operation: OperationState<K>): OperationData[K] {
  const shape: Shape<OperationData[K]> = OPERATION_SHAPES[operation.kind];
  return picked(shape, operation);
}

/** @throws Unreadable */
export function readOperation(id: string, record: JsonValue): OperationState | EndedOperation {
  if (typeof record !== 'object' || record === null) throw new Unreadable('The record of an operation is an object.');
  if ('outcome' in record) return { id, ...object(ENDED)(record) };
  const running = object(RUNNING)(record);
  const cancelled = running.cancelled === null ? null : { ...running.cancelled, requests: [] };
  const common = { ...running, id, cancelled, request: null, deadline: null, outcomes: [] };
  return { ...common, ...readData(running.kind, record) } as unknown as OperationState;
}

function readData<K extends OperationKind>(of: K, record: JsonValue): OperationData[K] {
  const shape: Shape<OperationData[K]> = OPERATION_SHAPES[of];
  return object(shape)(record);
}

export const OPERATIONS: Codec<OperationState | EndedOperation, OperationState | EndedOperation> = recordsOfMap({
  kind: 'operation',
  map: operationsById,
  parts: ({ operations, endedOperations }) => [operations, endedOperations],
  write: operationRecord,
  read: (value, id) => readOperation(id, value),
});
