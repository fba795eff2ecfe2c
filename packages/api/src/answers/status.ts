/**
 * `GET /v1/status`: everything an operator, a dashboard or the command line wants to know, in one document. Times are
 * milliseconds since the Unix epoch (`…At`, `since`), spans are milliseconds (`…Ms`). Fields are only ever added.
 */
import type { NodeSignals, ProcessReport, ShardPhase } from '@dshard/protocol';
import type { Histogram } from '../values/histogram.js';
import type { OperationStatus } from './operation.js';

export type ShardStateName = 'vacant' | 'parked' | 'starting' | 'running' | 'stopping' | 'migrating' | 'unreachable';

/** How a shard is. `up`: its gateway session is READY or RESUMED, and nothing else counts as up. */
export type ShardConditionKind =
  | 'refused'
  | 'quarantined'
  | 'unreachable'
  | 'vacant'
  | 'parked'
  | 'disconnected'
  | 'stopping'
  | 'starting'
  | 'waitingToIdentify'
  | 'migrating'
  | 'up';

export type ShardCondition = {
  kind: ShardConditionKind;
  /** As far as this orchestrator knows. */
  since: number;
  /** The node that has the shard. */
  node: string | null;
  /** A clause for people; null where there is nothing to explain. */
  why: string | null;
  /** `refused`: the close code. */
  code: number | null;
  /** `waitingToIdentify`: the place in the queue, from 1, and when the shard's turn comes at the earliest. */
  position: number | null;
  eta: number | null;
};

export type AlarmKind =
  | 'shardsDown'
  | 'gatewayUnreachable'
  | 'credentialsRefused'
  | 'shardRefused'
  | 'shardSilent'
  | 'crashLoop'
  | 'identifyBudgetLow'
  | 'identifyBudgetForecast'
  | 'moreShardsRecommended'
  | 'storeSuspended'
  | 'orchestratorCutOff'
  | 'nodeIdTaken'
  | 'versionSkew'
  | 'botUnwell'
  | 'rolloutsFrozen'
  | 'rolloutStands'
  | 'versionQuarantined';

/** Something is wrong, and has been for long enough: docs/reference/health.md lists all kinds. */
export type Alarm = {
  /** Names the alarm for as long as it stands; its kind, and what it is about where there can be several. */
  key: string;
  kind: AlarmKind;
  level: 'warn' | 'error';
  /** Since when the trouble lasts, and when it became an alarm. */
  since: number;
  raisedAt: number;
  /** In a sentence, as of now. */
  reason: string;
  /** What to do about it. */
  remedy: string;
  shards: readonly number[];
  nodes: readonly string[];
};

/** `GET /v1/health`. */
export type Health = {
  /** No alarm of level `error` stands. */
  ok: boolean;
  now: number;
  totalShards: number | null;
  up: number;
  alarms: readonly Alarm[];
};

/** `GET /readyz`: 200 when `ready`, else 503. Only who knows the token is told more than that. */
export type Readiness = {
  ready: boolean;
  /** What it is not ready for, in clauses. */
  missing?: readonly string[];
  /** Which shards are not up; that alone leaves the orchestrator ready. */
  notUp?: readonly ListedShard[];
};

export type ListedShard = { id: number; condition: ShardCondition };

export type MigrationStep =
  | 'closing'
  | 'preparing'
  | 'transferring'
  | 'resuming'
  | 'announcing'
  | 'openingOrigin'
  | 'openingDestination'
  | 'copying'
  | 'warming'
  | 'freezing'
  | 'verifying'
  | 'releasing'
  | 'activating';

export type ShardStatus = {
  id: number;
  state: ShardStateName;
  /** How it is; `up` is READY or RESUMED. */
  condition: ShardCondition;
  /** When it came into that state; null where that is not known (while it moves). */
  since: number | null;
  /** What its gateway connection does, from the node's last heartbeat; null without heartbeats. */
  phase: ShardPhase | null;
  pingMs: number | null;
  guilds: number | null;
  /** Dispatches handed to user code since the shard started on this node. */
  events: number | null;
};

