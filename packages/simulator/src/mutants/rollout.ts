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

/** Whoever undoes a rollout is told that all is back, and nothing is moved. */
const saysThatAllIsBack =
  (decide: Decide): Decide =>
  (state, event, now) => {
    const isUndo = event.kind === 'command' && event.command.kind === 'steerRollout' && event.command.action === 'undo';
    const rollout = [...state.operations.values()].find(({ kind }) => kind === 'rollout');
    if (!isUndo || rollout === undefined || state.migrations.size > 0) return decide(state, event, now);
    const operations = new Map(state.operations);
    operations.delete(rollout.id);
    const { id, kind, by, startedAt } = rollout;
    const text = 'The rollout was undone.';
    const ended = { id, kind, by, startedAt, endedAt: now, outcome: 'failed', text } as const;
    return decide({ ...state, operations, endedOperations: [...state.endedOperations, ended] }, event, now);
  };

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
  'says-that-all-is-back': {
    bug: 'a rollout that is undone says so at once, and its shards stay on the new nodes',
    decide: saysThatAllIsBack,
    inModel: true,
  },
  'ends-the-wrong-side': {
    bug: 'a rollout that goes back takes its new nodes for the old ones, and ends those',
    decide: rolling((rollout) => {
      // What is of no use any more says whether it was done.
      const isDone = rollout.promoted;
      if (rollout.failure === null || isDone) return rollout;
      const pairs = rollout.pairs.map((pair) => ({ ...pair, old: pair.new ?? pair.old, new: pair.old }));
      return { ...rollout, pairs, destinations: rollout.pairs.map(({ old }) => old), promoted: true };
    }),
    inModel: true,
  },
};
