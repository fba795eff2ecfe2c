/**
 * Seeded bugs in how decisions become durable together. That effects come before their batch is durable is
 * `acts-before-commit`.
 */
import type { StateStore } from '@dshard/orchestrator';
import type { Decide, Effect } from '@dshard/orchestrator/domain';
import type { Mutant } from './mutant.js';

type CommitOf = StateStore['commit'];

const committing =
  (change: (commit: CommitOf) => CommitOf) =>
  (store: StateStore): StateStore => ({ ...store, commit: change((commit) => store.commit(commit)) });

/** What a decision sends is held until the next one has sent. */
const swapsDecisions = (decide: Decide): Decide => {
  let held: readonly Effect[] = [];
  return (state, event, now) => {
    const decision = decide(state, event, now);
    const sent = decision.effects.filter(({ kind }) => kind === 'send');
    if (sent.length === 0) return decision;
    if (held.length === 0) {
      held = sent;
      return { ...decision, effects: decision.effects.filter(({ kind }) => kind !== 'send') };
    }
    const effects = [...decision.effects, ...held];
    held = [];
    return { ...decision, effects };
  };
};

export const GROUP_COMMIT_MUTANTS: Readonly<Record<string, Mutant>> = {
  'batch-out-of-order': {
    bug: 'of two decisions that become durable together the second takes effect first',
    decide: swapsDecisions,
  },
  'keeps-half-a-batch': {
    bug: 'of decisions that become durable together only the first half is kept',
    wrapStore: committing(
      (commit) => (all) => commit({ ...all, writes: all.writes.slice(0, Math.floor(all.writes.length / 2)) }),
    ),
  },
  'failed-batch-counts': {
    bug: 'a batch that could not be made durable is not undone',
    wrapStore: committing((commit) => async (batch) => {
      const result = await commit(batch);
      return result.ok || result.reason !== 'full' ? result : { ok: true, version: batch.expectedVersion + 1 };
    }),
    faults: ['disk'],
  },
};
