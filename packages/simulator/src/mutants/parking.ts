/** Seeded bugs around parked shards. */
import type { OrchestratorState, ShardState } from '@dshard/orchestrator/domain';
import type { Mutant } from './mutant.js';

/** Each parked shard is another one than it is. */
function withParked(
  state: OrchestratorState,
  change: (shard: Extract<ShardState, { kind: 'parked' }>) => ShardState,
): OrchestratorState {
  if (!state.shards.some(({ kind }) => kind === 'parked')) return state;
  return { ...state, shards: state.shards.map((shard) => (shard.kind === 'parked' ? change(shard) : shard)) };
}

export const PARKING_MUTANTS: Readonly<Record<string, Mutant>> = {
  'parked-with-an-older-cursor': {
    bug: 'a parked shard is resumed from an event before the one that its state is as of',
    decide: (decide) => (state, event, now) => {
      const decision = decide(state, event, now);
      const older = withParked(decision.state, (shard) => {
        const { known } = shard.parked;
        const isNew = state.shards[decision.state.shards.indexOf(shard)]?.kind !== 'parked';
        const sequence = Math.max(0, Number(known.session.sequence) - 1);
        if (!isNew) return shard;
        return { ...shard, parked: { ...shard.parked, known: { ...known, session: { ...known.session, sequence } } } };
      });
      return { ...decision, state: older };
    },
    faults: ['operators'],
  },
  'keeps-every-file': {
    bug: 'what was parked stays in the spool for ever',
    spool: (spool) => ({ ...spool, remove: async () => undefined, files: async () => [] }),
    faults: ['operators'],
  },
};
