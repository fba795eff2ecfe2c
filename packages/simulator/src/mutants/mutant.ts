/**
 * Seeded bugs, switched on from outside: wrappers around what is under test, or a simulated host that breaks its contract. The
 * simulator must catch each of them, or it proves nothing.
 */
import type { NodeOptions } from '@dshard/node';
import type { Decide as DecideShard } from '@dshard/node/gateway-shard';
import type { Decide } from '@dshard/orchestrator/domain';
import type { HostBehaviour } from '../host/behaviour.js';
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
  /** Caught by the exhaustive checker; the others by the simulator. */
  inModel?: boolean;
};
