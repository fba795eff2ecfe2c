/**
 * Seeded bugs, switched on from outside: wrappers around what is under test, or a simulated host that breaks its
 * contract. The simulator must catch each of them, or it proves nothing.
 */
import type { NodeOptions } from '@dshard/node';
import type { Decide as DecideShard } from '@dshard/node/gateway-shard';
import type { Leadership, LeadOptions, StateSpool, StateStore } from '@dshard/orchestrator';
import type { Decide, Effect } from '@dshard/orchestrator/domain';
import type { Message } from '@dshard/protocol';
import type { Clock } from '@dshard/transport';
import type { HostBehaviour } from '../host/sim-host.js';
import type { FaultName } from '../plan.js';

export type Mutant = {
  /** The bug, in a sentence. */
  bug: string;
  /** The faults under which it shows soon; without them those of the seed. */
  faults?: readonly FaultName[];
  host?: Partial<Omit<HostBehaviour, 'decideShard'>>;
  /** The machine of gateway shards. */
  decideShard?: (decide: DecideShard) => DecideShard;
  decide?: (decide: Decide) => Decide;
  node?: (options: NodeOptions) => NodeOptions;
  /** The store says that it has kept what it keeps only a while later. */
  lateStore?: boolean;
  /** Around the store. */
  wrapStore?: (store: StateStore) => StateStore;
  /** The database writes whatever epoch it is told. */
  ignoresEpoch?: boolean;
  /** How an orchestrator becomes the leader, and what it makes of that. */
  wrapLead?: (options: LeadOptions) => LeadOptions;
  wrapLeadership?: (leadership: Leadership) => Leadership;
  /** The clock that an orchestrator reads. */
  wrapClock?: (clock: Clock) => Clock;
  /** Where the state of parked shards lies. */
  spool?: (spool: StateSpool) => StateSpool;
  /** Caught by the exhaustive checker; the others by the simulator. */
  inModel?: boolean;
};

/** Changes what the orchestrator sends; null: it is not sent. */
export function sending(change: (message: Message) => Message | null): (decide: Decide) => Decide {
  return (decide) => (state, event, now) => {
    const decision = decide(state, event, now);
    const effects = decision.effects.flatMap((effect): readonly Effect[] => {
      if (effect.kind !== 'send') return [effect];
      const message = change(effect.message);
      return message === null ? [] : [{ ...effect, message }];
    });
    return { ...decision, effects };
  };
}