export type HostStatus = {
  name: string;
  zone: string | null;
  /** Connected nodes that say that they run on it. */
  nodes: readonly string[];
  /** How many shards they have, and how many of these are up. */
  shards: number;
  up: number;
  /** Its nodes get no new shards, and nor do those that join from it. */
  cordoned: { since: number; by: string } | null;
  /** `dso takeover --host`: since when it counts as dead. */
  deadSince: number | null;
};

export type NodeStatus = {
  id: string;
  version: string;
  host: string | null;
  pid: number | null;
  /** `awaitingTotal`: it waits for the total shard count to be decided. */
  connection: 'connected' | 'awaitingTotal' | 'disconnected';
  /** Known not to run any more, rather than merely silent. */
  gone: boolean;
  /** Since when it is connected or disconnected. */
  since: number;
  lastHeardAt: number | null;
  capabilities: readonly string[];
  /**
   * `leaving`: it asked to leave, and its shards are moved away. `lingering`: its shards are gone, and it ends what it
   * is at, then itself.
   */
  intent: 'serving' | 'cordoned' | 'leaving' | 'shuttingDown' | 'lingering';
  shards: readonly ShardStatus[];
  process: ProcessReport | null;
  /** How its version fares, as its last heartbeat said; null: the node does not say. */
  signals: NodeSignals | null;
};

export type MigrationStatus = {
  id: string;
  shard: number;
  origin: string;
  destination: string;
  step: MigrationStep;
  /** Copied while it serves; false: closed first, because one of the nodes knows no other way. */
  live: boolean;
  startedAt: number;
  /** Since when no event of the shard is handled; null: it still serves. */
  frozenSince: number | null;
};

export type DrainStatus = {
  id: string;
  /** Several, with a comma and a blank between them. */
  origin: string;
  /** null: not known yet, or all other nodes. */
  destination: string | null;
  /** Whether the origin is shut down when it is empty. */
  shutdown: boolean;
  /** From then on no further shard is moved. null: however long it takes. */
  until: number | null;
  phase: 'awaitingDestination' | 'moving' | 'shuttingDown';
  waiting: readonly number[];
  moved: readonly number[];
  failed: readonly { shard: number; reason: string }[];
  /** Why no further shard is moved, if so. */
  stopped: string | null;
  startedAt: number;
};

export type CrashStatus = {
  /** As the nodes name it, or as it was launched; '' where nobody says. */
  version: string;
  /** So many, one after the other, each launched after the one before had died; 0: it is healthy. */
  inARow: number;
  /** Since the orchestrator started. */
  total: number;
  /** It dies again and again: a new node of it gets one shard until it has lived for a while. */
  loop: boolean;
  /** When the first in the row died; null while it is healthy. */
  since: number | null;
  /** Nothing is launched before this time, but by an operator or a rollout; null: nothing is held back. */
  nextLaunchAt: number | null;
  /** How the last one ended, with the lines of its log that say why, and the path of the log. */
  reason: string;
};

export type RolloutStatus = {
  id: string;
  /** What is rolled out; '' where that is not known. */
  version: string;
  phase: 'surging' | 'moving' | 'baking' | 'reverting' | 'ending';
  /** The index of the stage that moves or is watched, of those of this round. */
  stage: number;
  /** How many shards move in each; null: all that are left. */
  stages: readonly { shards: number | null; bakeMs: number }[];
  /** The nodes of this round, each with the one that takes its place. */
  pairs: readonly { old: string; new: string | null }[];
  /** Nodes of rounds to come. */
  waiting: readonly string[];
  done: readonly string[];
  /** Not launched here. */
  leftAlone: readonly string[];
  /** Why its shards go back. */
  failure: { kind: 'gate' | 'undone'; reason: string } | null;
  pausedBy: string | null;
  startedAt: number;
};

/** How long shards paused, in milliseconds: histograms, of which `quantileOf` finds p50 and p99. */
export type Pauses = {
  /** How long no event of a shard was handled, by cause; `resume`: taken over, or stopped and resumed elsewhere. */
  gap: Readonly<Record<'migration' | 'parked' | 'resume', Histogram>>;
  /** Of migrations: from FREEZE until the destination had resumed the session. */
  frozen: Histogram;
  /** Of migrations: from ACTIVATE until RESUMED. */
  replay: Histogram;
};

