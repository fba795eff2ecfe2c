/**
 * The messages of the control protocol, as the code sees them: camelCase, discriminated by `kind`. The codec maps them
 * to the wire names of the base level (`TotalShards`, …). Base level ("logic version 2") is what Go peers speak; every
 * field or message marked *extended* is sent only to a peer that named the capability it belongs to, and is absent or
 * empty from a base-level peer.
 */

import type { CallMessage } from './call-messages.js';
import type { JobMessage } from './job-messages.js';
import type { LeaveMessage } from './leave-messages.js';
import type { NotLeader } from './leadership-messages.js';
import type { RolloutMessage } from './rollout-messages.js';
import type { NodeSignals, VersionHealth } from './signal-messages.js';
import type { TransferMessage } from './transfer-messages.js';

/** The base level's `OrchestratorLogicVersion`. A peer with another one is refused. */
export const LOGIC_VERSION = 2;

/**
 * What a peer of ours may add to the base level; what both name is on.
 * - `auth-hmac`: both sides prove that they know the shared token, and neither tells it (proof.ts); refusals come as
 *   `rejected`.
 * - `heartbeat`: both ways, with the node's full state.
 * - `identify-permits`: the node asks before every IDENTIFY.
 * - `sessions`: answers to stopShard and shutdown carry the gateway sessions, so that the shards can be resumed
 *   elsewhere, and Identify those that were closed for a migration whose end the node did not hear of; `commandFailed`
 *   says what the node could not do.
 * - `live-migration`: a shard's state is copied while it is live, and its connection is closed last: the `transfer…`
 *   messages (transfer-messages.ts). Used where origin and destination both name it.
 * - `epochs`: orchestrators and assignments of shards have numbers that only grow, and nobody acts on one that is lower
 *   than the highest it has seen. A node hears that a shard was taken over (`shardTakenOver`), until when it is not
 *   (`leaseMs`), and of a shard that it gets whether events may repeat.
 * - `warm-up`: around the copy of a live migration user code has its say: at the origin before it begins
 *   (`shardLeaving`), at the destination before the freeze (`transferWarmUp`). By the one end that it concerns; the
 *   other end need not name it.
 * - `calls`: the node can be asked, and can ask the fleet (call-messages.ts).
 * - `jobs`: what runs once per fleet: which shard's node leads (`leadShard`), and the marks of scheduled jobs
 *   (job-messages.ts).
 * - `resume-shards`: the orchestrator may have shards resumed by one message (`resumeShards`); without it, by the
 *   migration of the base level.
 * - `rollout`: the node may ask for a rollout (rollout-messages.ts), which the orchestrator's settings allow or not.
 * - `leave`: the node may ask to leave, and its shards are moved before it goes (leave-messages.ts).
 * - `signals`: heartbeats say how the node's version fares, and the node hears what is made of that
 *   (signal-messages.ts).
 * - `not-leader`: an orchestrator that does not lead may say who does (leadership-messages.ts).
 */
