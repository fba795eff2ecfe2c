/** What the domain is told once, at start. Resolved by `config/`; every field is set. Times are milliseconds. */
export type Settings = {
  /** Fixed total shard count, or null: ask Discord (the ancestor's FixedTotalShardCount / ShardCountProvider). */
  totalShards: number | null;
  /** The shards this orchestrator cares for, or null for all (ancestor: ResponsibleForShards). Needs a fixed total. */
  responsibleForShards: readonly number[] | null;
  /** Start whatever nobody runs (ancestor: EnsureAllShardsRunning). */
  ensureAllShardsRunning: boolean;
  /** Shards of one bucket only ever sit together (ancestor: ShardBucketSize; 16 for large bots). */
  bucketSize: number;
  /**
   * With n > 0 a node only takes shards of one slot, `floor(floor(shard / bucketSize) / n)` (ancestor: BucketsPerNode).
   */
  bucketsPerNode: number;
  /** Automatic placement only; by hand one may go over. null: no limit (ancestor: MaxShardsPerNode). */
  maxShardsPerNode: number | null;
  /** How long a silent node keeps its shards (ancestor: MaxNodeDowntimeBeforeRestart). */
  maxNodeDowntimeMs: number;
  /** How many nodes the launcher keeps up; 0: launch only when shards have no node with room. */
  nodes: number;
  /** Whether there is a launcher at all. */
  canLaunch: boolean;
  /** How long a launched node may take to connect before the launch counts as failed. */
  launchTimeoutMs: number;
  /** At most one launch per this time while launches fail (ancestor: 30 s); successful ones are not held back. */
  launchRetryMs: number;
  /** A fresh orchestrator waits this long for running nodes to come back before it places shards (ancestor: 10 s). */
  startupGraceMs: number;
  /** With a total of at most this many shards the grace is skipped (ancestor: SkipSafeStartupDelayMaxShards). */
  skipStartupGraceMaxShards: number;
  /**
   * The nodes known to be running at start (the launcher's registry), or null when that cannot be known. When all of
   * them are back, the grace is over; an empty list ends it at once.
   */
  expectedNodes: readonly string[] | null;
  /** Bound of each single step of a migration. */
  migrationStepTimeoutMs: number;
  /**
   * How long a live migration may keep its shard frozen; an origin that hears nothing for that long unfreezes by
   * itself.
   */
  freezeTimeoutMs: number;
  /** How many shards of one node may move at once (base-level peers: always one). */
  migrationsPerNode: number;
  /** How many shards may move at once in the whole fleet. */
  migrationsTotal: number;
  /** How many shards may be moving or down at once; planned moves wait while more are (`migration/limits.ts`). */
  maxUnavailable: { count: number } | { percent: number };
  /** How long a drain may wait for that before it stops. */
  budgetTimeoutMs: number;
  /** How many shards a node is given to resume at once. */
  takeoversPerNode: number;
  /** A shard that was newly started on so many nodes in a row when they died is not started any more; 0: never mind. */
  quarantineAfter: number;
  /** How long a node may take to answer startShards, stopShard or shutdown. */
  commandTimeoutMs: number;
  /** 0: off. A node that misses three counts as silent, and its connection is closed. */
  heartbeatIntervalMs: number;
  /** The identify window per key (Discord: 5 s). */
  identifyWindowMs: number;
  /** Session starts of the day that are not granted without an operator's word; null: a twentieth of the total. */
  identifyReserve: number | null;
  /** A permit whose end was never reported is given up after this long. */
  identifyTimeoutMs: number;
  /** Whether a node may begin a rollout (`client.shard.respawnAll()`). */
  nodesMayRollout: boolean;
  /** Whether a shared token is required of nodes. The comparison itself is done at the edge. */
  tokenRequired: boolean;
  /** Let base-level peers (which know no token) in from beyond loopback. */
  allowBaseLevelPeers: boolean;
};

/** Whose node leads: the lowest shard that this orchestrator is responsible for. */
export function leadShardOf({ responsibleForShards }: Settings): number {
  return (responsibleForShards ?? [0]).reduce((lowest, shard) => Math.min(lowest, shard));
}
