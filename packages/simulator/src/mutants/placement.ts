/** Seeded bugs of placement: who gets a shard that nobody runs. */
import type { Decide, OrchestratorState } from '@dshard/orchestrator/domain';
import type { Mutant } from './mutant.js';

type Nodes = OrchestratorState['nodes'];

/** All nodes but the first one look cordoned while it is decided. */
const seesTheFirstNodeOnly =
  (decide: Decide): Decide =>
  (state, event, now) => {
    const [first] = [...state.nodes.values()].filter(({ connection }) => connection.kind === 'connected');
    const blind: Nodes = new Map(
      [...state.nodes].map(([id, node]) => {
        const isSeen = node === first || node.intent.kind !== 'serving';
        return [id, isSeen ? node : { ...node, intent: { kind: 'cordoned' } }];
      }),
    );
    const decision = decide({ ...state, nodes: blind }, event, now);
    const nodes: Nodes = new Map(
      [...decision.state.nodes].map(([id, node]) => {
        const was = state.nodes.get(id)?.intent;
        return [id, was?.kind === 'serving' && node.intent.kind === 'cordoned' ? { ...node, intent: was } : node];
      }),
    );
    return { ...decision, state: { ...decision.state, nodes } };
  };

export const PLACEMENT_MUTANTS: Readonly<Record<string, Mutant>> = {
  'piles-up': {
    bug: 'all shards that nobody runs are started on one node',
    decide: seesTheFirstNodeOnly,
    faults: ['kills'],
  },
  'forgets-limit': {
    bug: 'the orchestrator starts shards on nodes that have as many as they may have',
    decide: (decide) => (state, event, now) => {
      const { settings } = state;
      const decision = decide({ ...state, settings: { ...settings, maxShardsPerNode: null } }, event, now);
      return { ...decision, state: { ...decision.state, settings } };
    },
    faults: ['kills'],
  },
};
