/**
 * Everything the orchestrator knows, as plain data. Never mutated in place by callers: `decide` returns the next one.
 * Who runs a shard is the node's word; this state is what was last heard and what was asked for since.
 */
import type { GatewaySession, ProcessReport, ShardReport } from '@dshard/protocol';
import type { KnownSession } from './commands.js';
import type { Settings } from './settings.js';

/** What a shard is doing, as far as the orchestrator knows. */
export type ShardState =
  /** Nobody runs it. `known` lets the next node RESUME. */
  | { kind: 'vacant'; since: number; known: KnownSession | null }
  /** startShards was sent (or, with `known`, the resume flow was begun); not answered yet. */
  | { kind: 'starting'; node: string; since: number; deadline: number; known: KnownSession | null; step: 'start' | 'prepare' | 'resume' }
  | { kind: 'running'; node: string; since: number }
  /** stopShard was sent; `request` is the operator's, if it was one. */
  | { kind: 'stopping'; node: string; since: number; deadline: number; request: string | null }
  /** It belongs to `origin` until the destination says it runs it. */
  | { kind: 'migrating'; migration: string }
  /** Its node is away, but may still be running it. After maxNodeDowntime (or when known dead) it is vacant. */
  | { kind: 'unreachable'; node: string; since: number; known: KnownSession | null };

export type NodeConnection =
  | { kind: 'connected'; connection: string; capabilities: readonly string[]; since: number; lastHeardAt: number }
  /** Identified itself before the total shard count was decided; answered when it is. */
  | { kind: 'awaitingTotal'; connection: string; capabilities: readonly string[]; since: number; lastHeardAt: number }
  | { kind: 'disconnected'; since: number };

/** What is to become of a node. */
export type NodeIntent =
  | { kind: 'serving' }
  | { kind: 'cordoned' }
  /** Shutdown was sent. */
  | { kind: 'shuttingDown'; since: number; deadline: number; requests: readonly string[] };

export type NodeState = {
  id: string;
  version: string;
  host: string | null;
  pid: number | null;
  connection: NodeConnection;
  intent: NodeIntent;
  /** From its last heartbeat. */
  shardReports: readonly ShardReport[];
  process: ProcessReport | null;
};

/** Where a migration stands. Base-level flow; see design of the protocol. */
export type MigrationStep =
  /** prepareMigration{origin} sent; the origin closes its gateway connection and answers with the session. */
  | { kind: 'closing' }
  /** prepareMigration{destination} sent; waiting for it to be ready. */
  | { kind: 'preparing'; session: GatewaySession }
  /** startMigration sent; user events pass through; waiting for the origin's allUserDataSent. */
  | { kind: 'transferring'; session: GatewaySession; userEvents: number }
  /** allUserDataSent passed on: from here only forward. Waiting for the destination's startShards. */
  | { kind: 'resuming'; session: GatewaySession; userEvents: number };

export type MigrationState = {
  id: string;
  shard: number;
  origin: string;
  destination: string;
  step: MigrationStep;
  startedAt: number;
  /** When the step it is in has taken too long. */
  deadline: number;
  /** Operator request to answer when it ends, if any. */
  request: string | null;
  /** The drain it belongs to, if any. */
  drain: string | null;
};

/** A node gives up all its shards. */
export type DrainState = {
  id: string;
  origin: string;
  /** null: wherever there is room. */
  destination: string | null;
  shutdown: boolean;
  phase:
    | { kind: 'awaitingDestination'; launch: string | null; deadline: number }
    | { kind: 'moving'; waiting: readonly number[]; moved: readonly number[]; failed: readonly { shard: number; reason: string }[] }
    | { kind: 'shuttingDown' };
  startedAt: number;
  request: string | null;
  /** Whether it belongs to the rollout. */
  rollout: boolean;
};

/** Every node is replaced, one after the other. */
export type RolloutState = {
  id: string;
  waiting: readonly string[];
  done: readonly string[];
  failed: readonly { node: string; reason: string }[];
  /** The drain in progress. */
  drain: string | null;
  startedAt: number;
  request: string | null;
};

export type LaunchState = { id: string; node: string | null; since: number; deadline: number; request: string | null };

export type IdentifyBudget = {
  maxConcurrency: number;
  /** Per key (`shard % maxConcurrency`): who holds the permit and until when, or when the key is free again. */
  keys: Readonly<Record<number, { holder: { node: string; shard: number } | null; freeAt: number }>>;
  /** In the order they asked. */
  waiting: readonly { node: string; shard: number; since: number }[];
};

export type OrchestratorState = {
  settings: Settings;
  startedAt: number;
  /** null until decided. */
  totalShards: number | null;
  /** Waiting for running nodes to come back; null when over. */
  graceUntil: number | null;
  /** Indexed by shard id; empty until the total is decided. */
  shards: readonly ShardState[];
  nodes: ReadonlyMap<string, NodeState>;
  migrations: ReadonlyMap<string, MigrationState>;
  drains: ReadonlyMap<string, DrainState>;
  rollout: RolloutState | null;
  launches: ReadonlyMap<string, LaunchState>;
  /** No launch before this time (after a failed one). */
  launchNotBefore: number;
  identifies: IdentifyBudget;
  /** The fleet is going down for good: nothing is started any more. */
  ending: { request: string } | null;
  /** Source of ids for migrations, drains and launches. */
  nextId: number;
};
