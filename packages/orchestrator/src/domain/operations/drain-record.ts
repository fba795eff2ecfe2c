/** What became of the migrations that belong to a drain. Bookkeeping only: `drain.ts` draws the conclusions. */
import type { MigrationOutcome } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** Those of a drain that is over are nobody's. */
export function readOutcomes(tx: Transaction): void {
  const { migrationOutcomes } = tx.state;
  if (migrationOutcomes.length === 0) return;
  for (const outcome of migrationOutcomes) recordMove(tx, outcome);
  tx.patch({ migrationOutcomes: [] });
}

function recordMove(tx: Transaction, { operation, shard, failure }: MigrationOutcome): void {
  const drain = tx.state.drains.get(operation);
  if (drain?.phase.kind !== 'moving') return;
  const { phase } = drain;
  if (failure === null) {
    const moved = [...phase.moved, shard];
    tx.setDrain({ ...drain, phase: { ...phase, moved } });
    const left = phase.waiting.length;
    const text = `Node ${drain.origin} has given up ${moved.length} shard(s); ${left} wait for their turn.`;
    const facts = { operation: drain.id, moved: moved.length, waiting: left, failed: phase.failed.length };
    tx.record('operationProgress', 'debug', text, facts, drain.by);
  } else if (phase.retried.includes(shard)) {
    tx.setDrain({ ...drain, phase: { ...phase, failed: [...phase.failed, { shard, reason: failure }] } });
  } else {
    tx.setDrain({ ...drain, phase: { ...phase, retried: [...phase.retried, shard] } });
  }
}
