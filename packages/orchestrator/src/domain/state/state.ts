/**
 * Everything the orchestrator knows, as plain data. Never mutated in place by callers: `decide` returns the next one.
 * Who runs a shard is the node's word; this state is what was last heard and what was asked for since.
 */
import type { ApiToken, AuditEntry, RememberedRequest } from './access.js';
import type {
  CallAnswerEntry,
  CallEach,
  GatewaySession,
  LeaveIntent,
  NodeBounds,
  NodeSignals,
  ProcessReport,
  ShardReport,
} from '@dshard/protocol';
import type { BalanceState } from './balance.js';
import type { KnownSession } from './commands.js';
import type { EndedOperation, OperationState } from './operations.js';
import type { RolloutMemory } from './versions.js';
import type { CrashLoop, ProcessState } from './processes.js';
import type { Parked } from './park.js';
import type { HostsByName } from './hosts.js';
import type { RaisedAlarm } from './raised-alarms.js';
import type { Settings } from './settings.js';
import type { ShardLink } from './shard-link.js';

/**
 * What a shard is doing, as far as the orchestrator knows. `link`: how its gateway connection is; absent: not told yet.
 */
export type ShardState =
  /** Nobody runs it. `known` lets the next node RESUME. It is not placed automatically before `notBefore`. */
  | { kind: 'vacant'; since: number; notBefore: number; known: KnownSession | null }
  /**
   * Nobody runs it, and the orchestrator has its state for the next node (`migration/park.ts`). It is not given out
   * before `notBefore`.
   */
  | { kind: 'parked'; since: number; notBefore: number; parked: Parked }
  /** Assigned to a node that does not run it yet; see StartStep. */
  | {
      kind: 'starting';
      node: string;
      since: number;
      deadline: number;
      known: KnownSession | null;
      step: StartStep;
      link?: ShardLink;
      /** Its session was to be resumed, and Discord has none: it was let IDENTIFY. */
      sessionLost?: true;
    }
  /** Its node has it; whether it is up, `link` tells (`shards/condition.ts`). */
  | { kind: 'running'; node: string; since: number; link?: ShardLink }
  /** stopShard was sent; `request`: an operator's, `by`: whose. `known`: the session, should the answer have none. */
  | {
      kind: 'stopping';
      node: string;
      since: number;
      deadline: number;
      request: string | null;
      by: string;
      known: KnownSession | null;
    }
  /** Whose it is meanwhile is for its migration to say: `migrations.ts`. */
  | { kind: 'migrating'; migration: string; link?: ShardLink }
  /** Its node is away, but may still be running it. After maxNodeDowntime (or when known dead) it is vacant. */
  | {
      kind: 'unreachable';
      node: string;
      since: number;
      known: KnownSession | null;
      /** Its cursor as the node last reported it: what to resume from once the node is known to be dead. */
      checkpoint: KnownSession | null;
    };

/**
 * How far a starting shard is.
 * - `queued`: nothing was sent yet. A base-level node asks for no identify permit, so startShards waits for the
 *   identify window, and it can take over one session at a time. The deadline is Infinity.
 * - `start`: startShards was sent.
 * - `prepare`: toward a node without `resume-shards`, prepareMigration{origin: false} was sent with the session.
 * - `resume`: resumeShards was sent, or allUserDataSent{0} after `prepare`; the node resumes the session and answers
 *   startShards.
 */
export type StartStep = 'queued' | 'start' | 'prepare' | 'resume';

/** Under what a shard was last assigned (`shards/epochs.ts`). */
export type Assignment = {
  epoch: number;
  /** The last cursor of its time that is durable. */
  checkpoint: KnownSession | null;
  /**
   * From COMMIT until the migration is done: the origin, which still has the shard's state. `mayRun`: it may have kept
   * the shard, for the destination was not told to run it yet.
   */
  before: { node: string; epoch: number; mayRun: boolean } | null;
};

export type NodeConnection =
  | { kind: 'connected'; connection: string; capabilities: readonly string[]; since: number; lastHeardAt: number }
  /** Identified itself before the total shard count was decided; answered when it is. */
  | { kind: 'awaitingTotal'; connection: string; capabilities: readonly string[]; since: number; lastHeardAt: number }
  /**
   * `gone`: known not to run any more (it said so, or its process exited), rather than merely silent. `endAt`: it left
   * by itself, and what is left of its process is ended then, unless it is back.
   */
  | { kind: 'disconnected'; since: number; gone: boolean; endAt?: number };

