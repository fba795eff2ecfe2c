/** The domain's part of the configuration, in the domain's own words. */
import type { Settings } from '../domain/state/settings.js';
import { defaultValues, type ConfigValues } from './keys.js';

export function settingsOf(values: ConfigValues, known: { token: string | null; canLaunch: boolean }): Settings {
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
    launchTimeoutMs: values['timeouts.launch'],
    launchRetryMs: values['timeouts.launchRetry'],
    startupGraceMs: values.startupGrace,
    skipStartupGraceMaxShards: values.skipStartupGraceMaxShards,
    expectedNodes: null,
    migrationStepTimeoutMs: values['timeouts.migrationStep'],
    freezeTimeoutMs: values['timeouts.freeze'],
    migrationsPerNode: values.migrationsPerNode,
    migrationsTotal: values.migrationsTotal,
    maxUnavailable: values.maxUnavailable,
    budgetTimeoutMs: values['timeouts.budget'],
    takeoversPerNode: values.takeoversPerNode,
    quarantineAfter: values.quarantineAfter,
    commandTimeoutMs: values['timeouts.command'],
    heartbeatIntervalMs: values.heartbeat,
    identifyWindowMs: values['discord.identifyWindow'],
    identifyReserve: values['discord.identifyReserve'],
    identifyTimeoutMs: values['timeouts.identify'],
    nodesMayRollout: values.nodesMayRollout,
    tokenRequired: known.token !== null,
    allowBaseLevelPeers: values.allowBaseLevelPeers,
  };
}

/** What holds where nothing is written, but for `changes`: for those who drive the domain themselves. */
export function defaultSettings(changes: Partial<Settings> = {}): Settings {
  return { ...settingsOf(defaultValues(), { token: null, canLaunch: false }), ...changes };
}
