/** What a bot sees of its node. */
import { NodeError } from './errors.js';
import type { Fleet } from './fleet/fleet-api.js';
import type { HealthCheck } from './health.js';
import type { LeaveOptions } from './leave-options.js';
import type { NodeState, ShardStateKind } from './session/state.js';
import type { StandbyHook } from './standby.js';

/** What the node is to its orchestrator. `waiting`: it tries again later, for the reason given. */
export type NodeStatus =
  | { kind: 'connecting' }
  | {
      kind: 'established';
      nodeId: string;
      totalShards: number;
      capabilities: readonly string[];
      /** Why the orchestrator takes this version of the bot for a bad one, as `/readyz` says; null: it does not. */
      versionFailing: string | null;
    }
  | { kind: 'waiting'; reason: string }
  /** Its shards are gone; it ends what it is at (`lingerMs`), then itself. */
  | { kind: 'lingering' }
  | { kind: 'closed' };

export type NodeEvents = {
  /** The connection to the orchestrator changed. */
  status: NodeStatus;
  /** What every shard is doing here, whenever something about one of them changed. */
  shards: ReadonlyMap<number, ShardStateKind>;
  /** Something that an operator should look at; it is logged too. The node goes on. */
  error: { message: string; fields: Readonly<Record<string, unknown>> };
};

/**
 * How the node ended. `final`: the whole bot went down for good. `acknowledged`: the orchestrator has every shard that
 * ran here, or the cursor from which it goes on.
 */
export type NodeEnd = { asked: 'orchestrator' | 'bot'; final: boolean; acknowledged: boolean };

export type DshardNode = {
  /** Begins to connect, and goes on trying for ever. Resolves at once; see `established`. */
  start(): Promise<void>;
  /**
   * Asks the orchestrator to move this node's shards to others, and closes when they are gone; what is left shortly
   * before the deadline is closed with its session kept. The shards serve meanwhile. SIGTERM does the same. Asked again
   * it can only become shorter. Throws `DSO_NODE_OPTIONS_INVALID`.
   */
  leave(options?: LeaveOptions): Promise<NodeEnd>;
  /** At once: stops all shards with their sessions kept, tells the orchestrator, closes. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
  /** Resolves at the first established connection; rejects with `DSO_NODE_CLOSED` when the node is closed before. */
  readonly established: Promise<{ totalShards: number }>;
  /** Resolves when the node has left, whoever wanted it: shards gone, handlers ended or given up, hooks run. */
  readonly closed: Promise<NodeEnd>;
  /**
   * Runs when the node leaves, after the last handler, while what the bot needs to finish is still there: close the
   * database, flush the statistics. Hooks run one after the other, the last one first. Returns the function that takes
   * the hook off again.
   */
  onShutdown(hook: () => void | Promise<void>): () => void;
  /**
   * Runs when the last shard has left and the process stays, empty and warm (in a rollout, until the new version has
   * proven itself): let timers rest. Returns the function that takes the hook off again.
   */
  onStandby(hook: StandbyHook): () => void;
  /** Runs when the first shard has come again after that. Returns the function that takes the hook off again. */
  onActive(hook: StandbyHook): () => void;
  /**
   * The bot's own opinion of itself, asked every 5 s: true, or nothing, if all is well; false, or a sentence with the
   * reason, if not. One that throws, or takes longer than `limits.healthMs`, is a complaint too. Several may be added;
   * the first complaint counts. A rollout to a version that is not well is reverted. Returns the function that takes it
   * off again.
   */
  health(check: HealthCheck): () => void;
  readonly nodeId: string;
  readonly status: NodeStatus;
  /** What every shard is doing here. */
  readonly shards: ReadonlyMap<number, ShardStateKind>;
  /** Asks all nodes of the bot, whichever shards they run at the moment. */
  readonly fleet: Fleet;
  /** Returns the function that takes the listener off again. */
  on<K extends keyof NodeEvents>(event: K, listener: (value: NodeEvents[K]) => void): () => void;
};

export function statusOf(state: NodeState): NodeStatus {
  const { link } = state;
  if (state.lifecycle.kind === 'lingering') {
    return { kind: 'lingering' };
  }
  if (link.kind === 'established') {
    const { nodeId } = state.identity;
    const { versionFailing, totalShards } = state;
    return {
      kind: 'established',
      nodeId,
      totalShards: totalShards ?? 0,
      capabilities: link.capabilities,
      versionFailing,
    };
  }
  if (link.kind === 'waiting') {
    return { kind: 'waiting', reason: link.reason };
  }
  return { kind: link.kind === 'closed' ? 'closed' : 'connecting' };
}

/** Why a node that is not idle cannot be started. */
export function startRefused({ link }: NodeState): NodeError {
  return link.kind === 'closed'
    ? new NodeError('DSO_NODE_CLOSED', 'This node is closed; make a new one with createNode().')
    : new NodeError('DSO_NODE_STARTED_TWICE', 'This node was started before.');
}
