import type { Exchange, Identify, Message, TransferOpened } from '@dshard/protocol';
import type { Cursor, Lingering, ResumeHow } from './state.js';

/** A call of the shard host. Its end comes back as `callEnded` with the same id. */
export type HostCall =
  | { method: 'startShards'; shardIds: readonly number[] }
  | { method: 'resumeShard'; shardId: number; session: Cursor; why: 'migration' | 'takeBack'; how?: ResumeHow }
  | { method: 'stopShard'; shardId: number; keepSession: boolean }
  /** By the base level: the shard is frozen, and all of its state is sent. */
  | { method: 'exportAll'; shardId: number }
  | { method: 'prepareTransferTo'; shardId: number; session: Cursor | null }
  | { method: 'leaving'; shardId: number; patienceMs: number }
  | { method: 'warm'; shardId: number; session: Cursor | null; isServed: boolean }
  | { method: 'preconnect'; shardId: number; session: Cursor }
  | { method: 'freeze'; shardId: number; withinMs: number }
  | { method: 'unfreeze' | 'release'; shardId: number }
  | { method: 'exportState'; shardId: number; credit: Credit }
  /** `copied` false: nothing went before, so the delta is everything. */
  | { method: 'exportDelta'; shardId: number; credit: Credit; copied: boolean };

/** Bytes that may be sent at once; an event larger than the whole `window` goes when all of it is free. */
export type Credit = { available: number; window: number };

/** What the session wants done; the runtime executes them in order. */
export type NodeEffect =
  | { kind: 'connect' }
  | { kind: 'identify'; connection: number; message: Identify }
  /** Look at a challenge with the token; `challengeChecked` says what came of that. */
  | { kind: 'checkChallenge'; connection: number; exchange: Exchange; mac: Uint8Array }
  /** Prove with the token that this node is one of the fleet, and say what it is. */
  | { kind: 'prove'; connection: number; exchange: Exchange; message: Identify }
  /** Which orchestrator leads, as one that does not says: it is asked next. null: that one does not know. */
  | { kind: 'leaderIs'; address: string | null }
  /** The peer is known now: the larger frame limit applies. */
  | { kind: 'established'; connection: number; totalShards: number; nodeId: string; capabilities: readonly string[] }
  /** So long nothing of this node is taken over after a heartbeat that is answered. null: nothing ever is. */
  | { kind: 'leased'; leaseMs: number | null }
  | { kind: 'answered'; sentAt: number }
  | { kind: 'send'; connection: number; message: Message }
  /** The runtime adds what the host and the process report. */
  | { kind: 'heartbeat'; connection: number; sequence: number }
  | { kind: 'reading'; connection: number; paused: boolean }
  /** Flush, then close. */
  | { kind: 'closeConnection'; connection: number; reason: string }
  /** Close at once. Nothing of this connection is an event any more. */
  | { kind: 'dropConnection'; connection: number; reason: string }
  | { kind: 'call'; call: number; request: HostCall }
  /** The runtime adds the session that the host has for the shard now. */
  | { kind: 'opened'; connection: number; message: TransferOpened }
  /** The export call of this id may send so many more bytes. */
  | { kind: 'credit'; call: number; bytes: number }
  /** The shard comes here soon: the host may connect already. Toward an orchestrator that knows no WARM. */
  | { kind: 'preconnect'; shardId: number; session: Cursor }
  /** The `leaving` call of this id is to wait no longer. */
  | { kind: 'endPatience'; call: number; why: 'patienceOver' | 'staysHere' }
  /** The migration that user code was told of is off. */
  | { kind: 'stays'; shardId: number }
  /** The transfer of this call id is off: its `send` fails from now on. */
  | { kind: 'abortTransfer'; call: number; reason: string }
  /** The host may drop what it kept of a shard that it handed over. */
  | { kind: 'released'; shardId: number; takenOver: boolean }
  | { kind: 'handleUserEvent'; stage: number; shardId: number; eventId: number; body: Uint8Array }
  /** Drop the user events of this staging that were not handled yet, and tell the host. */
  | { kind: 'abortStaging'; stage: number; shardId: number; reason: string }
  /** `coordinated` false: the orchestrator knows no permits, the host paces itself. */
  | { kind: 'grantPermit'; shardId: number; request: number; coordinated: boolean }
  /** Deliver `tick` at this time; replaces the earlier wish. null: none. */
  | { kind: 'wakeAt'; at: number | null }
  | { kind: 'log'; level: 'debug' | 'info' | 'warn' | 'error'; text: string; fields: Readonly<Record<string, unknown>> }
  /**
   * All shards are gone: what user code is still at may end now, then `departed` is to come. `asked` says who wanted
   * it. `leaveBy`: when the process ends at the latest, if that is known.
   */
  | { kind: 'drained'; asked: 'orchestrator' | 'bot'; leaveBy: number | null }
  /** The node has left: no effect follows. */
  | ({ kind: 'left' } & Pick<Lingering, 'asked' | 'final' | 'unnoted' | 'late'>);
