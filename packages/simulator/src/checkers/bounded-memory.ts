/** Invariant 10: memory is bounded: no list of the orchestrator's grows with time or with what peers do. */
import type { OrchestratorState } from '@dshard/orchestrator/domain';
import type { Checker, MakeChecker } from './checker.js';

const SENTENCE = 'memory is bounded';
const MOST_NODES = 100;

export const boundedMemory: MakeChecker = ({ plan, violated }): Checker => {
  const boundsOf = (state: OrchestratorState): [what: string, size: number, most: number][] => [
    ['nodes', state.nodes.size, MOST_NODES],
    ['connections', state.connections.size, state.nodes.size],
    ['migrations', state.migrations.size, plan.shards],
    ['waiting migrations', state.waitingMigrations.length, plan.shards],
    ['wishes to identify', state.identifies.waiting.length, plan.shards * Math.max(1, state.nodes.size)],
    ['operations', state.operations.size, state.nodes.size + 1],
    ['start requests', state.startRequests.size, MOST_NODES],
    ['launches', state.launches.size, MOST_NODES],
  ];
  return {
    see: (observation) => {
      if (observation.kind !== 'decided') return;
      for (const [what, size, most] of boundsOf(observation.state)) {
        if (size > most) violated(SENTENCE, `the orchestrator knows of ${size} ${what}, more than ${most}`);
      }
    },
  };
};
