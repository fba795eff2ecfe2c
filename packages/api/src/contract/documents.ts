/** What each entry of the contract takes and answers, as types. What they are called and where, `contract.ts` says. */
import type { Answer, AncestorStatus, CallReport, HistoryEntry, Refusal } from '../answers/answer.js';
import type { OperationStatus, StartedOperation } from '../answers/operation.js';
import type { ApiTokenList, AuditList, CreatedToken, LoggedIn, WhoAmI } from '../answers/access.js';
import type {
  AlarmList,
  Configuration,
  Identifies,
  MigrationList,
  NodeList,
  ShardList,
  ShardRow,
  Versions,
} from '../answers/lists.js';
import type {
  Health,
  MigrationStatus,
  NodeStatus,
  Readiness,
  ShardConditionKind,
  StatusV1,
} from '../answers/status.js';
import type { LiveSnapshot } from '../live/snapshot.js';
import type { Role } from '../endpoint.js';
import type { OperationKind } from '../operations.js';

export type Paged = { limit: number; cursor: string | null };
export type Queried = Paged & { query: string | null };

/** One of the two is named. */
type NodeOrHost = { node: string | null; host: string | null };

/** What each takes, as the server has it when the parameters were read, and what it answers. */
export type Contract = {
  status: { takes: object; answers: StatusV1 };
  live: { takes: object; answers: LiveSnapshot };
  events: { takes: { after: number | null; limit: number }; answers: readonly HistoryEntry[] };
  startNode: { takes: object; answers: Answer };
  shutdownNode: { takes: { node_id: string; now: boolean }; answers: Answer };
  migrateShard: { takes: { shard: number; destination_node: string }; answers: Answer };
  migrateNode: { takes: { origin_node: string; destination_node: string; shutdown: boolean }; answers: Answer };
  rollout: { takes: object; answers: Answer };
  operations: { takes: object; answers: readonly OperationStatus[] };
  operation: { takes: { id: string }; answers: OperationStatus };
  startOperation: { takes: { kind: OperationKind; dryRun: boolean }; answers: StartedOperation };
  cancelOperation: { takes: { id: string }; answers: Answer };
  pauseRollout: { takes: object; answers: Answer };
  resumeRollout: { takes: object; answers: Answer };
  undoRollout: { takes: object; answers: Answer };
  startShards: { takes: { node: string; shards: readonly number[] }; answers: Answer };
  stopShard: { takes: { shard: number }; answers: Answer };
  parkShard: { takes: { shard: number }; answers: Answer };
  takeOver: { takes: { node: string }; answers: Answer };
  unquarantine: { takes: { shards: readonly number[] | null }; answers: Answer };
  cordonNode: { takes: NodeOrHost; answers: Answer };
  uncordonNode: { takes: NodeOrHost; answers: Answer };
  allowIdentifies: { takes: { count: number }; answers: Answer };
  call: {
    takes: { name: string; args: string; each: 'node' | 'shard'; shards: readonly number[]; timeout: number };
    answers: CallReport;
  };
  deployedVersion: { takes: object; answers: Answer };
  pullNewVersion: { takes: object; answers: Answer };
  ancestorStatus: { takes: object; answers: AncestorStatus };
  shards: { takes: Queried & { condition: ShardConditionKind | 'notUp' | null }; answers: ShardList };
  shard: { takes: { shard: number }; answers: ShardRow };
  nodes: { takes: Queried; answers: NodeList };
  node: { takes: { node: string }; answers: NodeStatus };
  migrations: { takes: object; answers: MigrationList };
  migration: { takes: { id: string }; answers: MigrationStatus };
  waitOperation: { takes: { id: string; timeout: number }; answers: OperationStatus };
  alarms: { takes: object; answers: AlarmList };
  identifies: { takes: object; answers: Identifies };
  versions: { takes: object; answers: Versions };
  configuration: { takes: object; answers: Configuration };
  openapi: { takes: object; answers: object };
  docs: { takes: object; answers: string };
  whoAmI: { takes: object; answers: WhoAmI };
  session: { takes: object; answers: WhoAmI };
  logIn: { takes: { token: string }; answers: LoggedIn };
  logOut: { takes: object; answers: Answer };
  tokens: { takes: object; answers: ApiTokenList };
  createToken: { takes: { name: string; role: Role; expires: number | null }; answers: CreatedToken };
  revokeToken: { takes: { token: string }; answers: Answer };
  audit: { takes: Paged; answers: AuditList };
  health: { takes: object; answers: Health };
  metrics: { takes: object; answers: string };
  healthz: { takes: object; answers: { ok: boolean } };
  livez: { takes: object; answers: { ok: boolean } };
  readyz: { takes: object; answers: Readiness };
};

export type EndpointName = keyof Contract;
export type Takes<Name extends EndpointName> = Contract[Name]['takes'];
export type Answers<Name extends EndpointName> = Contract[Name]['answers'];

/** All that is answered, by name: the schemas of the OpenAPI document are made from this type. */
export type AnswerDocuments = { [Name in EndpointName]: Contract[Name]['answers'] } & { refusal: Refusal };
