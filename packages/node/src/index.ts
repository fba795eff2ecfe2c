export { createNode } from './node.js';
export type { HealthAnswer, HealthCheck } from './health.js';
export type { StandbyHook } from './standby.js';
export type { DshardNode, NodeEnd, NodeEvents, NodeStatus } from './node-api.js';
export type { LeaveOptions } from './leave-options.js';
export type { NodeTls } from './control-transport.js';
export type { NodeLimits } from './node-limits.js';
export type { FleetSettings, NodeOptions, UserEventCodec } from './options.js';
export { DirtyKeys } from './dirty-keys.js';
export { launchEnvironment, nodeIdFromArgv } from './environment.js';
export type { LaunchEnvironment } from './environment.js';
export { NODE_ERRORS, NodeError } from './errors.js';
export type { NodeErrorCode } from './errors.js';
export type {
  Cursor,
  HostContext,
  HostSignals,
  HostTimeouts,
  IdentifyPermit,
  LeavingHow,
  LossCause,
  ResumeHow,
  ResumeOutcome,
  ShardHost,
  OwnershipLease,
  TransferContext,
} from './shard-host.js';
export type { MissedEvents } from './gateway-shard/options.js';
export type { ShardStateKind } from './session/state.js';
export { MessagePackExtension, UserEventRegistry } from '@dshard/protocol';
export { CallIncompleteError } from './fleet/fleet.js';
export type {
  BroadcastEvalOptions,
  CallContext,
  CallHandler,
  CallOptions,
  CallResult,
  CronOptions,
  CronRun,
  Fleet,
  FleetJobs,
  FleetQueries,
  LeadRun,
  FleetAnswer,
  FleetFailure,
} from './fleet/fleet-api.js';
