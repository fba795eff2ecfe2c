import { defaultSettings } from '../../src/config/settings.js';
import type { Settings } from '../../src/domain/state/settings.js';

/** As the defaults are, with four shards, and without waiting at the start. */
export function settings(more: Partial<Settings> = {}): Settings {
  return defaultSettings({
    totalShards: 4,
    canLaunch: true,
    launchTimeoutMs: 30_000,
    launchRetryMs: 30_000,
    skipStartupGraceMaxShards: 10,
    migrationStepTimeoutMs: 10_000,
    maxUnavailable: { percent: 100 },
    budgetTimeoutMs: 60_000,
    commandTimeoutMs: 10_000,
    identifyTimeoutMs: 30_000,
    ...more,
  });
}
