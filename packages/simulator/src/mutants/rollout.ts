/** Seeded bugs in how a rollout ends. */
import type { Decide, OrchestratorState } from '@dshard/orchestrator/domain';
import type { Mutant } from './mutant.js';

type Operation = OrchestratorState['operations'] extends ReadonlyMap<string, infer O> ? O : never;
type Rollout = Extract<Operation, { kind: 'rollout' }>;

/** Changes a rollout after each decision; null: it is over. */
function rolling(change: (rollout: Rollout) => Rollout | null): (decide: Decide) => Decide {
  return (decide) => (state, event, now) => {
    const decision = decide(state, event, now);
    const operations = new Map(decision.state.operations);
    for (const [id, operation] of operations) {
      if (operation.kind !== 'rollout') continue;
      const changed = change(operation);
      if (changed === null) operations.delete(id);
      else operations.set(id, changed);
    }
    return { ...decision, state: { ...decision.state, operations } };
  };
}

export const ROLLOUT_MUTANTS: Readonly<Record<string, Mutant>> = {
  'ends-after-the-canary': {
    bug: 'a rollout ends the old nodes when its canary is well, with most shards on them',
    decide: rolling((rollout) =>
      rollout.phase === 'baking' && rollout.stages[rollout.stage]?.shards !== null
        ? { ...rollout, phase: 'ending' }
        : rollout,
    ),
  },
  'forgets-what-it-reverts': {
    bug: 'a rollout that fails is over at once, and leaves its shards on the new nodes',
    decide: rolling((rollout) => (rollout.phase === 'reverting' && rollout.moved.length > 0 ? null : rollout)),
  },
};
