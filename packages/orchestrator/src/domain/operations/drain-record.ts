/** What became of the migrations that belong to a drain. Bookkeeping only: `drain.ts` draws the conclusions. */
import type { MigrationOutcome } from '../state/state.js';
import type { Turn } from '../state/transaction.js';

/** Those of a drain that is over are nobody's. */
export function readOutcomes(turn: Turn): void {
  const { migrationOutcomes } = turn.state;
  if (migrationOutcomes.length === 0) return;
  for (const outcome of migrationOutcomes) recordMove(turn, outcome);
  turn.patch({ migrationOutcomes: [] });
}

function recordMove(turn: Turn, { operation, shard, failure }: MigrationOutcome): void {
  const drain = turn.state.drains.get(operation);
  if (drain?.phase.kind !== 'moving') return;
  const { phase } = drain;
  if (failure === null) {
    const moved = [...phase.moved, shard];
    turn.setDrain({ ...drain, phase: { ...phase, moved } });
    const left = phase.waiting.length;
    const text = `Node ${drain.origin} has given up ${moved.length} shard(s); ${left} wait for their turn.`;
    const facts = { operation: drain.id, moved: moved.length, waiting: left, failed: phase.failed.length };
    turn.happened('operationProgress', 'debug', text, facts, drain.by);
  } else if (phase.retried.includes(shard)) {
    turn.setDrain({ ...drain, phase: { ...phase, failed: [...phase.failed, { shard, reason: failure }] } });
  } else {
    turn.setDrain({ ...drain, phase: { ...phase, retried: [...phase.retried, shard] } });
  }
}
