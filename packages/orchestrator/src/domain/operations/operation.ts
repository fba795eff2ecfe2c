/**
 * What an operation is, whatever its kind: how it begins, goes on, and ends. A kind says what is its own in an
 * `Operation` and is registered in `registry.ts`; the durable record, the history, cancelling, restarts, REST and the
 * command line follow from there.
 */
import type { CommandError } from '../state/commands.js';
import type { HistoryEntry } from '../state/effects.js';
import { commandError } from '../state/errors.js';
import type { OperationData, OperationKind, OperationPlans, OperationState } from '../state/operations.js';
import type { OrchestratorState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** Who is answered when it has ended, and the operation that it is a step of. */
export type Asked = { request: string | null; parent: string | null };

/** `operation` null: there is nothing to do. */
export type Started = { ok: true; operation: string | null; message: string } | { ok: false; error: CommandError };

/** How far an operation is. `shards.total`: as far as it is known now. */
export type Progress = {
  /** In a sentence. */
  text: string;
  /** Why nothing of it goes on at the moment. null: it does. */
  waitsFor: string | null;
  /** The nodes that give up their shards now, as text. */
  origin: string | null;
  /** null: not known yet, or all other nodes. */
  destination: string | null;
  shards: { moved: number; total: number; moving: readonly number[]; waiting: readonly number[] };
  /** Tried twice and given up; they stay where they are. */
  failed: readonly { shard: number; reason: string }[];
  /** Of operations that take node by node. */
  nodes: { done: number; total: number } | null;
  /** How long it still takes, where the kind knows better than the pace so far. */
  etaMs?: number | null;
};

/** What a kind says of a plan before it is begun. */
type Outlook = {
  /** For people, in order. */
  readonly lines: readonly string[];
  /** What it costs in state or IDENTIFYs, as a sentence; people are asked to confirm. Absent or null: nothing. */
  readonly costs?: string | null;
};

/** One kind of operation. */
export type Operation<K extends OperationKind> = {
  kind: K;
  /** Its ids are `d7`. */
  idPrefix: string;
  /** Checks a plan, and begins. */
  start(tx: Transaction, plan: OperationPlans[K], asked: Asked): Started;
  /** What `--dry-run` says. Asked only for a plan that could begin now. Absent: what `dry-run.ts` finds out. */
  plan?(state: OrchestratorState, plan: OperationPlans[K]): Outlook;
  /** Takes it as far as it goes now. Run again on its own result it must change nothing. */
  step(tx: Transaction, operation: OperationState<K>): void;
  /** Its `deadline` has passed. */
  overdue(tx: Transaction, operation: OperationState<K>): void;
  status(state: OrchestratorState, operation: OperationState<K>): Progress;
  /** What cancelling it means, or why it is too late for that. */
  cancel(operation: OperationState<K>): { ok: boolean; text: string };
  /** @param failure why it ends before all is done; null: everything that was asked for is done. */
  end(tx: Transaction, operation: OperationState<K>, failure: string | null): void;
};

type Facts = HistoryEntry['fields'];

/** @param about what it does, as a sentence, and its facts for the history. */
export function beginOperation<K extends OperationKind>(
  tx: Transaction,
  { kind, idPrefix }: Pick<Operation<K>, 'kind' | 'idPrefix'>,
  { request, parent }: Asked,
  data: OperationData[K],
  about: { text: string; facts: Facts },
): string {
  const id = tx.nextId(idPrefix);
  const common = { id, parent, startedAt: tx.now, by: tx.by, request, cancelled: null, stopped: null };
  const operation = { ...common, kind, deadline: null, outcomes: [], ...data };
  tx.setOperation(operation as unknown as OperationState);
  tx.record('operationStarted', 'info', about.text, { operation: id, kind, parent, ...about.facts });
  return id;
}

/** How many that are over are kept: whoever asked for one may not be there any more to be told. */
const KEPT = 20;

/**
 * @param ending.text how it ended, for everybody who is told; `figures` are for whoever asked for it, `facts` for the
 * history.
 */
export function endOperation(
  tx: Transaction,
  operation: OperationState,
  failure: string | null,
  ending: { text: string; figures: { moved: number } & Record<string, unknown>; facts: Facts },
): void {
  const { id, kind, parent, by, startedAt, request, cancelled } = operation;
  const { text, figures } = ending;
  const outcome = failure === null ? 'done' : cancelled === null ? 'failed' : 'cancelled';
  tx.removeOperation(id);
  const ended = { id, kind, outcome, text, by, startedAt, endedAt: tx.now } as const;
  tx.patch({ endedOperations: [...tx.state.endedOperations, ended].slice(-KEPT) });
  const level = outcome !== 'failed' ? 'info' : parent === null ? 'error' : 'warn';
  const facts = { operation: id, kind, parent, outcome, ok: failure === null, ...ending.facts };
  tx.record('operationEnded', level, text, facts, by);
  tx.leaveOutcome(parent, { kind: 'ended', operation: id, failure, text, moved: figures.moved });
  for (const asked of cancelled?.requests ?? []) tx.done(asked, text, { operation: id, outcome });
  if (tx.state.ending !== null) tx.fail(request, 'DSO_FLEET_ENDING', text);
  else if (outcome === 'done') tx.done(request, text, { operation: id, ...figures });
  else tx.fail(request, outcome === 'failed' ? 'DSO_OPERATION_FAILED' : 'DSO_OPERATION_CANCELLED', text);
}

/** For an operation that ends before its moves: what is on its way arrives as nobody's step. */
export function letGo(tx: Transaction, id: string): void {
  for (const migration of tx.state.migrations.values()) {
    if (migration.operation === id) tx.setMigration({ ...migration, operation: null });
  }
}

export function notStarted(...reason: Parameters<typeof commandError>): Started & { ok: false } {
  return { ok: false, error: commandError(...reason) };
}
