/**
 * What an operation would do, without beginning it. Every kind has this for free: the plan is begun in a transaction
 * that is thrown away, so the plan is refused for the reasons for which the operation would be refused, and what the
 * operation would move and launch is read off the outcome. A kind that knows more says so in `Operation.plan`.
 */
import { counted } from '@dshard/protocol';
import type { OperationKind, OperationPlan } from '../state/operations.js';
import { Transaction } from '../state/transaction.js';
import { progressOf } from './operations.js';
import { OPERATIONS } from './registry.js';

export function planOperation(tx: Transaction, request: string, plan: OperationPlan): void {
  const made = dryRunOf(tx, plan);
  if (made.ok) tx.done(request, made.message, { operation: null, dryRun: made.dryRun });
  else tx.reply(request, made);
}

/** The lines are for people; `costs` null: nothing. What moves is told as far as that is known before it begins. */
function dryRunOf<K extends OperationKind>(tx: Transaction, plan: OperationPlan<K>) {
  const kind = OPERATIONS[plan.kind];
  const scratch = new Transaction(tx.state, tx.now);
  const started = scratch.actingFor(tx.by, () => kind.start(scratch, plan, { request: null, parent: null }));
  if (!started.ok) return started;
  const { operation, message } = started;
  const own = operation === null ? undefined : kind.plan?.(tx.state, plan);
  const begun = operation === null ? undefined : scratch.state.operations.get(operation);
  const moves = begun === undefined ? null : progressOf(scratch.state, begun).shards;
  const shards = moves === null ? [] : [...moves.moving, ...moves.waiting].toSorted((a, b) => a - b);
  const launches = scratch.state.launches.size - tx.state.launches.size;
  const lines = own?.lines ?? [message, ...linesOf(shards.length, launches)];
  return { ok: true, message, dryRun: { lines, costs: own?.costs ?? null, shards, launches } } as const;
}

function linesOf(shards: number, launches: number): readonly string[] {
  return [
    ...(shards === 0 ? [] : [`${counted(shards, 'shard')} would move.`]),
    ...(launches === 0 ? [] : [`${counted(launches, 'node')} would be launched at once.`]),
  ];
}