/** What is to become of a node. */
type NodeIntent =
  | { kind: 'serving' }
  | { kind: 'cordoned' }
  | LeavingIntent
  /**
   * Shutdown was sent, or the node said that it leaves (`byItself`). `answered`: it said that its shards are stopped;
   * as long as it is connected after that it lingers, so that handlers in flight can end.
   */
  | {
      kind: 'shuttingDown';
      since: number;
      deadline: number;
      requests: readonly string[];
      final: boolean;
      answered: boolean;
      byItself: boolean;
      shards: number;
    };

/**
 * The node asked to leave (`operations/leave.ts`): its process ends at `leaveBy`. It serves what it has, and gets
 * nothing new. Of one process only: a later one under the same id is there to stay. `retryAt`: when what could not be
 * moved is tried again. `tried`: what was begun to be parked, each time.
 */
export type LeavingIntent = {
  kind: 'leaving';
  since: number;
  leaveBy: number;
  intent: LeaveIntent;
  successor: string;
  instance: string | null;
  retryAt: number;
  tried: readonly number[];
};

export type NodeState = {
  id: string;
  version: string;
  host: string | null;
  /** The zone of its host: what fails together. null: it does not say. */
  zone: string | null;
  pid: number | null;
  /** Which process it is; null: it does not say. */
  instance: string | null;
  /** What it gives user code; null: it does not say. */
  bounds: NodeBounds | null;
  connection: NodeConnection;
  /** When its connection of now, or its last one, began. */
  joinedAt: number;
  /** How often another process came under its id. */
  restarts: number;
  intent: NodeIntent;
  /** From its last heartbeat. */
  shardReports: readonly ShardReport[];
  process: ProcessReport | null;
  /** How its version fares; null: nothing was heard since it connected, or it does not say. */
  signals: NodeSignals | null;
  /** Shards whose closed session this node keeps (of a migration never confirmed): the first choice to resume them. */
  retained: readonly number[];
  /** Shards it should run that its last heartbeat did not name. Missing twice, they are vacant. */
  missing: readonly number[];
  /** When the cursors of its shards were last made durable. */
  checkpointedAt: number;
};

/** Where a migration of the base-level flow stands (`migration/steps.ts`). */
export type BaseStep =
  /** prepareMigration{origin} sent; the origin closes its gateway connection and answers with the session. */
  | { kind: 'closing' }
  /** prepareMigration{destination} sent; waiting for it to be ready. */
  | { kind: 'preparing'; session: GatewaySession }
  /** startMigration sent; user events pass through; waiting for the origin's allUserDataSent. */
  | { kind: 'transferring'; session: GatewaySession; userEvents: number }
  /** allUserDataSent passed on: from here only forward. Waiting for the destination's startShards. */
  | { kind: 'resuming'; session: GatewaySession; userEvents: number };

/** Where a live migration stands (`migration/live.ts`). `frozenAt`: when the origin was told to freeze. */
export type LiveStep =
  /** shardLeaving sent to the origin: user code may finish what it is at. `mayLeave`: it has, and waits for room. */
  | { kind: 'announcing'; patienceMs: number; mayLeave: boolean }
  /** transferOpen sent to the origin. */
  | { kind: 'openingOrigin' }
  /** transferOpen sent to the destination. `session`: the origin's as it was a moment ago; it grows old. */
  | { kind: 'openingDestination'; session: GatewaySession | null }
  /**
   * transferCopy sent; the shard serves while its state passes through. `copiedAt`: all of it has, and the shard serves
   * until those are copied as well that are parked together with it.
   */
  | { kind: 'copying'; session: GatewaySession | null; copiedAt?: number }
  /** transferWarmUp sent to the destination; the origin serves while user code gets ready there. */
  | { kind: 'warming'; session: GatewaySession | null }
  /** transferFreeze sent; the delta passes through; waiting for the manifest. */
  | { kind: 'freezing'; session: GatewaySession | null; frozenAt: number }
  /** The manifest was passed on; waiting for the destination's verdict. */
  | { kind: 'verifying'; frozenAt: number; manifest: Manifest }
  /** Committed: the shard is the destination's. transferRelease sent; the origin may still refuse. */
  | { kind: 'releasing'; frozenAt: number; manifest: Manifest }
  /** transferActivate sent. `originReleased`: the origin let go; else it may have gone on from the cursor. */
  | { kind: 'activating'; frozenAt: number; activatedAt: number; manifest: Manifest; originReleased: boolean };

/** What a live migration moves: the cursor, and how many user events of how many bytes. */
export type Manifest = { session: GatewaySession; events: number; bytes: number; hash: string };

