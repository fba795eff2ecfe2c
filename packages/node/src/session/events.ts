import type { LeaveIntent, Message } from '@dshard/protocol';
import type { Cursor } from './state.js';

/**
 * How a host call ended. `sessionLost`, of resumeShard: the shard goes through IDENTIFY. `timedOut`: its deadline
 * passed, and the host may still be at it.
 */
export type HostOutcome =
  { ok: true; session: Cursor | null; sessionLost?: boolean } | { ok: false; timedOut: boolean; message: string };

/** Everything that can happen to the node session. `jitter` is a number in [0, 1) from the injected Random. */
export type NodeEvent =
  | { kind: 'start' }
  /** The bot leaves by itself, at once. */
  | { kind: 'close' }
  /** The bot leaves, and its shards are moved first: the process lives for so long. */
  | { kind: 'leave'; withinMs: number; intent: LeaveIntent; successor: string }
  /** There is no time for more than cursors. */
  | { kind: 'hurry' }
  /** What user code was still at has ended, or was waited for long enough. */
  | { kind: 'departed' }
  /** A host has to know whether this node's shards are still its own. */
  | { kind: 'confirm' }
  /** A shard came up, went down or was refused. */
  | { kind: 'reportSoon' }
  /** The wake-up asked for by `wakeAt`. */
  | { kind: 'tick' }
  /** `nonce`: drawn for this connection, where this node has a token. */
  | { kind: 'connected'; connection: number; nonce: Uint8Array | null }
  | { kind: 'connectFailed'; reason: string; jitter: number }
  | { kind: 'disconnected'; connection: number; reason: string; jitter: number }
  | { kind: 'message'; connection: number; message: Message }
  /** Whether the orchestrator's challenge proves that it knows the token. */
  | { kind: 'challengeChecked'; connection: number; isRight: boolean }
  | { kind: 'callEnded'; call: number; shardIds: readonly number[]; outcome: HostOutcome }
  /** The host sends a user event of a shard that it hands over. */
  | { kind: 'userEventProduced'; call: number; shardId: number; eventId: number; body: Uint8Array }
  | { kind: 'userEventHandled'; stage: number; shardId: number; events: number; bytes: number; failure: string | null }
  | { kind: 'permitRequested'; shardId: number; request: number }
  | { kind: 'permitAborted'; shardId: number; request: number }
  | { kind: 'permitFinished'; shardId: number; request: number; ready: boolean };
