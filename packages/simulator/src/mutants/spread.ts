/** Seeded bugs in spreading shards: drains with a deadline, and rebalancing. */
import type { Decide, OrchestratorState } from '@dshard/orchestrator/domain';
import type { Mutant } from './mutant.js';

type Operations = OrchestratorState['operations'];

const forgetsDeadlines =
  (decide: Decide): Decide =>
  (state, event, now) => {
    const decision = decide({ ...state, operations: withUntil(state.operations, () => null) }, event, now);
    const operations = withUntil(decision.state.operations, (id, until) => {
      const before = state.operations.get(id);
      return before?.kind === 'drain' ? before.until : until;
    });
    return { ...decision, state: { ...decision.state, operations } };
  };

function withUntil(operations: Operations, untilOf: (id: string, until: number | null) => number | null): Operations {
  const changed = [...operations].map(([id, operation]) => {
    return [
      id,
      operation.kind === 'drain' ? { ...operation, until: untilOf(id, operation.until) } : operation,
    ] as const;
  });
  return new Map(changed);
}

/** Cordoned nodes look as if they served. */
const forgetsCordons =
  (decide: Decide): Decide =>
  (state, event, now) => {
    if (event.kind === 'command') return decide(state, event, now);
    const isCordoned = (id: string): boolean => state.nodes.get(id)?.intent.kind === 'cordoned';
    const decision = decide({ ...state, nodes: withIntent(state.nodes, isCordoned, 'serving') }, event, now);
    return {
      ...decision,
      state: { ...decision.state, nodes: withIntent(decision.state.nodes, isCordoned, 'cordoned') },
    };
  };

function withIntent(
  nodes: OrchestratorState['nodes'],
  isMeant: (id: string) => boolean,
  kind: 'serving' | 'cordoned',
): OrchestratorState['nodes'] {
  const changed = [...nodes].map(([id, node]) => {
    const isChanged = isMeant(id) && node.intent.kind !== 'shuttingDown';
    return [id, isChanged ? { ...node, intent: { kind } } : node] as const;
  });
  return new Map(changed);
}

export const SPREAD_MUTANTS: Readonly<Record<string, Mutant>> = {
  'drains-for-ever': {
    bug: 'the orchestrator forgets the deadline of a drain',
    decide: forgetsDeadlines,
    faults: ['operators', 'slowState'],
  },
  'spreads-onto-cordoned': {
    bug: 'shards are spread over cordoned nodes as well',
    decide: forgetsCordons,
    faults: ['operators'],
  },
};
