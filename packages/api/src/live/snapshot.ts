/**
 * What `GET /v1/live` tells: the fleet as it is (`snapshot`), then what has changed (`delta`, a few times a second at
 * most). Made to be shown as it comes in, with 10,000 shards too: shards are columns of numbers, and what nobody sees
 * at a glance (why a shard is down, its round trip) is asked for by itself, at `/v1/shards/:shard`.
 *
 * Nothing here needs Node.js: a page imports it from `@dshard/api/live`.
 */
import type { HistoryEntry } from '../answers/answer.js';
import type { OperationStatus } from '../answers/operation.js';
import type { Versions } from '../answers/lists.js';
import type {
  Alarm,
  HostStatus,
  MigrationStatus,
  NodeStatus,
  Readiness,
  RolloutStatus,
  ShardConditionKind,
  StatusV1,
} from '../answers/status.js';

/** What the numbers in `shards.condition` mean: places in this list. It only ever grows, at its end. */
export const LIVE_CONDITIONS: readonly ShardConditionKind[] = [
  'up',
  'migrating',
  'starting',
  'waitingToIdentify',
  'stopping',
  'parked',
  'vacant',
  'disconnected',
  'unreachable',
  'quarantined',
  'refused',
];

/** In `shards.node`: nobody has the shard. */
export const NOBODY = -1;
/** In `shards.rate`: nobody reports how many events the shard has. */
export const UNKNOWN_RATE = -1;
/** So many entries of the history are kept in a snapshot, the newest last. */
export const LIVE_HISTORY = 200;

/** Lists are in the order of what their things are known by (`keys.ts`); times are milliseconds since the epoch. */
export type LiveSnapshot = {
  /** When it was so, by the orchestrator's clock: ages are told against that, not against the clock of a page. */
  now: number;
  fleet: LiveFleet;
  hosts: readonly LiveHost[];
  /** By the number that `shards.node` has. null: nobody has this number now. */
  nodes: readonly (LiveNode | null)[];
  /** What each node said last, by the same numbers: nodes stay the same while their figures change all the time. */
  figures: readonly (LiveFigures | null)[];
  shards: LiveShards;
  /** Under way. */
  migrations: readonly MigrationStatus[];
  operations: readonly LiveOperation[];
  /** Of the rollout under way, which is one of the operations. */
  rollout: LiveRollout | null;
  alarms: readonly LiveAlarm[];
  /** The newest last. */
  history: readonly HistoryEntry[];
};

export type LiveFleet = {
  /** The orchestrator's version. */
  version: string;
  startedAt: number;
  /** Of the orchestrator that leads; it grows with each start on its store. */
  epoch: number;
  leader: { host: string; pid: number };
  store: StatusV1['store'];
  readiness: Required<Omit<Readiness, 'notUp'>>;
  /** null until decided. */
  totalShards: number | null;
  conditionCounts: StatusV1['conditionCounts'];
  disruption: StatusV1['disruption'];
  /** Why Discord could not be asked for the shard count and pace, while that is so. */
  gatewayProblem: string | null;
  /** Most nodes are silent: nothing is done until that is over. */
  cutOff: StatusV1['alarm'];
  ending: boolean;
  /** Nodes that are being launched. */
  launches: number;
  /** Migrations that were asked for, and wait for room. */
  waitingMigrations: number;
  /** How often nodes report: figures that are older than three times that are stale. 0: never. */
  heartbeatIntervalMs: number;
  versions: Pick<Versions, 'deployed' | 'running' | 'quarantined' | 'frozen'>;
  identifies: LiveIdentifies;
};

export type LiveIdentifies = Pick<StatusV1['identifies'], 'maxConcurrency' | 'windowMs' | 'budget' | 'shortSince'> & {
  /** How many shards wait for their turn. */
  waiting: number;
  /** When the last of them has had its turn, at the pace of now. null: none waits, or nobody knows. */
  waitingUntil: number | null;
  /** By the pace of the day: when only the reserve is left. null: not before the day ends, or too little is known. */
  lastsUntil: number | null;
};

export type LiveHost = Omit<HostStatus, 'shards' | 'up'>;

/** What is known of a node, and what is only suspected. */
export type LiveNode = Pick<
  NodeStatus,
  'id' | 'host' | 'version' | 'pid' | 'connection' | 'gone' | 'since' | 'intent'
> & {
  zone: string | null;
  /** How often another process came under its id. */
  restarts: number;
  /** None of it is a fact: nothing is done for it alone. */
  suspicion: LiveSuspicion | null;
};

export type LiveSuspicion = {
  /**
   * - `silent`: connected, and not heard for longer than is usual. It may be busy, or cut off.
   * - `unwell`: the bot says so of itself, or its self test failed.
   * - `failingVersion`: its version does worse than the other one.
   * - `deafShards`: connected shards of it have no events, against their own usual rate.
   */
  kind: 'silent' | 'unwell' | 'failingVersion' | 'deafShards';
  since: number;
  /** A clause. */
  text: string;
};

/** By the node's own word. */
export type LiveFigures = {
  /** When it said so. */
  at: number;
  memoryBytes: number | null;
  /** In per cent of one core. */
  cpuPercent: number | null;
  eventLoopDelayMs: number | null;
  uptimeMs: number | null;
  /** Of all its shards, between its last two reports. */
  eventsPerSecond: number | null;
  /** Handlers that threw or rejected, since the process began. */
  handlerErrors: number | null;
};

/** Columns: the shard's id is the place in each. */
export type LiveShards = {
  /** A place in `nodes`, or `NOBODY`. */
  node: readonly number[];
  /** A place in `LIVE_CONDITIONS`. */
  condition: readonly number[];
  /** Since when it is in that condition. */
  since: readonly number[];
  /** Events a second, or `UNKNOWN_RATE`. In steps of a third or so, so that noise changes nothing. */
  rate: readonly number[];
};

/** Shards are counted: a list of thousands is asked for by itself. */
export type LiveOperation = Omit<OperationStatus, 'shards'> & {
  shards: { moved: number; total: number; moving: readonly number[]; waiting: number } | null;
};

export type LiveRollout = RolloutStatus & {
  /** Since when it is in its phase. */
  since: number;
  /** While a stage is watched: what the gates say so far. */
  gate: {
    verdict: 'passed' | 'failed' | 'undecided';
    text: string | null;
    /** When the stage is over, if nothing fails by then. null: it waits for somebody. */
    until: number | null;
  } | null;
};

/** Which shards it is about: `0-15,20`, as queries take it. */
export type LiveAlarm = Omit<Alarm, 'shards'> & { shards: string };
