import type { Settings } from '../../src/domain/settings.js';

/** As the defaults are, with four shards, and without waiting at the start. */
export function settings(more: Partial<Settings> = {}): Settings {
  return {
    totalShards: 4,
    responsibleForShards: null,
    ensureAllShardsRunning: true,
    bucketSize: 1,
    bucketsPerNode: 0,
    maxShardsPerNode: null,
    maxNodeDowntimeMs: 10_000,
    nodes: 0,
    canLaunch: true,
    launchTimeoutMs: 30_000,
    launchRetryMs: 30_000,
    startupGraceMs: 10_000,
    skipStartupGraceMaxShards: 10,
    expectedNodes: null,
    migrationStepTimeoutMs: 10_000,
    freezeTimeoutMs: 5_000,
    migrationsPerNode: 4,
    migrationsTotal: 16,
    maxUnavailable: { percent: 100 },
    budgetTimeoutMs: 60_000,
    takeoversPerNode: 16,
    quarantineAfter: 3,
    commandTimeoutMs: 10_000,
    heartbeatIntervalMs: 5_000,
    identifyWindowMs: 5_000,
    identifyReserve: null,
    identifyTimeoutMs: 30_000,
    tokenRequired: false,
    allowBaseLevelPeers: false,
    ...more,
  };
}
