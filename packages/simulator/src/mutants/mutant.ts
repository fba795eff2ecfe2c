/**
 * Seeded bugs, switched on from outside: wrappers around what is under test, or a simulated host that breaks its contract. The
 * simulator must catch each of them, or it proves nothing.
 */
import type { NodeOptions } from '@dshard/node';
import type { Decide } from '@dshard/orchestrator/domain';
import type { HostBehaviour } from '../host/behaviour.js';

export type Mutant = {
  /** The bug, in a sentence. */
  bug: string;
  host?: Partial<HostBehaviour>;
  decide?: (decide: Decide) => Decide;
  node?: (options: NodeOptions) => NodeOptions;
};