export const CAPABILITIES = [
  'auth-hmac',
  'heartbeat',
  'identify-permits',
  'sessions',
  'live-migration',
  'epochs',
  'calls',
  'warm-up',
  'jobs',
  'rollout',
  'resume-shards',
  'leave',
  'signals',
  'not-leader',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** What is needed to RESUME a shard: the cursor. `sequence` is the last event handed to user code. */
export type GatewaySession = {
  sessionId: string;
  /** A bigint only where a peer sent an int64 beyond 2^53. */
  sequence: number | bigint;
  /** Empty when unknown: the generic gateway URL is used. */
  resumeGatewayUrl: string;
  /**
   * Extended, where a node gives a session back: it was in the middle of a replay that another node may have handled in
   * part, so what comes after `sequence` may have been handled, too.
   */
  redelivers?: boolean;
};

export type ShardSession = GatewaySession & { shardId: number };

/** What a node's gateway connection for a shard is doing. */
export const SHARD_PHASES = [
  'waiting',
  'connecting',
  'identifying',
  'resuming',
  'ready',
  'disconnected',
  'frozen',
] as const;
export type ShardPhase = (typeof SHARD_PHASES)[number];

export type ShardReport = {
  shardId: number;
  phase: ShardPhase;
  /** Gateway round trip in milliseconds; -1 when not known. */
  pingMs: number;
  /** Guilds on the shard; -1 when the host does not say. */
  guilds: number;
  /** Dispatches handed to user code since the shard started on this node. */
  events: number;
  /** The cursor now, or null before READY: should this process die, another node resumes from here. */
  session: GatewaySession | null;
  /** Extended (`epochs`): the highest the node knows for this shard. */
  epoch?: number;
  /** Extended: the close code by which Discord refused the shard for good; it stays down until somebody mends that. */
  refused?: number;
  /** Extended: why the shard has no gateway connection, after one that was lost or did not come about. */
  reason?: string;
  /** Extended: nothing has come for so long, against the shard's own usual rate, and RESUMEs brought nothing. */
  silentMs?: number;
};

export type ProcessReport = {
  /** Resident set size in bytes. */
  memoryBytes: number;
  /** CPU used since the last heartbeat, in per cent of one core. */
  cpuPercent: number;
  /** Event-loop delay in milliseconds (how late a timer of the last interval fired). */
  eventLoopDelayMs: number;
  uptimeMs: number;
};

/** node → orchestrator, first message of a connection. */
export type Identify = {
  kind: 'identify';
  /** 0 when the node does not know it yet. */
  totalShards: number;
  /** Shards this node owns now. After a reconnect this is the truth the orchestrator starts from. */
  runningShards: readonly number[];
  version: string;
  nodeId: string;
  logicVersion: number;
  /** Extended. Unknown names are kept: negotiation ignores them. Empty: a base-level peer. */
  capabilities: readonly string[];
  /** Extended: where the process runs. */
  host: string | null;
  pid: number | null;
  /** Extended (`sessions`): shards this node closed but whose migration was never confirmed. */
  heldSessions: readonly ShardSession[];
  /** Extended (`epochs`): of `runningShards`, in the same order; 0 where there is none. */
  runningEpochs?: readonly number[];
  /**
   * Extended (`epochs`): the highest this node has obeyed. An orchestrator with a lower one is not the leader any more.
   */
  orchestratorEpoch?: number;
  /**
   * Extended: which process this is; drawn anew each time a node is made. A connection with the same node id and the
   * same instance is the same node that came back; with another one it is a second node, which is refused while the
   * first lives.
   */
  instance?: string;
  /** Extended: how long the node's own parts may take, for whoever waits for them. */
  bounds?: NodeBounds;
  /** Extended: the zone of `host`: shards are spread over zones, since what is in one may fail together. */
  zone?: string;
  /**
   * Extended (`auth-hmac`): the node has a token. This Identify is the bare one; the whole one comes with the proof.
   */
  nonce?: Uint8Array;
};

/** How long a node gives user code; milliseconds. */
export type NodeBounds = {
  /** From its goodbye on, for handlers in flight. */
  lingerMs: number;
  /** A shard that is to leave (`shardLeaving`). */
  patienceMs: number;
  /** A shard that comes (`transferWarmUp`). */
  readyMs: number;
  /** Of a freeze, for handlers in flight. */
  handlersMs: number;
};

/** Extended (`auth-hmac`), orchestrator → node: it knows the token, and wants to see that the node does. */
export type Challenge = { kind: 'challenge'; nonce: Uint8Array; mac: Uint8Array };

/** Extended (`auth-hmac`), node → orchestrator: it knows the token, too. */
export type Proof = {
  kind: 'proof';
  mac: Uint8Array;
  /** The body of the whole Identify: as bytes, because the proof is of these bytes. */
  identify: Uint8Array;
};

/** orchestrator → node: the connection is established. */
export type Identified = {
  kind: 'identified';
  totalShards: number;
  /** The id this connection now has: the node's own, or one given to a node that sent an empty id. */
  nodeId: string;
  /** Extended: the capabilities that are on for this connection. */
  capabilities: readonly string[];
  /** Extended (`heartbeat`): how often the node sends one, in milliseconds; 0 when off. */
  heartbeatIntervalMs: number;
  /** Extended (`epochs`): grows with each start of an orchestrator. A node that has seen a higher one hangs up. */
  orchestratorEpoch?: number;
  /**
   * Extended (`epochs`): no shard of this node is taken over for so long after it sent a heartbeat that was answered.
   * After that it may be, should an orchestrator live that cannot hear it.
   */
  leaseMs?: number;
  /** Extended (`jobs`), where it is not 0: the lowest shard of the fleet. The node that serves it leads. */
  leadShard?: number;
};

/** orchestrator → node: end the process. node → orchestrator: done, or leaving by itself. */
export type Shutdown = {
  kind: 'shutdown';
  /** Extended: the whole bot goes down for good, so gateway sessions are ended (1000) rather than kept. */
  final: boolean;
  /** Extended, in the answer: the sessions of the shards the node just stopped. */
  sessions: readonly ShardSession[];
};

/** orchestrator → node: full identify flow for these shards. Answer: registered, not yet connected. */
export type StartShards = {
  kind: 'startShards';
  shardIds: readonly number[];
  /** Extended (`epochs`), to the node: under which it has each of them from now on, in the same order. */
  epochs?: readonly number[];
};

/**
 * Extended (`resume-shards`), orchestrator → node: RESUME these shards, which no node hands over. Answer: startShards,
 * when a shard is resumed; stopShard, with the cursor, when the shard was stopped meanwhile; commandFailed.
 */
type ResumeShards = { kind: 'resumeShards'; shards: readonly ShardToResume[] };

/** `epoch` (extended, `epochs`): under which the node has the shard from now on. */
export type ShardToResume = ShardSession & {
  takeover: Takeover;
  epoch?: number;
  /** How long ago the session was last known to be good. Should it be gone, events are missing since then. */
  ageMs?: number;
};

/** orchestrator → node, and back when done. `session` (extended, in the answer) lets another node RESUME. */
export type StopShard = {
  kind: 'stopShard';
  shardId: number;
  session: GatewaySession | null;
  /** Extended (`epochs`), to the node: what it has under a later one is not meant. */
  epoch?: number;
};

/**
 * orchestrator → origin (`origin: true`, no session): close the gateway connection so that the session stays resumable.
 * origin → orchestrator → destination: with the session. destination → orchestrator: ready for the shard's user events.
 */
export type PrepareMigration = {
  kind: 'prepareMigration';
  origin: boolean;
  shardId: number;
  session: GatewaySession | null;
  /** Extended (`epochs`), to the node: under which it has the shard once it runs it. */
  epoch?: number;
  /**
   * Extended (`epochs`), to the destination: nobody hands the shard's state over.
   */
  takeover?: Takeover;
};

/**
 * How a session is known that nobody hands over. `exact`: as its last owner closed it. `checkpoint`: as its last owner
 * reported it some time before it was lost, so events may come that it has handled.
 */
export const TAKEOVERS = ['exact', 'checkpoint'] as const;
export type Takeover = (typeof TAKEOVERS)[number];

/**
 * Extended (`epochs`), orchestrator → node: the shard is another node's, under this epoch. The node lets go of it:
 * closes its connection without ending the session, does not resume it, and answers stopShard.
 */
export type ShardTakenOver = { kind: 'shardTakenOver'; shardId: number; epoch: number };

/** orchestrator → origin: send the shard's user events, then `allUserDataSent`. */
export type StartMigration = { kind: 'startMigration'; shardId: number };

/**
 * origin → orchestrator → destination. When the destination has handled that many, it resumes the shard and sends
 * `startShards`.
 */
export type AllUserDataSent = { kind: 'allUserDataSent'; numEvents: number };

/** origin → orchestrator → destination; `eventId` ≥ 100; the orchestrator does not look into `body`. */
export type UserEvent = { kind: 'userEvent'; eventId: number; body: Uint8Array };

/** Extended (`auth-hmac`), orchestrator → node: refused; the connection is closed after it. */
export type Rejected = { kind: 'rejected'; code: string; message: string; retryable: boolean };

/** Extended (`heartbeat`), node → orchestrator: the node's full state. `sequence` grows by one. */
export type Heartbeat = {
  kind: 'heartbeat';
  sequence: number;
  shards: readonly ShardReport[];
  process: ProcessReport;
  /** Extended (`signals`). */
  signals?: NodeSignals;
};

/** Extended (`heartbeat`), orchestrator → node. */
export type HeartbeatAck = { kind: 'heartbeatAck'; sequence: number };

/** Extended (`sessions`), node → orchestrator: a command could not be carried out. */
export type CommandFailed = {
  kind: 'commandFailed';
  /** The `kind` of the command that failed, e.g. `prepareMigration`. */
  command: string;
  shardId: number;
  message: string;
};

/** Extended (`identify-permits`), node → orchestrator: this shard needs to IDENTIFY. */
export type IdentifyRequest = { kind: 'identifyRequest'; shardId: number };
/** Extended (`identify-permits`), orchestrator → node: IDENTIFY now. */
export type IdentifyGranted = { kind: 'identifyGranted'; shardId: number };
/**
 * Extended (`identify-permits`), node → orchestrator: READY came, or the attempt failed, or the request is cancelled.
 */
export type IdentifyFinished = { kind: 'identifyFinished'; shardId: number; ready: boolean };

export type Message =
  | Identify
  | Challenge
  | Proof
  | Identified
  | Shutdown
  | StartShards
  | ResumeShards
  | StopShard
  | PrepareMigration
  | StartMigration
  | AllUserDataSent
  | UserEvent
  | Rejected
  | Heartbeat
  | HeartbeatAck
  | CommandFailed
  | IdentifyRequest
  | IdentifyGranted
  | IdentifyFinished
  | ShardTakenOver
  | TransferMessage
  | CallMessage
  | JobMessage
  | LeaveMessage
  | RolloutMessage
  | VersionHealth
  | NotLeader;

export type MessageKind = Message['kind'];

/** The message of a given kind: `MessageOf<'stopShard'>`. */
export type MessageOf<K extends MessageKind> = Extract<Message, { kind: K }>;

/** The first id that belongs to user events; ids below are the protocol's own. */
export const FIRST_USER_EVENT_ID = 100;