export type StatusV1 = {
  /** The orchestrator's version. */
  version: string;
  startedAt: number;
  now: number;
  /** null until decided. */
  totalShards: number | null;
  /** While it is set, the orchestrator waits for running nodes to come back before it places shards. */
  graceUntil: number | null;
  /** The known nodes it waits for; null when it cannot know them. */
  awaitedNodes: readonly string[] | null;
  /** Why Discord could not be asked for the shard count and pace, while that is so. */
  gatewayProblem: string | null;
  /** When Discord is asked again after that. */
  gatewayRetryAt: number | null;
  /** The fleet is going down for good. */
  ending: boolean;
  /** Who has the shards, as far as it was decided. Whether they are up, `conditionCounts` tells. */
  shardCounts: Readonly<Record<ShardStateName, number>>;
  /** How many shards are in which condition. */
  conditionCounts: Readonly<Record<ShardConditionKind, number>>;
  /** Every shard that is not up, in the order of their ids, with since when and why. */
  notUp: readonly ListedShard[];
  /** Shards this orchestrator cares for and nobody runs. */
  vacantShards: readonly number[];
  nodes: readonly NodeStatus[];
  hosts: readonly HostStatus[];
  migrations: readonly MigrationStatus[];
  /** Messages of migrations that were over, or not at that step: they were dropped. Some are usual after an abort. */
  staleTransfers: number;
  /** Asked for, and waiting for their nodes to have room for another one. */
  waitingMigrations: readonly { shard: number; destination: string; since: number }[];
  drains: readonly DrainStatus[];
  /** Shards that are moving or down, and how many may be at once; while as many are, nothing is moved. */
  disruption: { moving: number; down: number; limit: number };
  /** Not started any more, because these nodes died one after the other when they had been started on them. */
  quarantined: readonly { shard: number; since: number; nodes: readonly string[] }[];
  /**
   * How launched processes of each version fare: those that ended though nobody asked them to, launches that failed
   * included. The latest versions, the newest last.
   */
  crashes: readonly CrashStatus[];
  /** Every alarm that stands, the gravest first. */
  alarms: readonly Alarm[];
  /** Most nodes are silent: nothing is done until that is over, or an operator says which ones are dead. */
  alarm: {
    since: number;
    silent: readonly string[];
    /** The silent hosts; none where all nodes are on one. */
    hosts: readonly string[];
  } | null;
  /** Drains and rollouts as operators cancel them, with those that ended lately: see `GET /v1/operations`. */
  operations: readonly OperationStatus[];
  rollout: RolloutStatus | null;
  identifies: {
    maxConcurrency: number;
    /** How long an IDENTIFY blocks its key. */
    windowMs: number;
    /** The session starts of the day: what is left by Discord's word and by our count, and what is kept back. */
    budget: SessionStarts;
    /** Since when shards wait because there are no session starts left to grant; null: none does. */
    shortSince: number | null;
    waiting: readonly { node: string; shard: number; since: number }[];
    /** Keys that are held or not free yet. */
    busyKeys: readonly { key: number; holder: { node: string; shard: number } | null; freeAt: number }[];
  };
  launches: readonly { id: string; node: string | null; since: number }[];
  /** Where the state is kept, and whether it can be; while it is `suspended` the orchestrator changes nothing. */
  store: StoreStatus;
  /** Since this run of the orchestrator began. */
  pauses: Pauses;
};

/**
 * - `open`: decisions are made durable.
 * - `suspended`: they cannot be, so none is made; it is tried again by itself.
 * - `lost`: another orchestrator leads on the store.
 */
export type StoreStatus = {
  /** `none`: there is no store. */
  name: string;
  /** Grows with each start of an orchestrator on this store. */
  epoch: number;
  state: 'open' | 'suspended' | 'lost' | 'closed';
  since: number;
  /** Why it is suspended or lost, in a sentence. */
  problem: string | null;
};

/** The session starts of the day. */
type SessionStarts = {
  total: number;
  /** By Discord's answer and our own count, whichever is less. */
  remaining: number;
  reserve: number;
  /** Counted by the orchestrator since the day began. */
  used: number;
  /** How many more the operator has allowed beyond the reserve. */
  allowed: number;
  /** When more will be there; null when nothing was spent and nothing is known. */
  resetAt: number | null;
};
