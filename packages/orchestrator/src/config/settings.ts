/**
 * The domain's part of the configuration, in the domain's own words.
 *
 * One setting is not known yet: `expectedNodes`, the nodes that end the start-up grace when all of them are back. The
 * runtime fills it in when the launcher has looked for its processes, and only where nodes listen on loopback: there
 * the nodes that can come back are those the launcher started, so their list is complete (an empty one ends the grace
 * at once). Beyond loopback nodes of other hosts may still be running that no list here knows, and the whole grace is
 * waited for. The same holds without a launcher.
 */
import { defaultValues, type ConfigValues, type ResolvedConfig } from '@dshard/api/config';
import type { Settings } from '../domain/state/settings.js';

const MIB = 1024 * 1024;

export function settingsOf({ values, token, launcher }: ResolvedConfig): Settings {
  return settings(values, { token, canLaunch: launcher !== null });
}

/** What holds where nothing is written, but for `changes`: for those who drive the domain themselves. */
export function defaultSettings(changes: Partial<Settings> = {}): Settings {
  return { ...settings(defaultValues(), { token: null, canLaunch: false }), ...changes };
}

function settings(values: ConfigValues, known: { token: string | null; canLaunch: boolean }): Settings {
  return {
    totalShards: values.totalShards,
    responsibleForShards: values.responsibleForShards,
    ensureAllShardsRunning: values.ensureAllShardsRunning,
    bucketSize: values.bucketSize,
    bucketsPerNode: values.bucketsPerNode,
    maxShardsPerNode: values.maxShardsPerNode,
    maxNodeDowntimeMs: values.maxNodeDowntime,
    nodes: values.nodes,
    canLaunch: known.canLaunch,
    launchesVersions: false,
    launchTimeoutMs: values['timeouts.launch'],
    launchRetryMs: values['timeouts.launchRetry'],
    launchRetryMaxMs: values['timeouts.launchRetryMax'],
    healthyAfterMs: values['timeouts.healthyAfter'],
    startupGraceMs: values.startupGrace,
    skipStartupGraceMaxShards: values.skipStartupGraceMaxShards,
    expectedNodes: null,
    migrationStepTimeoutMs: values['timeouts.migrationStep'],
    freezeTimeoutMs: values['timeouts.freeze'],
    migrationsPerNode: values.migrationsPerNode,
    migrationsTotal: values.migrationsTotal,
    maxUnavailable: values.maxUnavailable,
    budgetTimeoutMs: values['timeouts.budget'],
    rolloutProgressMs: values['timeouts.rolloutProgress'],
    parkHost: null,
    parkTtlMs: values['park.ttl'],
    parkWaitForMs: values['park.waitFor'],
    parkShardBytes: values['park.maxShard'] * MIB,
    parkTotalBytes: values['park.maxTotal'] * MIB,
    takeoversPerNode: values.takeoversPerNode,
    quarantineAfter: values.quarantineAfter,
    commandTimeoutMs: values['timeouts.command'],
    heartbeatIntervalMs: values.heartbeat,
    identifyWindowMs: values['discord.identifyWindow'],
    identifyReserve: values['discord.identifyReserve'],
    identifyTimeoutMs: values['timeouts.identify'],
    rebalance: values.rebalance,
    nodesMayRollout: values.nodesMayRollout,
    tokenRequired: known.token !== null,
    allowBaseLevelPeers: values.allowBaseLevelPeers,
  };
}
