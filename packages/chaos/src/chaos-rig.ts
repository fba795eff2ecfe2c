/** What the course of a run, its operators and its verdict need of whatever runs, on one host or on several. */
import type { GatewayEmulator } from '@dshard/gateway-emulator';
import type { Clock, Random } from '@dshard/transport';
import type { StatusV1 } from '@dshard/api';
import type { EventWatch } from './event-watch.js';
import type { FaultName } from './fault-kinds.js';

/** Does a fault to its end. `say` tells what is done, in words. */
export type Inject = (name: FaultName, random: Random, say: (text: string) => void) => Promise<void>;

export type ChaosRig = {
  readonly clock: Clock;
  readonly shards: number;
  /** How many nodes serve when all is well. */
  readonly nodes: number;
  readonly emulator: GatewayEmulator;
  readonly watch: EventWatch;
  /** For so long nothing may be amiss before a fault counts as recovered from: what it broke may show late. */
  readonly settledForMs: number;
  /** Whether a rollout replaces the nodes: where the orchestrator launches them. */
  readonly launches: boolean;
  status(): Promise<StatusV1>;
  /** Shards whose session has a connection. */
  attached(): number;
  /** REST. Resolves with the orchestrator's sentence when the operation is done. */
  post(path: string, parameters: Readonly<Record<string, string>>): Promise<string>;
  /** Why some faults cannot be done here. */
  missing(): Partial<Record<FaultName, string>>;
  /** The last lines of what runs. */
  readonly log: readonly string[];
};
