/**
 * Everything the node session knows, as plain data: the connection to the orchestrator, what each shard is doing on this
 * node, what waits to be sent. `decide` (decide.ts) returns the next one; nothing here is mutated in place.
 */
import type { GatewaySession, Message, ShardSession } from '@dshard/protocol';

/** A gateway session as a host sees it: the sequence is a plain number. */
export type Cursor = GatewaySession & { sequence: number };

/** Bounds of the session; times in milliseconds. Resolved by options.ts. */
export type SessionLimits = {
  /** How long the orchestrator may take to answer our Identify. */
  identifyTimeoutMs: number;
  backoffMinMs: number;
  backoffMaxMs: number;
  /** The wait after a refusal that trying again will not cure by itself. */
  refusedRetryMs: number;
  /** How long an origin waits without progress before it takes its shard back. */
  handoverTimeoutMs: number;
  /** How long stopping all shards may take before the node leaves anyway. */
  shutdownTimeoutMs: number;
  /** Messages and bytes that may wait for a connection. */
  outboxMessages: number;
  outboxBytes: number;
  /** Commands that may wait for their turn, per shard. */
  commandsPerShard: number;
  /** Bytes of user events not yet handled, over all shards, above which we stop reading from the orchestrator. */
  stagedHighBytes: number;
};

/** What this node says of itself in Identify. */
export type Identity = { nodeId: string; version: string; token: string | null; host: string; pid: number };

/** The connection to the orchestrator. `connection` ids only grow. */
export type Link =
  /** Before start(). */
  | { kind: 'idle' }
  | { kind: 'connecting'; attempt: number }
  /** Identify is out; Identified has not come. */
  | { kind: 'identifying'; connection: number; attempt: number; deadline: number }
  | Established
  | { kind: 'waiting'; attempt: number; until: number; reason: string }
  /** The end. */
  | { kind: 'closed' };

export type Established = {
  kind: 'established';
  connection: number;
  /** The capabilities that both sides named; nothing else is used. */
  capabilities: readonly string[];
  /** Null: the orchestrator wants none. `unanswered` counts heartbeats since the last ack. */
  heartbeat: {
    intervalMs: number;
    nextAt: number;
    /** One out of turn. */
    soonAt: number | null;
    sequence: number;
    unanswered: number;
  } | null;
  /** `paused`: too many user events wait for the host; the peer's sends block until some are handled. */
  reading: 'open' | 'paused';
};

/**
 * What a shard is doing on this node. A shard that is not in the map is `absent`: this node has nothing to do with it.
 * `call` is the id of the host call under way; an outcome with another id is stale and ignored. `connection` is the one
 * the migration was asked for on: a migration dies with its connection.
 */
export type ShardState =
  /** host.startShards is under way. */
  | { kind: 'starting'; call: number }
  /** The host runs it: connected, or getting there by itself. */
  | { kind: 'running' }
  /** host.stopShard is under way. */
  | { kind: 'stopping'; call: number; why: StopReason }
  /** Origin: host.prepareTransferFrom is under way. */
  | { kind: 'freezing'; call: number; connection: number }
  /** Origin: the gateway connection is closed and the session kept; waits for startMigration. */
  | { kind: 'frozen'; connection: number; session: Cursor; since: number }
  /** Origin: host.transferFrom is under way; `sent` user events are out. */
  | { kind: 'sending'; call: number; connection: number; session: Cursor; sent: number; progressAt: number }
  /** Origin: everything was sent. Only the orchestrator can say what becomes of the shard. */
  | { kind: 'held'; connection: number; session: Cursor; sent: number }
  /** Destination: host.prepareTransferTo is under way. */
  | { kind: 'preparing'; call: number; connection: number; session: Cursor }
  /** Destination: takes user events, one at a time; `stage` names this staging to the runtime. */
  | {
      kind: 'staging';
      stage: number;
      connection: number;
      session: Cursor;
      received: number;
      handled: number;
      pendingBytes: number;
      /** The count of allUserDataSent, once it came. */
      expected: number | null;
    }
  /** host.resumeShard is under way. */
  | { kind: 'resuming'; call: number; session: Cursor; why: ResumeReason };

export type ShardStateKind = ShardState['kind'] | 'absent';

/**
 * Who wanted the stop decides what follows. `command`: the answer; `withdrawn`: nothing (a start or a hand-over that failed or
 * is off); `shutdown`: the session goes into the shutdown's answer; `recover`: the shard goes on from the session.
 */
export type StopReason = 'command' | 'withdrawn' | 'shutdown' | 'recover';

/** `handover`: as a destination. `takeBack`: an origin that goes on as before. */
export type ResumeReason = 'handover' | 'takeBack';

/** The legal moves of a shard on this node; `enterShard` (draft.ts) throws on any other. */
export const SHARD_MOVES: Readonly<Record<ShardStateKind, readonly ShardStateKind[]>> = {
  absent: ['starting', 'preparing'],
  starting: ['running', 'stopping'],
  running: ['stopping', 'freezing'],
  stopping: ['absent', 'running', 'resuming', 'starting'],
  freezing: ['frozen', 'running', 'resuming', 'stopping'],
  frozen: ['sending', 'resuming', 'absent'],
  sending: ['held', 'resuming', 'absent'],
  held: ['frozen', 'resuming', 'preparing', 'absent'],
  preparing: ['staging', 'absent'],
  staging: ['resuming', 'absent'],
  resuming: ['running', 'stopping', 'starting'],
};

/** States in which a host call is under way that commands wait for. */
export const BUSY: ReadonlySet<ShardStateKind> = new Set(['starting', 'stopping', 'freezing', 'preparing', 'resuming']);

/** A command for one shard, waiting for the one before it. */
export type ShardCommand =
  | { kind: 'startShards' }
  | { kind: 'stopShard' }
  | { kind: 'prepareMigration'; origin: boolean; session: Cursor | null }
  | { kind: 'startMigration' }
  | { kind: 'migrationAborted'; reason: string }
  | { kind: 'migrationFinished' };

export type WaitingCommand = { command: ShardCommand; connection: number };

/** `identify`: the connection whose Identify was out when it was queued, 0 for none. An older one was superseded. */
export type QueuedMessage = { message: Message; bytes: number; identify: number };

/** A shard that wants to IDENTIFY: `wanted` until granted, `granted` until its outcome is known. */
export type Permit = { request: number; kind: 'wanted' | 'granted' };

export type Lifecycle =
  | { kind: 'serving' }
  /** All shards are being stopped; `stopped` collects their sessions. */
  | {
      kind: 'leaving';
      final: boolean;
      asked: 'orchestrator' | 'bot';
      deadline: number;
      stopped: readonly ShardSession[];
    }
  | { kind: 'left' };

export type NodeState = {
  limits: SessionLimits;
  identity: Identity;
  /** null until an orchestrator said it. */
  totalShards: number | null;
  lifecycle: Lifecycle;
  link: Link;
  shards: ReadonlyMap<number, ShardState>;
  waiting: ReadonlyMap<number, readonly WaitingCommand[]>;
  permits: ReadonlyMap<number, Permit>;
  outbox: readonly QueuedMessage[];
  /** Source of ids for connections, host calls and stagings. */
  nextId: number;
};

export function initialState(identity: Identity, limits: SessionLimits): NodeState {
  return {
    limits,
    identity,
    totalShards: null,
    lifecycle: { kind: 'serving' },
    link: { kind: 'idle' },
    shards: new Map(),
    waiting: new Map(),
    permits: new Map(),
    outbox: [],
    nextId: 1,
  };
}
