export type { Answer, AncestorNodeStatus, AncestorStatus, CallReport, HistoryEntry } from './answers/answer.js';
export type { DryRun, OperationStatus, StartedOperation } from './answers/operation.js';
export type {
  Alarm,
  AlarmKind,
  CrashStatus,
  DrainStatus,
  Health,
  ListedShard,
  MigrationStatus,
  HostStatus,
  NodeStatus,
  Readiness,
  RolloutStatus,
  ShardCondition,
  ShardConditionKind,
  ShardList,
  ShardStatus,
  StatusV1,
  StoreStatus,
} from './answers/status.js';
export { CONTRACT, ENDPOINT_NAMES } from './contract/contract.js';
export type { Answers, Contract, EndpointName, Takes } from './contract/documents.js';
export type { CommandWords, Costs, Endpoint, Interrupt, Parameter, Parameters } from './endpoint.js';
export { KINDS_OF_OPERATIONS, OPERATION_KINDS } from './operations.js';
export type { OperationEntry, OperationKind, OperationPlans } from './operations.js';
export { FORM_CONTENT_TYPE, requestFor } from './contract/request.js';
export type { ApiRequest, WrittenParameters } from './contract/request.js';
export { API_ERRORS, ApiError } from './errors.js';
export type { ApiErrorCode } from './errors.js';
export { describeValue } from './values/field.js';
export { shardRanges } from './values/shard-list.js';
