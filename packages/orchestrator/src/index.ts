export { discordGatewayInfo } from './adapters/discord/discord-gateway-info.js';
export type { DiscordGatewayInfoOptions } from './adapters/discord/discord-gateway-info.js';
export { fixedGatewayInfo } from './adapters/discord/fixed-gateway-info.js';
export type { FixedGatewayInfoOptions } from './adapters/discord/fixed-gateway-info.js';
export { createProcessLauncher } from './adapters/process-launcher/process-launcher.js';
export type { ProcessLauncherOptions } from './adapters/process-launcher/process-launcher.js';
export { memoryDisk, memoryStore } from './adapters/memory/memory-store.js';
export type { MemoryDisk, MemoryStoreOptions } from './adapters/memory/memory-store.js';
export { sqliteStore } from './adapters/sqlite/sqlite-store.js';
export type { SqliteStoreOptions } from './adapters/sqlite/sqlite-store.js';
export { fixedVersion } from './adapters/version-commands/fixed-version.js';
export { versionCommands } from './adapters/version-commands/version-commands.js';
export type { VersionCommandsOptions } from './adapters/version-commands/version-commands.js';
export type { ConfigKey, ConfigKeyEntry, ConfigValues } from './config/keys.js';
export { configEntry, CONFIG_KEYS } from './config/keys.js';
export type { ConfigSources, LauncherConfig, ResolvedConfig } from './config/resolve.js';
export { resolveConfig } from './config/resolve.js';
export { defaultSettings } from './config/settings.js';
export type { Flag } from './config/sources.js';
export type { CommandError, CommandResult, OperatorCommand } from './domain/state/commands.js';
export type { HistoryEntry, HistoryName } from './domain/state/effects.js';
export { DOMAIN_ERRORS } from './domain/state/errors.js';
export type { Settings } from './domain/state/settings.js';
export type { OrchestratorState } from './domain/state/state.js';
export type { OrchestratorErrorCode } from './errors.js';
export { ORCHESTRATOR_ERRORS, OrchestratorError } from './errors.js';
export type { Answer } from './http/answers.js';
export type { AncestorNodeStatus, AncestorStatus } from './http/ancestor-status.js';
export type { CallReport } from './http/calls.js';
export type { OperationStatus } from './http/operation-status.js';
export type {
  DrainStatus,
  MigrationStatus,
  NodeStatus,
  RolloutStatus,
  ShardStatus,
  StatusV1,
} from './http/v1-status.js';
export type { LoggerOptions, LogLevel, LogStream } from './logger.js';
export { createLogger } from './logger.js';
export type { StartedOrchestrator, Surroundings } from './main.js';
export { startOrchestrator } from './main.js';
export type { GatewayInfo, GatewayInfoSource } from './ports/gateway-info.js';
export type { Launcher, NodeProcess, ProcessExit } from './ports/launcher.js';
export type { StateStore, StoreFailure } from './ports/state-store.js';
export type { VersionSource } from './ports/version-source.js';
export type { OrchestratorHandle, OrchestratorOptions, RecordedEntry, StoreStatus } from './runtime/contract.js';
export { lead } from './runtime/leadership.js';
export type { Leadership, LeadOptions } from './runtime/leadership.js';
export { createOrchestrator } from './runtime/orchestrator.js';
export type { Orchestrator } from './runtime/orchestrator.js';
