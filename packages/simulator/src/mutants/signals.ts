/** Seeded bugs in what is told of how a version fares. */
import { sending, type Mutant } from './mutant.js';

export const SIGNALS_MUTANTS: Readonly<Record<string, Mutant>> = {
  'forgets-health': {
    bug: 'the orchestrator does not keep what bots say of themselves',
    decide: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      const nodes = new Map([...decision.state.nodes].map(([id, node]) => [id, { ...node, signals: null }]));
      return { ...decision, state: { ...decision.state, nodes } };
    },
  },
  'fails-for-ever': {
    bug: 'the orchestrator does not tell nodes that their version is fine again',
    decide: sending((message) => (message.kind === 'versionHealth' && message.failing === null ? null : message)),
    faults: ['operators'],
  },
  'complains-for-ever': {
    bug: 'a bot that was not well once is told as one that is not well',
    node: (options) => {
      const { health } = options;
      let complaint: string | null = null;
      return {
        ...options,
        health: async () => {
          const answer = await health?.();
          if (typeof answer === 'string') complaint = answer;
          return complaint ?? answer;
        },
      };
    },
    faults: ['operators'],
  },
};
