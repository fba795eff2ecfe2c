/** What can be asked of the things that are listed whole: the command line matches the rows itself. */
import type { HistoryEntry } from '../answers/answer.js';
import type { OperationStatus } from '../answers/operation.js';
import type { ApiTokenStatus } from '../answers/access.js';
import type { Configuration, Versions } from '../answers/lists.js';
import type { Alarm, HostStatus, MigrationStatus } from '../answers/status.js';
import { KINDS_OF_OPERATIONS } from '../operations.js';
import { STEPS } from './fields.js';
import type { QueryFields } from './parse.js';

export const MIGRATION_QUERY: QueryFields<MigrationStatus> = {
  named: 'migration',
  fields: {
    migration: { kind: 'text', about: 'its id', of: ({ id }) => id },
    shard: { kind: 'shards', about: 'the shard that moves', of: ({ shard }) => shard },
    node: {
      kind: 'text',
      about: 'the origin or the destination',
      of: ({ origin, destination }) => [origin, destination],
    },
    origin: { kind: 'text', about: 'the node that gives the shard up', of: ({ origin }) => origin },
    destination: { kind: 'text', about: 'the node that gets the shard', of: ({ destination }) => destination },
    step: { kind: 'word', about: 'its step', words: STEPS, of: ({ step }) => [step] },
  },
};

export const OPERATION_QUERY: QueryFields<OperationStatus> = {
  named: 'operation',
  fields: {
    operation: { kind: 'text', about: 'its id', of: ({ id }) => id },
    kind: { kind: 'word', about: 'its kind', words: KINDS_OF_OPERATIONS, of: ({ kind }) => [kind] },
    state: {
      kind: 'word',
      about: 'how it is (`ended`: done, failed or cancelled)',
      words: ['running', 'cancelling', 'done', 'failed', 'cancelled', 'ended'],
      of: ({ state, endedAt }) => (endedAt === null ? [state] : [state, 'ended']),
    },
    by: { kind: 'text', about: 'who asked for it', of: ({ by }) => by },
    node: { kind: 'text', about: 'a node that it is about', of: nodesOf },
    text: { kind: 'text', about: 'where it stands, or how it ended', of: ({ text }) => text },
  },
};

function nodesOf({ origin, destination }: OperationStatus): readonly string[] {
  return [origin, destination].flatMap((each) => each?.split(', ') ?? []);
}

export const ALARM_QUERY: QueryFields<Alarm> = {
  named: 'kind',
  fields: {
    kind: { kind: 'text', about: 'what kind of trouble', of: ({ kind }) => kind },
    level: { kind: 'word', about: 'how grave', words: ['warn', 'error'], of: ({ level }) => [level] },
    node: { kind: 'text', about: 'a node that it is about', of: ({ nodes }) => nodes },
    shard: { kind: 'shards', about: 'a shard that it is about', of: ({ shards }) => shards },
    reason: { kind: 'text', about: 'what is wrong', of: ({ reason }) => reason },
  },
};

export const HOST_QUERY: QueryFields<HostStatus> = {
  named: 'host',
  fields: {
    host: { kind: 'text', about: 'its name', of: ({ name }) => name },
    zone: { kind: 'text', about: 'its zone', of: ({ zone }) => zone },
    node: { kind: 'text', about: 'a node on it', of: ({ nodes }) => nodes },
    shards: { kind: 'number', about: 'how many shards it has', of: ({ shards }) => shards },
  },
};

export const VERSION_QUERY: QueryFields<Versions['running'][number]> = {
  named: 'version',
  fields: {
    version: { kind: 'text', about: 'its name', of: ({ version }) => version },
    nodes: { kind: 'number', about: 'how many nodes run it', of: ({ nodes }) => nodes },
    shards: { kind: 'number', about: 'how many shards these have', of: ({ shards }) => shards },
  },
};

export const WAITING_QUERY: QueryFields<{ node: string; shard: number }> = {
  named: 'shard',
  fields: {
    shard: { kind: 'shards', about: 'the shard that waits to identify', of: ({ shard }) => shard },
    node: { kind: 'text', about: 'its node', of: ({ node }) => node },
  },
};

export const TOKEN_QUERY: QueryFields<ApiTokenStatus> = {
  named: 'name',
  fields: {
    name: { kind: 'text', about: 'its name', of: ({ name }) => name },
    role: { kind: 'word', about: 'its role', words: ['read', 'operate', 'admin'], of: ({ role }) => [role] },
    by: { kind: 'text', about: 'who made it', of: ({ createdBy }) => createdBy },
  },
};

export const SETTING_QUERY: QueryFields<Configuration['settings'][number]> = {
  named: 'setting',
  fields: {
    setting: { kind: 'text', about: 'its key', of: ({ key }) => key },
    value: { kind: 'text', about: 'its value', of: ({ value }) => value },
    at: { kind: 'text', about: 'where it is written', of: ({ writtenAt }) => writtenAt ?? 'default' },
  },
};

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** @param now what `age` is counted from. */
export function eventQuery(now: number): QueryFields<HistoryEntry> {
  return {
    named: 'text',
    fields: {
      id: { kind: 'number', about: 'its number', of: ({ id }) => id },
      level: {
        kind: 'word',
        about: 'its level (`trouble`: warn and error)',
        words: [...LEVELS, 'trouble'],
        of: ({ level }) => (level === 'warn' || level === 'error' ? [level, 'trouble'] : [level]),
      },
      name: { kind: 'text', about: 'its kind, such as migrationCompleted', of: ({ name }) => name },
      by: { kind: 'text', about: 'who asked for it, or automatic', of: ({ by }) => by },
      text: { kind: 'text', about: 'its sentence', of: ({ text }) => text },
      node: { kind: 'text', about: 'a node that it is about', of: (entry) => texts(entry, NODE_NAMES) },
      shard: { kind: 'shards', about: 'a shard that it is about', of: shardsOf },
      operation: { kind: 'text', about: 'the operation', of: (entry) => texts(entry, OPERATION_NAMES) },
      migration: { kind: 'text', about: 'the migration', of: (entry) => texts(entry, ['migration']) },
      age: { kind: 'time', about: 'how long ago', of: ({ at }) => Math.max(0, now - at) },
    },
  };
}

const NODE_NAMES = ['node', 'nodes', 'origin', 'origins', 'destination'] as const;
const OPERATION_NAMES = ['operation', 'drain', 'rollout'] as const;

function texts({ fields }: HistoryEntry, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const value = fields[name];
    return typeof value === 'string' ? value.split(', ') : Array.isArray(value) ? value.map(String) : [];
  });
}

function shardsOf({ fields: { shard, shards } }: HistoryEntry): readonly number[] {
  const all = [shard, ...(Array.isArray(shards) ? (shards as readonly unknown[]) : [])];
  return all.filter((each) => typeof each === 'number');
}
