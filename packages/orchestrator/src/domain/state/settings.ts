/** For how long Discord counts session starts together. */
export const DAY_MS: number = 24 * 60 * 60 * 1_000;

/**
 * What the domain is told once, at start; every field is set, times are milliseconds. What a key of the configuration
 * means is said there (`@dshard/api`, config/keys.ts), and only what the domain adds is said here.
 */
export type Settings = {
  /** null: ask Discord (the ancestor's FixedTotalShardCount / ShardCountProvider). */
  totalShards: number | null;
  /** null: all (ancestor: ResponsibleForShards). */
  responsibleForShards: readonly number[] | null;
  ensureAllShardsRunning: boolean;
  bucketSize: number;
  /** The slot of a shard: `floor(floor(shard / bucketSize) / n)` (ancestor: BucketsPerNode). */
  bucketsPerNode: number;
  /** Automatic placement only; by hand one may go over. `auto`: `fleet/expected.ts`. null: no limit. */
  maxShardsPerNode: number | 'auto' | null;
  maxNodeDowntimeMs: number;
  nodes: number;
  /** Whether there is a launcher at all. */
  canLaunch: boolean;
  /** Whether the launcher can be told which version to start. */
  launchesVersions: boolean;
  launchTimeoutMs: number;
  /** The pause after a launched node died, or a launch failed; it doubles while that happens again (ancestor: 30 s). */
  launchRetryMs: number;
  /** The longest such pause. */
  launchRetryMaxMs: number;
  /** Without a crash for so long a version is healthy, and the next pause is the first one again. */
  healthyAfterMs: number;
  startupGraceMs: number;
  skipStartupGraceMaxShards: number;
  /**
   * The nodes known to be running at start (the launcher's registry), or null when that cannot be known. When all of
   * them are back, the grace is over; an empty list ends it at once.
   */
  expectedNodes: readonly string[] | null;
  /** Bound of each single step of a migration. */
  migrationStepTimeoutMs: number;
  freezeTimeoutMs: number;
  /** Base-level peers: always one. */
  migrationsPerNode: number;
  migrationsTotal: number;
  maxUnavailable: { count: number } | { percent: number };
  budgetTimeoutMs: number;
  rolloutProgressMs: number;
  /** The host whose spool takes the state of parked shards; null: no shard can be parked here. */
  parkHost: string | null;
  parkTtlMs: number;
  parkWaitForMs: number;
  /** Of one shard, and in all. */
  parkShardBytes: number;
  parkTotalBytes: number;
  takeoversPerNode: number;
  quarantineAfter: number;
  commandTimeoutMs: number;
  /** 0: off. A node that misses three counts as silent, and its connection is closed. */
  heartbeatIntervalMs: number;
  identifyWindowMs: number;
  identifyReserve: number | null;
  identifyTimeoutMs: number;
  /** Whether shards are spread without anybody asking (`operations/keep-balanced.ts`). */
  rebalance: 'join' | 'auto' | 'off';
  nodesMayRollout: boolean;
  /** Whether nodes must prove that they know the shared token. The proof itself is looked at at the edge. */
  tokenRequired: boolean;
  allowBaseLevelPeers: boolean;
};

/** Whose node leads: the lowest shard that this orchestrator is responsible for. */
export function leadShardOf({ responsibleForShards }: Settings): number {
  return (responsibleForShards ?? [0]).reduce((lowest, shard) => Math.min(lowest, shard));
}
