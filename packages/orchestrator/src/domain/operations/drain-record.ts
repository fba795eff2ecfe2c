/** What the parts of a drain that happen elsewhere leave behind in it. Bookkeeping only: `drain.ts` draws the conclusions. */
import type { MigrationState } from '../state/state.js';
import type { Turn } from '../state/transaction.js';

/** A migration that belongs to a drain is over. @param failure null: the shard was moved. */
export function recordMove(turn: Turn, migration: MigrationState, failure: string | null): void {
  const drain = migration.drain === null ? undefined : turn.state.drains.get(migration.drain);
  if (drain?.phase.kind !== 'moving') return;
  const { shard } = migration;
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

/** The node a drain waited for is there. */
export function recordDestination(turn: Turn, launch: string, node: string): void {
  for (const drain of turn.state.drains.values()) {
    if (drain.phase.kind !== 'awaitingDestination' || drain.phase.launch !== launch) continue;
    turn.setDrain({
      ...drain,
      destination: node,
      phase: { kind: 'moving', waiting: [], moved: [], failed: [], retried: [], stopped: null, heldSince: null },
    });
  }
}
