/** Bounds of the session; times in milliseconds. */
export type SessionLimits = {
  /** How long the orchestrator may take to answer our Identify. */
  identifyTimeoutMs: number;
  backoffMinMs: number;
  backoffMaxMs: number;
  /** The wait after a refusal that trying again will not cure by itself. */
  refusedRetryMs: number;
  /**
   * A live migration: how long a shard stays frozen without being released, unless the orchestrator names another time.
   */
  freezeTimeoutMs: number;
  /** A live migration: the bytes of state a destination lets come before it has handled some. */
  transferWindowBytes: number;
  /** How long an origin waits without progress before it takes its shard back. */
  migrationTimeoutMs: number;
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

/** What holds where the options say nothing. */
export const DEFAULT_LIMITS: SessionLimits = {
  identifyTimeoutMs: 10_000,
  backoffMinMs: 100,
  backoffMaxMs: 5_000,
  refusedRetryMs: 30_000,
  migrationTimeoutMs: 15_000,
  freezeTimeoutMs: 5_000,
  transferWindowBytes: 2 ** 20,
  shutdownTimeoutMs: 20_000,
  outboxMessages: 10_000,
  outboxBytes: 8 * 2 ** 20,
  commandsPerShard: 16,
  stagedHighBytes: 8 * 2 ** 20,
};
