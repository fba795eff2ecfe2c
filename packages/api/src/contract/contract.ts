/**
 * All that can be asked of an orchestrator, one entry each. The routes of its REST interface, the commands of `dso` and
 * the reference page are made from this table, so a new entry is three files: this one, what the server does for it
 * (packages/orchestrator/src/http/handlers.ts), and docs/reference/rest.md, which `npm run docs` writes.
 *
 * The ancestor's paths, parameters and commands are here as the ancestor has them.
 */
import {
  choice,
  duration,
  flag,
  jsonText,
  nodeId,
  printableText,
  shardList,
  wholeNumber,
  type Field,
} from '../values/field.js';
import { MAX_SHARDS } from '@dshard/protocol';
import type { Endpoint } from '../endpoint.js';
import { SHARD_CONDITIONS } from '../query/fields.js';
import { KINDS_OF_OPERATIONS } from '../operations.js';
import { ACCESS } from './access.js';
import type { EndpointName, Takes } from './documents.js';
import { FLEET } from './fleet.js';
import { LISTS, queried } from './lists.js';

const node: Field<string> = nodeId();
const shardId: Field<number> = wholeNumber({ min: 0, max: MAX_SHARDS - 1 });
const operationId: Field<string> = printableText({ expected: 'the id of an operation', maxLength: 256 });

const MAX_PAGE = 10_000;
const DEFAULT_PAGE = 2_000;
const DEFAULT_CALL_TIMEOUT_MS = 10_000;
const MAX_CALL_TIMEOUT_MS = 600_000;

