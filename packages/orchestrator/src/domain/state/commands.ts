import type { CallEach, GatewaySession } from '@dshard/protocol';
import type { ApiToken, AuditEntry } from './access.js';
import type { OperationPlan } from './operations.js';
import type { Settings } from './settings.js';

/** What an operator can ask for (REST, CLI). Answered by a `reply` effect with the same request id, when done. */
export type OperatorCommand =
  | { kind: 'startNode' }
  /** `now`: with its shards on it. Else the node is drained first. */
  | { kind: 'shutdownNode'; node: string; now: boolean }
  | { kind: 'startShards'; node: string; shards: readonly number[] }
  | { kind: 'stopShard'; shard: number }
  | { kind: 'migrateShard'; shard: number; destination: string }
  /** The orchestrator keeps its state and its session for the next node. Answered when it does. */
  | { kind: 'parkShard'; shard: number }
  /** Answered when the operation has begun, with its id, or when it has ended. `once`: see `access/remembered.ts`. */
  | {
      kind: 'startOperation';
      plan: OperationPlan;
      answer: 'begun' | 'ended';
      once?: { key: string; fingerprint: string };
    }
  /** Answered with what the operation would do. Nothing is begun. */
  | { kind: 'planOperation'; plan: OperationPlan }
  | { kind: 'cordonNode'; node: string }
  | { kind: 'uncordonNode'; node: string }
  /** Also of nodes that join from it later. */
  | { kind: 'cordonHost'; host: string }
  | { kind: 'uncordonHost'; host: string }
  /** A silent node is dead, says the operator. */
  | { kind: 'takeOverNode'; node: string }
  /** Those of them that are quarantined may be started again. null: all. */
  | { kind: 'unquarantine'; shards: readonly number[] | null }
  | { kind: 'cancelOperation'; operation: string }
  /** The rollout under way. */
  | { kind: 'steerRollout'; action: 'pause' | 'resume' | 'undo' }
  /** So many IDENTIFYs may go beyond the reserve of the day. */
  | { kind: 'allowIdentifies'; count: number }
  /** Asks the nodes (`calls/`). `args` is JSON; no `shards`: all there are. */
  | {
      kind: 'callFleet';
      name: string;
      args: Uint8Array;
      each: CallEach;
      shards: readonly number[];
      timeoutMs: number;
    }
  | { kind: 'createToken'; token: Omit<ApiToken, 'createdAt' | 'createdBy'> }
  /** By its id or its name. */
  | { kind: 'revokeToken'; token: string }
  /** What the configuration says now, of what may change in a run. `keys`: as they are written there. */
  | { kind: 'changeSettings'; settings: Partial<Settings>; keys: readonly string[] }
  /** For the audit. */
  | { kind: 'recordRequest'; entry: AuditEntry }
  /** Every node is told to shut down: for good (`final: true`), or, with `keepSessions`, until the next run. */
  | { kind: 'shutdownFleet'; keepSessions?: boolean };

/** Who is at fault decides the HTTP status: 'caller' 4xx, 'fleet' 5xx. */
export type CommandError = { code: string; message: string; fault: 'caller' | 'conflict' | 'fleet' };

export type CommandResult =
  { ok: true; message: string; data?: Record<string, unknown> } | { ok: false; error: CommandError };

/**
 * A gateway session and when it was last known to be good. `exact`: its last owner closed it so, and nobody was told to
 * resume it since; otherwise the owner may have handled events after it. `refusals`: so many nodes, in a row, said that
 * they cannot resume the shard with it.
 */
export type KnownSession = { session: GatewaySession; at: number; exact?: true; refusals?: number };
