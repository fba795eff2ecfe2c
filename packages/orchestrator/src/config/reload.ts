/**
 * A configuration that was read again, beside the one in force: what can be taken over while the orchestrator runs, and
 * what needs a restart. `reloadable` of each key (`@dshard/api`, config/keys.ts) says which is which.
 */
import { configEntry, CONFIG_KEYS, type ConfigKey, type ConfigValues, type ResolvedConfig } from '@dshard/api/config';
import type { Settings } from '../domain/state/settings.js';
import { settingsOf } from './settings.js';

export type Reload = {
  /** Taken over. */
  readonly keys: readonly ConfigKey[];
  /** Changed, too, and left as they were. */
  readonly needRestart: readonly ConfigKey[];
  /** What changes for the domain. */
  readonly settings: Partial<Settings>;
  /** What is in force afterwards. */
  readonly config: ResolvedConfig;
};

export function reloadOf(before: ResolvedConfig, read: ResolvedConfig): Reload {
  const changed = CONFIG_KEYS.filter((key) => !isSame(before.values[key], read.values[key]));
  const keys = changed.filter((key) => configEntry(key).reloadable);
  const values: ConfigValues = { ...before.values, ...Object.fromEntries(keys.map((key) => [key, read.values[key]])) };
  const writtenAt = { ...before.writtenAt, ...Object.fromEntries(keys.map((key) => [key, read.writtenAt[key]])) };
  const config: ResolvedConfig = { ...before, values, writtenAt, log: { ...before.log, level: values['log.level'] } };
  return {
    keys,
    needRestart: changed.filter((key) => !configEntry(key).reloadable),
    settings: differenceOf(settingsOf(before), settingsOf(config)),
    config,
  };
}

function differenceOf(before: Settings, after: Settings): Partial<Settings> {
  const was = new Map(Object.entries<unknown>(before));
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => !isSame(was.get(name), value)));
}

/** Values of the configuration are plain: numbers, texts, lists and maps. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