type MigrationIn<Step> = {
  /** Unique across runs of the orchestrator: what a node still says of an earlier run's migration is nobody's. */
  id: string;
  shard: number;
  origin: string;
  destination: string;
  step: Step;
  startedAt: number;
  /** When the step it is in has taken too long. */
  deadline: number;
  /** Operator request to answer when it ends, if any. */
  request: string | null;
  /** Who asked for it. */
  by: string;
  /** The operation that it is a step of, if any. */
  operation: string | null;
  /** Under which the destination has the shard. */
  epoch: number;
  /** Of a shard that the orchestrator gives out: what it has of the shard. */
  parked?: Parked;
  /** Of a shard that is being parked: how many nodes had the fleet's shards then. */
  spread?: number;
  /** Of a shard that is being parked: it is frozen when whoever parks it says so (`freezeCopied`). */
  together?: boolean;
};

export type BaseMigration = MigrationIn<BaseStep>;
export type LiveMigration = MigrationIn<LiveStep>;
export type MigrationState = BaseMigration | LiveMigration;

/** What a shard has to answer for (`shards/quarantine.ts`). */
export type CrashRecord = {
  /**
   * The nodes that died, one after the other, while it was newly started on them. `witnessed`: other shards had run
   * well there, or on a node of the same version, so the bot itself can live.
   */
  crashes: readonly { node: string; at: number; version: string; witnessed: boolean }[];
  /** It was newly started on this node when that one fell silent. */
  lostOn: { node: string; witnessed: boolean } | null;
  /** It is not started any more. */
  quarantinedAt: number | null;
  /** The version for which its quarantine was lifted: the shard is tried on that version only, and once. */
  liftedFor: string | null;
};

/** A migration that was asked for while its nodes had no room for another one at the time. Its shard still runs. */
type WaitingMigration = {
  shard: number;
  destination: string;
  request: string | null;
  by: string;
  since: number;
  deadline: number;
};

/** An operator's startShards, answered when none is waiting any more. */
export type StartRequest = { node: string; waiting: readonly number[]; failed: readonly number[] };

/** What is known of `GET /gateway/bot`. */
type GatewayState =
  | { kind: 'notAsked' }
  /** `failures`: how many answers in a row were failures. `refused`: as below, of the last of them. */
  | { kind: 'asking'; since: number; failures: number; refused: string | null }
  | { kind: 'known'; at: number; recommendedShards: number }
  /** `refused`: why the token was refused, which is told once; null: something else failed. */
  | { kind: 'failed'; at: number; retryAt: number; failures: number; reason: string; refused: string | null };

export type LaunchState = {
  id: string;
  node: string | null;
  /** Of the process that was started. */
  pid: number | null;
  /** The file that it writes to, where that is known. */
  log?: string;
  since: number;
  deadline: number;
  request: string | null;
  /** The operation that it is a step of, if any. */
  operation: string | null;
  /** What it starts. null: what is deployed. */
  version: string | null;
  /** What it was launched for was cancelled: its node is shut down when it is up, unless it is needed by then. */
  unwanted: boolean;
};

export type IdentifyBudget = {
  maxConcurrency: number;
  /** Per key (`shard % maxConcurrency`): who holds the permit and until when, or when the key is free again. */
  keys: Readonly<Record<number, { holder: { node: string; shard: number } | null; freeAt: number }>>;
  /** In the order they asked. */
  waiting: readonly { node: string; shard: number; since: number }[];
  /** Discord's last word on the day's session starts, less what was granted since. null: not known. */
  budget: { total: number; remaining: number; resetAt: number } | null;
  /** Permits given in the day that ends at `until`, by our own count. */
  ledger: { used: number; until: number };
  /** Permits that an operator allows beyond the reserve. */
  allowed: number;
  /** Permits of which Discord's next answer may not know yet. */
  unsure: number;
  /** Since when shards wait for want of session starts; null: none does. */
  shortSince: number | null;
};

/** An answer that stands; `shards` are those of the call only. */
export type KeptAnswer = CallAnswerEntry & { nodeId: string };

/** A question that a node has not answered yet. */
type OpenQuestion = { askId: string; connection: string; shards: readonly number[] };

/** A fleet call under way (`calls/call.ts`). */
export type CallState = {
  id: string;
  caller: { kind: 'node'; node: string; connection: string; callId: string } | { kind: 'operator'; request: string };
  name: string;
  args: Uint8Array;
  each: CallEach;
  /** Ascending. */
  targets: readonly number[];
  startedAt: number;
  deadline: number;
  /** By node: at most one at a time. */
  open: ReadonlyMap<string, OpenQuestion>;
  answers: readonly KeptAnswer[];
  /** By node: how often it answered, and before when it is not asked again. */
  asked: ReadonlyMap<string, { times: number; notBefore: number }>;
};

