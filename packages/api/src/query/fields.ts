/** What can be asked of shards and of nodes. The rows are those of `GET /v1/shards` and `GET /v1/nodes`. */
import { SHARD_PHASES } from '@dshard/protocol';
import type { NodeRow, ShardRow } from '../answers/lists.js';
import type { QueryFields } from './parse.js';

export const SHARD_CONDITIONS = [
  'up',
  'refused',
  'quarantined',
  'unreachable',
  'vacant',
  'parked',
  'disconnected',
  'stopping',
  'starting',
  'waitingToIdentify',
  'migrating',
] as const;
export const STEPS = [
  'closing',
  'preparing',
  'transferring',
  'resuming',
  'announcing',
  'openingOrigin',
  'openingDestination',
  'copying',
  'warming',
  'freezing',
  'verifying',
  'releasing',
  'activating',
] as const;

export const SHARD_QUERY: QueryFields<ShardRow> = {
  named: 'id',
  fields: {
    id: { kind: 'shards', about: 'its number, also as a range', of: ({ id }) => id },
    state: {
      kind: 'word',
      about: 'its condition (`notUp`: every one but `up`), what its connection does, or the step of its migration',
      words: [...new Set(['notUp', ...SHARD_CONDITIONS, 'running', ...SHARD_PHASES, ...STEPS])],
      of: ({ condition, state, phase, step }) =>
        [condition.kind, state, condition.kind === 'up' ? null : 'notUp', phase, step].filter((each) => each !== null),
    },
    node: { kind: 'text', about: 'the node that has it', of: ({ node }) => node },
    host: { kind: 'text', about: 'the host of that node', of: ({ host }) => host },
    version: { kind: 'text', about: 'the version of that node', of: ({ version }) => version },
    why: { kind: 'text', about: 'why it is as it is', of: ({ condition }) => condition.why },
    gap: { kind: 'time', about: 'since when none of its events is handled', of: ({ gapMs }) => gapMs },
    age: { kind: 'time', about: 'how long it is in its condition', of: ({ ageMs }) => ageMs },
    ping: { kind: 'time', about: 'the round trip to the gateway', of: ({ pingMs }) => pingMs },
    guilds: { kind: 'number', about: 'its guilds', of: ({ guilds }) => guilds },
    events: { kind: 'number', about: 'events handled since it started there', of: ({ events }) => events },
  },
};

export const NODE_QUERY: QueryFields<NodeRow> = {
  named: 'node',
  fields: {
    node: { kind: 'text', about: 'its id', of: ({ id }) => id },
    host: { kind: 'text', about: 'its host', of: ({ host }) => host },
    version: { kind: 'text', about: 'its version', of: ({ version }) => version },
    state: {
      kind: 'word',
      about: 'its connection, what is to become of it, or `gone`',
      words: [
        'connected',
        'awaitingTotal',
        'disconnected',
        'gone',
        'serving',
        'cordoned',
        'leaving',
        'shuttingDown',
        'lingering',
      ],
      of: ({ connection, intent, gone }) => [connection, intent, ...(gone ? ['gone'] : [])],
    },
    shards: { kind: 'number', about: 'how many shards it has', of: ({ shards }) => shards },
    notUp: { kind: 'number', about: 'how many of them are not up', of: ({ notUp }) => notUp },
    age: { kind: 'time', about: 'how long it is connected, or disconnected', of: ({ ageMs }) => ageMs },
    memory: { kind: 'bytes', about: 'the memory of its process', of: ({ process }) => process?.memoryBytes ?? null },
    cpu: { kind: 'number', about: 'per cent of one core', of: ({ process }) => process?.cpuPercent ?? null },
    delay: { kind: 'time', about: 'its event-loop delay', of: ({ process }) => process?.eventLoopDelayMs ?? null },
    uptime: { kind: 'time', about: 'how long its process runs', of: ({ process }) => process?.uptimeMs ?? null },
  },
};
