/** The part of the contract that only reads: lists with a query and a cursor, single things, and the documents. */
import { duration, nodeId, orNull, printableText, text, wholeNumber, type Field } from '../values/field.js';
import { MAX_SHARDS } from '@dshard/protocol';
import type { Endpoint, Parameters } from '../endpoint.js';
import { MAX_QUERY_LENGTH } from '../query/parse.js';
import type { Paged, Queried, Takes } from './documents.js';

const MAX_ROWS = 10_000;
const DEFAULT_ROWS = 1_000;
const MAX_WAIT_MS = 60_000;
const DEFAULT_WAIT_MS = 30_000;

const operationId: Field<string> = printableText({ expected: 'the id of an operation', maxLength: 256 });
const queryField: Field<string | null> = orNull(
  printableText({ expected: 'a query such as "state:resuming node:web-* gap>500ms"', maxLength: MAX_QUERY_LENGTH }),
  'none',
);
const cursorField: Field<string | null> = orNull(
  text({ expected: 'the "next" of the page before', pattern: /^[\w-]+$/, maxLength: 400 }),
  'none',
);

export const page: Parameters<Paged> = {
  limit: { field: wholeNumber({ min: 1, max: MAX_ROWS }), fallback: DEFAULT_ROWS },
  cursor: { field: cursorField, fallback: null },
};
export const queried: Parameters<Queried> = { query: { field: queryField, fallback: null }, ...page };

type Names =
  | 'live'
  | 'nodes'
  | 'node'
  | 'shard'
  | 'migrations'
  | 'migration'
  | 'waitOperation'
  | 'alarms'
  | 'identifies'
  | 'versions'
  | 'configuration'
  | 'openapi'
  | 'docs';

export const LISTS: { readonly [Name in Names]: Endpoint<Takes<Name>> } = {
  live: {
    method: 'GET',
    path: '/v1/live',
    role: 'read',
    streams: true,
    about:
      'the fleet as pages show it; with `Accept: text/event-stream` a `snapshot`, then a `delta` whenever something has changed (takes `Last-Event-ID`); typed, with `applyDelta`, in `@dshard/api/live`',
    parameters: {},
    command: null,
  },
  nodes: {
    method: 'GET',
    path: '/v1/nodes',
    role: 'read',
    about: 'the nodes that a query asks for, page by page; typed as `NodeList` in `@dshard/api`',
    parameters: queried,
    command: {
      name: 'nodes',
      help: 'show the nodes that a query asks for',
      examples: [
        'dso nodes',
        "dso nodes --query 'host:a-* memory>500MB'",
        "dso nodes --query 'state:connected -notUp:0'",
      ],
      options: [{ flags: '--query <query>', help: 'such as "state:cordoned shards>10"' }],
      interrupt: null,
    },
  },
  node: {
    method: 'GET',
    path: '/v1/nodes/:node',
    role: 'read',
    about: 'one node with its shards; its `ETag` is what `If-Match` of a request about this node takes',
    parameters: { node: { field: nodeId() } },
    command: null,
  },
  shard: {
    method: 'GET',
    path: '/v1/shards/:shard',
    role: 'read',
    about: 'one shard',
    parameters: { shard: { field: wholeNumber({ min: 0, max: MAX_SHARDS - 1 }) } },
    command: null,
  },
  migrations: {
    method: 'GET',
    path: '/v1/migrations',
    role: 'read',
    about: 'the migrations under way with their steps, and those that wait for their nodes',
    parameters: {},
    command: null,
  },
  migration: {
    method: 'GET',
    path: '/v1/migrations/:id',
    role: 'read',
    about: 'one migration under way; the history tells how those before ended',
    parameters: { id: { field: printableText({ expected: 'the id of a migration', maxLength: 256 }) } },
    command: null,
  },
  waitOperation: {
    method: 'GET',
    path: '/v1/operations/:id/wait',
    role: 'read',
    about: 'one operation, as soon as it has ended, or when the `timeout` is over: `endedAt` tells which',
    parameters: {
      id: { field: operationId },
      timeout: { field: duration({ max: MAX_WAIT_MS }), fallback: DEFAULT_WAIT_MS },
    },
    command: null,
  },
  alarms: {
    method: 'GET',
    path: '/v1/alarms',
    role: 'read',
    about: 'the alarms that stand, the gravest first',
    parameters: {},
    command: null,
  },
  identifies: {
    method: 'GET',
    path: '/v1/identifies',
    role: 'read',
    about: 'the identify budget: what is left of the day, what is kept back, and who waits',
    parameters: {},
    command: null,
  },
  versions: {
    method: 'GET',
    path: '/v1/versions',
    role: 'read',
    about: 'the orchestrator’s version, the deployed one, which versions nodes run, and how each fares',
    parameters: {},
    command: null,
  },
  configuration: {
    method: 'GET',
    path: '/v1/config',
    role: 'operate',
    about: 'the configuration in force, and where each setting is written; secrets are not shown',
    parameters: {},
    command: null,
  },
  openapi: {
    method: 'GET',
    path: '/v1/openapi.json',
    role: 'read',
    about: 'this interface as an OpenAPI 3.1 document',
    parameters: {},
    command: null,
  },
  docs: {
    method: 'GET',
    path: '/v1/docs',
    role: 'read',
    about: 'the same as a page for people',
    parameters: {},
    command: null,
  },
};
