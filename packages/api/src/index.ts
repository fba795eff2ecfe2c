export type {
  Answer,
  AncestorNodeStatus,
  AncestorStatus,
  CallReport,
  HistoryEntry,
  Refusal,
} from './answers/answer.js';
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
  Pauses,
  Readiness,
  RolloutStatus,
  ShardCondition,
  ShardConditionKind,
  ShardStatus,
  StatusV1,
  StoreStatus,
} from './answers/status.js';
export type {
  ApiTokenList,
  ApiTokenStatus,
  AuditEntry,
  AuditList,
  CreatedToken,
  LoggedIn,
  WhoAmI,
} from './answers/access.js';
export type {
  AlarmList,
  Configuration,
  Identifies,
  MigrationList,
  NodeList,
  NodeRow,
  ShardList,
  ShardRow,
  Versions,
} from './answers/lists.js';
export { RESOURCE_NAMES, RESOURCES } from './contract/resources.js';
export type { Resource, ResourceDocument, ResourceName, ResourceRow } from './contract/resources.js';
export { eventQuery } from './query/resource-fields.js';
export { NODE_QUERY, SHARD_CONDITIONS, SHARD_QUERY } from './query/fields.js';
export { matcherOf } from './query/match.js';
export { parseQuery } from './query/parse.js';
export type { Query, QueryField, QueryFields, QueryParsed, Term } from './query/parse.js';
export { openApiDocument } from './openapi/document.js';
export { CONTRACT, ENDPOINT_NAMES } from './contract/contract.js';
export type { Answers, Contract, EndpointName, Takes } from './contract/documents.js';
export { ROLES } from './endpoint.js';
export type { AnyEndpoint, CommandWords, Costs, Endpoint, Role, Interrupt, Parameter, Parameters } from './endpoint.js';
export { KINDS_OF_OPERATIONS, OPERATION_KINDS } from './operations.js';
export type { OperationEntry, OperationKind, OperationPlans } from './operations.js';
export { FORM_CONTENT_TYPE, requestFor } from './contract/request.js';
export type { ApiRequest, WrittenParameters } from './contract/request.js';
export { API_ERRORS, ApiError } from './errors.js';
export type { ApiErrorCode } from './errors.js';
export { documentationOf } from './documentation.js';
export { emptyHistogram, histogramOf, quantileOf, scaled, withValue } from './values/histogram.js';
export type { Histogram } from './values/histogram.js';
export { describeValue, withoutSecrets } from './values/field.js';
export type { JsonSchema } from './values/field.js';
export { shardRanges } from './values/shard-list.js';
