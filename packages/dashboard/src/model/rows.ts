/** Rows for queries and tables, as REST has them; what a snapshot does not tell of is null. */
import type { HistoryEntry, MigrationStatus, NodeRow, QueryFields, ShardConditionKind, ShardRow } from '@dshard/api';
import type { LiveSnapshot } from '@dshard/api/live';
import { conditionOf, nodeEntries, nodeOf, rateOf, shardCount } from './fleet.js';

export type ShardRowLive = ShardRow & { readonly rate: number | null };

const STATE_OF: Readonly<Record<ShardConditionKind, ShardRow['state']>> = {
  up: 'running',
  disconnected: 'running',
  refused: 'running',
  migrating: 'migrating',
  starting: 'starting',
  waitingToIdentify: 'starting',
  stopping: 'stopping',
  parked: 'parked',
  vacant: 'vacant',
  quarantined: 'vacant',
  unreachable: 'unreachable',
};

export function migrationsByShard({ migrations }: LiveSnapshot): ReadonlyMap<number, MigrationStatus> {
  return new Map(migrations.map((migration) => [migration.shard, migration]));
}

export function shardRow(
  snapshot: LiveSnapshot,
  id: number,
  migrations: ReadonlyMap<number, MigrationStatus>,
): ShardRowLive {
  const kind = conditionOf(snapshot, id);
  const node = nodeOf(snapshot, id);
  const migration = migrations.get(id) ?? null;
  const since = snapshot.shards.since[id] ?? snapshot.now;
  const stillSince = kind === 'up' ? null : kind === 'migrating' ? (migration?.frozenSince ?? null) : since;
  return {
    id,
    state: STATE_OF[kind],
    condition: { kind, since, node: node?.id ?? null, why: null, code: null, position: null, eta: null },
    node: node?.id ?? null,
    host: node?.host ?? null,
    version: node?.version ?? null,
    phase: null,
    step: migration?.step ?? null,
    migration: migration?.id ?? null,
    gapMs: stillSince === null ? null : Math.max(0, snapshot.now - stillSince),
    ageMs: Math.max(0, snapshot.now - since),
    pingMs: null,
    guilds: null,
    events: null,
    rate: rateOf(snapshot, id),
  };
}

export function shardRows(snapshot: LiveSnapshot): readonly ShardRowLive[] {
  const migrations = migrationsByShard(snapshot);
  return Array.from({ length: shardCount(snapshot) }, (_, id) => shardRow(snapshot, id, migrations));
}

export function nodeRows(snapshot: LiveSnapshot): readonly NodeRow[] {
  return nodeEntries(snapshot).map(({ node, figures, shards }) => ({
    id: node.id,
    version: node.version,
    host: node.host,
    pid: node.pid,
    connection: node.connection,
    gone: node.gone,
    since: node.since,
    lastHeardAt: figures?.at ?? null,
    intent: node.intent,
    shards: shards.length,
    notUp: shards.filter((shard) => conditionOf(snapshot, shard) !== 'up').length,
    ageMs: Math.max(0, snapshot.now - node.since),
    process:
      figures === null
        ? null
        : {
            memoryBytes: figures.memoryBytes ?? 0,
            cpuPercent: figures.cpuPercent ?? 0,
            eventLoopDelayMs: figures.eventLoopDelayMs ?? 0,
            uptimeMs: figures.uptimeMs ?? 0,
          },
  }));
}

/** The same grammar for the feed: `level:warn migration* node:web-1 shard:3`. */
export const EVENT_FIELDS: QueryFields<HistoryEntry> = {
  named: 'name',
  fields: {
    text: { kind: 'text', about: 'the sentence', of: ({ text }) => text },
    name: { kind: 'text', about: 'what kind of entry it is', of: ({ name }) => name },
    level: {
      kind: 'word',
      about: 'how grave it is',
      words: ['debug', 'info', 'warn', 'error'],
      of: ({ level }) => [level],
    },
    by: { kind: 'text', about: 'who asked for it', of: ({ by }) => by },
    node: { kind: 'text', about: 'a node that it is about', of: (entry) => nodesIn(entry) },
    shard: { kind: 'text', about: 'a shard that it is about', of: (entry) => shardsIn(entry).map(String) },
    operation: { kind: 'text', about: 'the operation that it is a part of', of: (entry) => textIn(entry, 'operation') },
  },
};

export function shardsIn({ fields }: HistoryEntry): readonly number[] {
  const { shard, shards } = fields;
  const several = Array.isArray(shards) ? shards.filter((each) => typeof each === 'number') : [];
  return typeof shard === 'number' ? [shard, ...several] : several;
}

export function nodesIn(entry: HistoryEntry): readonly string[] {
  const named = ['node', 'origin', 'destination'].flatMap((name) => textIn(entry, name) ?? []);
  const { nodes } = entry.fields;
  return [...named, ...(Array.isArray(nodes) ? nodes.map(String) : [])];
}

export function textIn({ fields }: HistoryEntry, name: string): string | null {
  const value = fields[name];
  return typeof value === 'string' ? value : null;
}