export type OrchestratorState = {
  settings: Settings;
  startedAt: number;
  /** Of this run: higher than that of any before. */
  epoch: number;
  /** null until decided. */
  totalShards: number | null;
  /** Waiting for running nodes to come back; null when over. */
  graceUntil: number | null;
  /** Of settings.expectedNodes, those not heard of yet. */
  awaitedNodes: readonly string[] | null;
  /** Which nodes had shards is known from the store: what is vacant is vacant, and need not wait for the grace. */
  recalled: boolean;
  gateway: GatewayState;
  /** Indexed by shard id; empty until the total is decided. */
  shards: readonly ShardState[];
  /** Indexed by shard id. */
  assignments: readonly Assignment[];
  nodes: ReadonlyMap<string, NodeState>;
  /** Hosts of which somebody has said something. */
  hosts: HostsByName;
  /** The node behind each open connection. */
  connections: ReadonlyMap<string, string>;
  migrations: ReadonlyMap<string, MigrationState>;
  /** Messages of migrations that are over, or not at that step: dropped, and counted here. */
  staleTransfers: number;
  /** In the order they were asked for. */
  waitingMigrations: readonly WaitingMigration[];
  /** By request id. */
  startRequests: ReadonlyMap<string, StartRequest>;
  /** Those under way, by id, in the order in which they began. */
  operations: ReadonlyMap<string, OperationState>;
  /** The newest last; a bounded number. */
  endedOperations: readonly EndedOperation[];
  /** Why vacant shards are not started, by shard, where that is not for a reason that holds for all. */
  unplaced: ReadonlyMap<number, string>;
  /** By shard; most have none. */
  crashRecords: ReadonlyMap<number, CrashRecord>;
  /** Most nodes are silent: nothing is done until that is over (`fleet/alarm.ts`). */
  alarm: { since: number; silent: readonly string[]; hosts: readonly string[] } | null;
  /** By key; a bounded number. */
  raisedAlarms: ReadonlyMap<string, RaisedAlarm>;
  /** By node id: a second process that had it, and was refused for that. The last ones only. */
  takenIds: ReadonlyMap<string, { since: number; at: number; text: string }>;
  launches: ReadonlyMap<string, LaunchState>;
  /** By node: starts in a row that the process which joined then did not answer (`fleet/unresponsive.ts`). */
  unanswered: ReadonlyMap<string, { joinedAt: number; times: number }>;
  /** What the launcher runs, by node. */
  processes: ReadonlyMap<string, ProcessState>;
  /** By the version that was launched; the latest few. */
  crashLoops: ReadonlyMap<string, CrashLoop>;
  /** By version of connected nodes: why it fails, as schedulers outside are told (`fleet/version-health.ts`). */
  versionHealth: ReadonlyMap<string, { at: number; failing: string | null }>;
  /** What a launch would start, as far as was heard last; '': not known. */
  deployedVersion: string;
  /** What the launcher's host has left, while a command is decided. null: not known. */
  availableBytes: number | null;
  /** What rollouts have taught (`operations/rollout-revert.ts`). */
  rollouts: RolloutMemory;
  /** The bot dies whatever its shards are: until then no shard is quarantined for it (`shards/quarantine.ts`). */
  botBlame: { version: string; until: number } | null;
  identifies: IdentifyBudget;
  /** What is known for spreading shards evenly (`operations/rebalance.ts`). */
  balance: BalanceState;
  /** So many launched nodes an operator wants (`dso scale`). null: as many as the configuration says. */
  scaledTo: { nodes: number; configured: number } | null;
  /** Fleet calls under way, by id. */
  calls: ReadonlyMap<string, CallState>;
  /** By the name of a job that runs once per fleet: when its latest run was due (`jobs/`). */
  jobs: ReadonlyMap<string, number>;
  /** Who may ask for what over REST, by the id of the token (`access/`). */
  apiTokens: ReadonlyMap<string, ApiToken>;
  /** What was asked, by the number of the request; the newest last, a bounded number. */
  audit: ReadonlyMap<string, AuditEntry>;
  /** By idempotency key, the newest last. */
  rememberedRequests: ReadonlyMap<string, RememberedRequest>;
  /** Source of ids for calls and the questions they consist of; unlike `nextId` it is not kept. */
  nextCall: number;
  /**
   * The fleet is going down: nothing is started any more. `parking`: sessions are kept, and what can be parked is
   * parked before its node ends; null: it goes down for good.
   */
  ending: {
    request: string | null;
    deadline: number;
    parking: { until: number; tried: readonly number[] } | null;
  } | null;
  /** Source of ids for migrations, operations and launches. */
  nextId: number;
  /** Source of epochs. */
  nextEpoch: number;
  /** The wake-up asked for. */
  wakeAt: number | null;
};
