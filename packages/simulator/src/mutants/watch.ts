/** Seeded bugs in how a shard notices that its connection is deaf. */
import type { Mutant } from './mutant.js';

export const WATCH_MUTANTS: Readonly<Record<string, Mutant>> = {
  'trusts-its-own-silence': {
    bug: 'a gateway shard never doubts a connection whose session began here',
    decideShard: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      const { quiet } = decision.state;
      if (quiet === null || quiet.foreign) return decision;
      return { ...decision, state: { ...decision.state, quiet: { ...quiet, silentMs: 0 } } };
    },
    faults: ['deaf'],
  },
  'restarts-when-silent': {
    bug: 'a gateway shard on which nothing comes begins a new session instead of resuming its own',
    decideShard: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      const isDoubted = (decision.state.quiet?.probes ?? 0) > (state.quiet?.probes ?? 0);
      return isDoubted ? { ...decision, state: { ...decision.state, session: null } } : decision;
    },
    faults: ['deaf'],
  },
};