/** In the order in which help lists the commands. */
export const CONTRACT: { readonly [Name in EndpointName]: Endpoint<Takes<Name>> } = {
  status: {
    method: 'GET',
    path: '/v1/status',
    role: 'read',
    about: 'the whole state of the fleet; typed as `StatusV1` in `@dshard/api`',
    parameters: {},
    command: {
      name: 'status',
      help: 'show nodes, their versions and shards',
      examples: ['dso status', "dso status --json | jq '.nodes[].id'"],
      interrupt: null,
    },
  },
  events: {
    method: 'GET',
    path: '/v1/events',
    role: 'read',
    streams: true,
    about:
      'the history after an event, as JSON; with `Accept: text/event-stream` a stream that goes on (takes `Last-Event-ID`)',
    parameters: {
      after: { field: wholeNumber({ min: 0 }), fallback: null },
      limit: { field: wholeNumber({ min: 1, max: MAX_PAGE }), fallback: DEFAULT_PAGE },
    },
    command: {
      name: 'events',
      help: 'show what happened, oldest first, and who asked for it',
      examples: ['dso events', 'dso events --follow', 'dso events --after 120 --json'],
      options: [{ flags: '--after <id>', help: 'only what came after this event; the last 2000 by default' }],
      interrupt: null,
    },
  },
  startNode: {
    method: 'POST',
    path: '/startnode',
    role: 'operate',
    ancestor: true,
    about: 'launches one more node',
    parameters: {},
    command: {
      name: 'startnode',
      help: 'launch one more node, and wait until the node has connected',
      examples: ['dso startnode'],
      interrupt: 'The node starts all the same: see dso status.',
    },
  },
  shutdownNode: {
    method: 'POST',
    path: '/shutdownnode',
    role: 'operate',
    edits: { thing: 'node', parameter: 'node_id' },
    ancestor: true,
    about:
      'moves the shards of a node to the other nodes, then shuts the node down; with `now` at once: its shards start elsewhere without what was in its memory',
    parameters: { node_id: { field: node }, now: { field: flag(), fallback: false } },
    command: {
      name: 'shutdownnode',
      help: 'move the shards of a node to the other nodes, then shut the node down',
      details:
        'A node that still has shards after 10 minutes, or whose shards no other node can take, is not shut down.\n' +
        'With --now the node is not drained: its shards stop with it, and start elsewhere. Each is down for a moment, whatever the process\n' +
        'has in memory is lost (caches, counters), and a session that cannot be resumed costs an IDENTIFY.',
      examples: ['dso shutdownnode web-1', 'dso shutdownnode web-1 --now'],
      arguments: [{ shown: 'node', parameter: 'node_id' }],
      options: [{ flags: '--now', help: 'at once, with its shards on it' }],
      costs: {
        when: 'now',
        what: 'The shards of the node start elsewhere: their events wait meanwhile, and the bot’s state of them is gone.',
      },
      interrupt: 'The node is shut down all the same: see dso operations.',
    },
  },
  migrateShard: {
    method: 'POST',
    path: '/migrateshard',
    role: 'operate',
    ancestor: true,
    about: 'moves one shard to a node',
    parameters: { destination_node: { field: node }, shard: { field: shardId } },
    command: {
      name: 'migrateshard',
      help: 'move one shard to a node, and wait until the shard runs there',
      examples: ['dso migrateshard 3 web-2'],
      arguments: [
        { shown: 'shard', parameter: 'shard' },
        { shown: 'node', parameter: 'destination_node' },
      ],
      interrupt: 'The migration goes on: see dso status, and dso events for its end.',
    },
  },
  migrateNode: {
    method: 'POST',
    path: '/migratenode',
    role: 'operate',
    ancestor: true,
    about: 'drains a node; answers when the drain has ended',
    parameters: {
      origin_node: { field: node },
      destination_node: { field: node },
      // Absent it means no: the harmless reading, and the ancestor's.
      shutdown: { field: flag(), fallback: false },
    },
    command: null,
  },
  rollout: {
    method: 'POST',
    path: '/fullmigration',
    role: 'operate',
    ancestor: true,
    about: 'replaces every node; answers when the rollout has ended',
    parameters: {},
    command: null,
  },
  operations: {
    method: 'GET',
    path: '/v1/operations',
    role: 'read',
    about: 'the operations under way with their progress, and the results of the last ones',
    parameters: {},
    command: {
      name: 'operations',
      help: 'show drains and rollouts under way with their progress, and the results of the last ones',
      examples: ['dso operations', "dso operations --json | jq '.[] | select(.endedAt == null)'"],
      interrupt: null,
    },
  },
  operation: {
    method: 'GET',
    path: '/v1/operations/:id',
    role: 'read',
    about: 'one operation; its `ETag` is what `If-Match` of a request about this operation takes',
    parameters: { id: { field: operationId } },
    command: {
      under: 'operations',
      name: 'show',
      help: 'show one operation',
      examples: ['dso operations show r12'],
      arguments: [{ shown: 'operation', parameter: 'id' }],
      interrupt: null,
    },
  },
  startOperation: {
    method: 'POST',
    path: '/v1/operations',
    role: 'operate',
    once: true,
    about:
      'starts an operation of this kind and answers at once, with its id: 202, or 200 if there is nothing to do; with `dryRun=true` answers what it would do, as `dryRun`, and starts nothing',
    parameters: {
      kind: { field: choice(...KINDS_OF_OPERATIONS) },
      dryRun: { field: flag(), fallback: false },
    },
    command: null,
  },
  cancelOperation: {
    method: 'POST',
    path: '/v1/operations/:id/cancel',
    role: 'operate',
    edits: { thing: 'operation', parameter: 'id' },
    about: 'cancels an operation; answers when the operation has ended',
    parameters: { id: { field: operationId } },
    command: {
      name: 'cancel',
      alsoUnder: 'operations',
      help: 'cancel an operation: migrations under way finish, no other begins',
      examples: ['dso cancel r12', 'dso operations cancel d7'],
      arguments: [{ shown: 'operation', parameter: 'id' }],
      interrupt: 'The operation is cancelled all the same: dso operations shows its end.',
    },
  },
  pauseRollout: {
    method: 'POST',
    path: '/v1/rollout/pause',
    role: 'operate',
    edits: { thing: 'rollout' },
    about: 'pauses the rollout under way: moves under way arrive, no other begins',
    parameters: {},
    command: {
      under: 'rollout',
      name: 'pause',
      help: 'pause the rollout: moves under way arrive, no other begins; gates still hold',
      examples: ['dso rollout pause'],
      interrupt: null,
    },
  },
  resumeRollout: {
    method: 'POST',
    path: '/v1/rollout/resume',
    role: 'operate',
    edits: { thing: 'rollout' },
    about: 'lets a paused rollout go on, or a manual one beyond the stage that was watched',
    parameters: {},
    command: {
      under: 'rollout',
      name: 'resume',
      help: 'let a paused rollout go on, or a manual one beyond the stage that was watched',
      examples: ['dso rollout resume'],
      interrupt: null,
    },
  },
  undoRollout: {
    method: 'POST',
    path: '/v1/rollout/undo',
    role: 'operate',
    edits: { thing: 'rollout' },
    about: 'moves what the rollout under way has moved back to the old nodes, and ends the new ones',
    parameters: {},
    command: {
      under: 'rollout',
      name: 'undo',
      help: 'move what the rollout has moved back to the old nodes, and end the new ones',
      examples: ['dso rollout undo'],
      interrupt: null,
    },
  },
  ...FLEET,
  call: {
    method: 'POST',
    path: '/v1/call',
    role: 'operate',
    about: 'asks a handler of the bot on every node that has shards; typed as `CallReport` in `@dshard/api`',
    parameters: {
      name: { field: printableText({ expected: 'the name of a handler', pattern: /^[^$].{0,99}$/, maxLength: 100 }) },
      args: { field: jsonText({ maxLength: 60_000 }), fallback: 'null' },
      each: { field: choice('node', 'shard'), fallback: 'node' },
      shards: { field: shardList(), fallback: [] },
      timeout: {
        field: duration({
          min: 1,
          max: MAX_CALL_TIMEOUT_MS,
          expected: 'a time from 1 ms to 10 minutes, such as "10s"',
        }),
        fallback: DEFAULT_CALL_TIMEOUT_MS,
      },
    },
    command: {
      name: 'call',
      help: 'ask a handler of the bot on every node that has shards; exits with 1 when a shard did not answer',
      examples: [
        'dso call guilds',
        `dso call guild --shards 3 --args '{"id":"41771983423143937"}'`,
        "dso call stats --each shard --json | jq '.answers[].value'",
      ],
      arguments: [{ shown: 'name', parameter: 'name' }],
      options: [
        { flags: '--args <json>', help: 'what the handler is given, as JSON' },
        { flags: '--each <node|shard>', help: 'one answer per node (the default) or per shard' },
        { flags: '--shards <list>', help: 'only these shards, such as 0-3,7' },
        { flags: '--timeout <time>', help: 'such as 30s; 10s by default' },
      ],
      interrupt: null,
    },
  },
  deployedVersion: {
    method: 'GET',
    path: '/deployedversion',
    role: 'read',
    ancestor: true,
    about: 'the version that a new node would run',
    parameters: {},
    command: {
      name: 'deployedversion',
      help: 'show the version that a new node would run',
      examples: ['dso deployedversion'],
      interrupt: null,
    },
  },
  pullNewVersion: {
    method: 'POST',
    path: '/pullnewversion',
    role: 'operate',
    ancestor: true,
    about: 'fetches a newer version, which a rollout then brings to the nodes',
    parameters: {},
    command: {
      name: 'pullnewversion',
      help: 'fetch a newer version; `dso rollout` then brings it to the nodes',
      examples: ['dso pullnewversion && dso rollout'],
      interrupt: 'The update goes on: dso deployedversion shows what it brought.',
    },
  },
  ancestorStatus: {
    method: 'GET',
    path: '/status',
    role: 'read',
    ancestor: true,
    about: 'nodes with their versions and shards, as the ancestor’s command line reads it',
    parameters: {},
    command: null,
  },
  shards: {
    method: 'GET',
    path: '/v1/shards',
    role: 'read',
    about:
      'the shards that a query asks for, page by page: each with its condition, since when and why; `condition=notUp` leaves out those that are up',
    parameters: { condition: { field: choice('notUp', ...SHARD_CONDITIONS), fallback: null }, ...queried },
    command: {
      name: 'shards',
      help: 'show every shard with its condition, since when and why',
      examples: ['dso shards', 'dso shards --condition notUp', "dso shards --query 'node:web-* gap>500ms' --json"],
      options: [
        { flags: '--condition <condition>', help: 'only shards in this condition, or notUp' },
        { flags: '--query <query>', help: 'such as "state:resuming node:web-* gap>500ms"' },
      ],
      interrupt: null,
    },
  },
  health: {
    method: 'GET',
    path: '/v1/health',
    role: 'read',
    about: 'the alarms that stand, each with since when, why, and what to do',
    parameters: {},
    command: {
      name: 'health',
      help: 'show the alarms that stand, and what to do about each; exits with 1 when one of level error stands',
      examples: ['dso health', "dso health --json | jq '.alarms[].reason'"],
      interrupt: null,
    },
  },
  ...LISTS,
  ...ACCESS,
  metrics: {
    method: 'GET',
    path: '/metrics',
    role: 'read',
    about:
      'figures for Prometheus, as text, or, if that is accepted, in the format of OpenMetrics; open to everybody with `metrics.public`; a standby answers, too',
    parameters: {},
    command: null,
  },
  healthz: {
    method: 'GET',
    path: '/healthz',
    role: 'none',
    about: 'for probes: open to everybody, tells nothing',
    parameters: {},
    command: null,
  },
  livez: {
    method: 'GET',
    path: '/livez',
    role: 'none',
    about: 'for probes, open to everybody: 200 while the process answers',
    parameters: {},
    command: null,
  },
  readyz: {
    method: 'GET',
    path: '/readyz',
    role: 'none',
    about:
      'for probes, open to everybody: 200 when the orchestrator leads, can write its store and has caught up with its nodes, else 503; who knows the token is told what is missing, and which shards are not up',
    parameters: {},
    command: null,
  },
};

export const ENDPOINT_NAMES: readonly EndpointName[] = Object.keys(CONTRACT) as EndpointName[];
