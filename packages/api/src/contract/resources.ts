/**
 * The nouns of `dso get`: what can be listed, of which endpoint, and what a query may ask of its rows. How the rows are
 * shown is the command line's.
 */
import { NODE_QUERY, SHARD_QUERY } from '../query/fields.js';
import type { QueryFields } from '../query/parse.js';
import {
  ALARM_QUERY,
  HOST_QUERY,
  MIGRATION_QUERY,
  OPERATION_QUERY,
  SETTING_QUERY,
  TOKEN_QUERY,
  VERSION_QUERY,
  WAITING_QUERY,
} from '../query/resource-fields.js';
import type { Answers, EndpointName } from './documents.js';

/** What each list is asked of, and the field of the answer that has its rows; null: the answer is the list. */
const SOURCES = {
  nodes: { endpoint: 'nodes', rows: 'nodes' },
  shards: { endpoint: 'shards', rows: 'shards' },
  hosts: { endpoint: 'status', rows: 'hosts' },
  migrations: { endpoint: 'migrations', rows: 'migrations' },
  operations: { endpoint: 'operations', rows: null },
  alarms: { endpoint: 'alarms', rows: 'alarms' },
  versions: { endpoint: 'versions', rows: 'running' },
  identifies: { endpoint: 'identifies', rows: 'waiting' },
  tokens: { endpoint: 'tokens', rows: 'tokens' },
  settings: { endpoint: 'configuration', rows: 'settings' },
} as const;

export type ResourceName = keyof typeof SOURCES;
export type ResourceDocument<Name extends ResourceName> = Answers<(typeof SOURCES)[Name]['endpoint']>;
type Listed<Document, Field> = Field extends keyof Document ? Document[Field] : Document;
export type ResourceRow<Name extends ResourceName> =
  Listed<ResourceDocument<Name>, (typeof SOURCES)[Name]['rows']> extends readonly (infer Row)[] ? Row : never;

export type Resource<Row> = {
  readonly endpoint: EndpointName;
  readonly rows: string | null;
  /** One of them. */
  readonly singular: string;
  readonly help: string;
  readonly query: QueryFields<Row>;
  /** Whether the orchestrator takes the query, and answers page by page. */
  readonly isAsked: boolean;
  /** What may follow `dso get <noun>`. */
  readonly examples: readonly string[];
};

export const RESOURCES: { readonly [Name in ResourceName]: Resource<ResourceRow<Name>> } = {
  nodes: {
    ...SOURCES.nodes,
    singular: 'node',
    help: 'the nodes: their state, shards, version and process',
    query: NODE_QUERY,
    isAsked: true,
    examples: ['', 'web-*', 'state:cordoned shards>10', "--query '-notUp:0' -o wide"],
  },
  shards: {
    ...SOURCES.shards,
    singular: 'shard',
    help: 'the shards: how each is, where, since when and why',
    query: SHARD_QUERY,
    isAsked: true,
    examples: ['state:notUp', '0-15', "state:resuming node:web-* 'gap>500ms' -o wide"],
  },
  hosts: {
    ...SOURCES.hosts,
    singular: 'host',
    help: 'the hosts, with their nodes and shards',
    query: HOST_QUERY,
    isAsked: false,
    examples: ['', 'zone:eu-*'],
  },
  migrations: {
    ...SOURCES.migrations,
    singular: 'migration',
    help: 'the migrations under way with their steps',
    query: MIGRATION_QUERY,
    isAsked: false,
    examples: ['', 'step:freezing', 'node:web-1'],
  },
  operations: {
    ...SOURCES.operations,
    singular: 'operation',
    help: 'the operations under way with their progress, and how the last ones ended',
    query: OPERATION_QUERY,
    isAsked: false,
    examples: ['', 'state:running', 'kind:rollout state:failed'],
  },
  alarms: {
    ...SOURCES.alarms,
    singular: 'alarm',
    help: 'the alarms that stand, the gravest first',
    query: ALARM_QUERY,
    isAsked: false,
    examples: ['', 'level:error', '-o wide'],
  },
  versions: {
    ...SOURCES.versions,
    singular: 'version',
    help: 'the versions that nodes run, and how each fares',
    query: VERSION_QUERY,
    isAsked: false,
    examples: ['', '-o name'],
  },
  identifies: {
    ...SOURCES.identifies,
    singular: 'identify',
    help: 'the identify budget of the day, and the shards that wait to identify',
    query: WAITING_QUERY,
    isAsked: false,
    examples: ['', 'node:web-1'],
  },
  tokens: {
    ...SOURCES.tokens,
    singular: 'token',
    help: 'the API tokens: their roles, who made each, and when each ends',
    query: TOKEN_QUERY,
    isAsked: false,
    examples: ['', 'role:admin'],
  },
  settings: {
    ...SOURCES.settings,
    singular: 'setting',
    help: 'the configuration in force at the orchestrator, and where each setting is written',
    query: SETTING_QUERY,
    isAsked: false,
    examples: ['', 'timeouts.*', 'at:dso.yaml*'],
  },
};

export const RESOURCE_NAMES: readonly ResourceName[] = Object.keys(RESOURCES) as ResourceName[];
