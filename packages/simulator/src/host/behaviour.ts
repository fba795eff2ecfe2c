/** What a simulated host may do wrong: mutants switch one of them on to prove that somebody notices. Bugs of the gateway shard are in its machine. */
import type { Decide } from '@dshard/node/gateway-shard';

export type HostBehaviour = {
  /** The machine of its gateway shards. */
  decideShard: Decide;
  /** Whether all of a shard's state is sent. */
  sendsWholeState: boolean;
  /** Whether what changes while the state is copied is sent once more. */
  sendsChanges: boolean;
};
