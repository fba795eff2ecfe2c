/** Seeded bugs in what is done with hosts. */
import type { Decide, OrchestratorState } from '@dshard/orchestrator/domain';
import type { Mutant } from './mutant.js';

type Nodes = OrchestratorState['nodes'];

/** Each node stands for itself; afterwards they are where they were. */
const forgetsHosts =
  (decide: Decide): Decide =>
  (state, event, now) => {
    const decision = decide({ ...state, nodes: withHosts(state.nodes, () => null) }, event, now);
    const nodes = withHosts(decision.state.nodes, (id, host) => state.nodes.get(id)?.host ?? host);
    return { ...decision, state: { ...decision.state, nodes } };
  };

function withHosts(nodes: Nodes, hostOf: (id: string, host: string | null) => string | null): Nodes {
  return new Map([...nodes].map(([id, node]) => [id, { ...node, host: hostOf(id, node.host) }]));
}

const forgetsCordons =
  (decide: Decide): Decide =>
  (state, event, now) => {
    if (event.kind === 'command') return decide(state, event, now);
    const decision = decide({ ...state, hosts: new Map() }, event, now);
    return { ...decision, state: { ...decision.state, hosts: state.hosts } };
  };

export const HOSTS_MUTANTS: Readonly<Record<string, Mutant>> = {
  'judges-by-nodes': {
    bug: 'the orchestrator takes a host that is lost with most of the nodes for its own being cut off',
    decide: forgetsHosts,
    faults: ['hosts'],
  },
  'forgets-cordoned-hosts': {
    bug: 'the orchestrator gives shards to nodes of a cordoned host',
    decide: forgetsCordons,
    faults: ['hosts', 'kills'],
  },
};
