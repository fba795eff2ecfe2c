export { configEntry, CONFIG_KEYS, defaultValues } from './keys.js';
export type { ConfigKey, ConfigKeyEntry, ConfigValues } from './keys.js';
export { resolveConfig } from './resolve.js';
export type { ConfigSources, LauncherConfig, ResolvedConfig } from './resolve.js';
export type { Flag } from './sources.js';
export { readDuration, writtenValue } from './written.js';
export { configSchema } from './schema.js';
