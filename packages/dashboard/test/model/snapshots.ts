/** Small fleets as `GET /v1/live` tells of them, for tests. */
import type { HistoryEntry, MigrationStatus, ShardConditionKind } from '@dshard/api';
import { LIVE_CONDITIONS, NOBODY, type LiveNode, type LiveRollout, type LiveSnapshot } from '@dshard/api/live';

export const NOW = 1_760_000_000_000;

export type SmallNode = Partial<LiveNode> & { readonly id: string };
export type SmallShard = {
  readonly node: string | null;
  readonly condition?: ShardConditionKind;
  readonly rate?: number;
};

function nodeNamed(more: SmallNode): LiveNode {
  return {
    host: 'a',
    version: 'v1',
    pid: 1,
    connection: 'connected',
    gone: false,
    since: NOW - 60_000,
    intent: 'serving',
    zone: null,
    restarts: 0,
    suspicion: null,
    ...more,
  };
}

export function snapshotOf(
  nodes: readonly SmallNode[],
  shards: readonly SmallShard[],
  more: Partial<LiveSnapshot> = {},
): LiveSnapshot {
  const all = nodes.map(nodeNamed);
  const conditions = shards.map(({ condition = 'up' }) => condition);
  const counts = Object.fromEntries(
    LIVE_CONDITIONS.map((kind) => [kind, conditions.filter((each) => each === kind).length]),
  ) as LiveSnapshot['fleet']['conditionCounts'];
  return {
    now: NOW,
    fleet: {
      version: '0.1.0',
      startedAt: NOW - 1e6,
      epoch: 1,
      leader: { host: 'here', pid: 1 },
      store: { name: 'sqlite', epoch: 1, state: 'open', since: NOW, problem: null },
      readiness: { ready: true, missing: [] },
      totalShards: shards.length,
      conditionCounts: counts,
      disruption: { moving: 0, down: 0, limit: 2 },
      gatewayProblem: null,
      cutOff: null,
      ending: false,
      launches: 0,
      waitingMigrations: 0,
      heartbeatIntervalMs: 1_000,
      versions: { deployed: 'v1', running: [], quarantined: [], frozen: false },
      identifies: {
        maxConcurrency: 1,
        windowMs: 5_000,
        budget: { total: 1_000, remaining: 900, reserve: 100, used: 100, allowed: 0, resetAt: null },
        shortSince: null,
        waiting: 0,
        waitingUntil: null,
        lastsUntil: null,
      },
    },
    hosts: [],
    nodes: all,
    figures: all.map(() => null),
    shards: {
      node: shards.map(({ node }) => (node === null ? NOBODY : all.findIndex(({ id }) => id === node))),
      condition: conditions.map((kind) => LIVE_CONDITIONS.indexOf(kind)),
      since: shards.map(() => NOW - 5_000),
      rate: shards.map(({ rate = 1 }) => rate),
    },
    migrations: [],
    operations: [],
    rollout: null,
    alarms: [],
    history: [],
    ...more,
  };
}

export function migrationOf(
  shard: number,
  origin: string,
  destination: string,
  more: Partial<MigrationStatus> = {},
): MigrationStatus {
  return {
    id: `m${shard}`,
    shard,
    origin,
    destination,
    step: 'copying',
    live: true,
    startedAt: NOW - 2_000,
    frozenSince: null,
    ...more,
  };
}

export function entryOf(
  id: number,
  name: string,
  fields: HistoryEntry['fields'],
  more: Partial<HistoryEntry> = {},
): HistoryEntry {
  return { id, at: NOW + id * 1_000, name, level: 'info', text: `${name} ${id}.`, by: 'automatic', fields, ...more };
}

export function rolloutOf(more: Partial<LiveRollout>): LiveRollout {
  return {
    id: 'r1',
    version: 'v2',
    phase: 'moving',
    stage: 0,
    stages: [
      { shards: 1, bakeMs: 60_000 },
      { shards: null, bakeMs: 60_000 },
    ],
    pairs: [{ old: 'old-1', new: 'new-1' }],
    waiting: [],
    done: [],
    leftAlone: [],
    failure: null,
    pausedBy: null,
    startedAt: NOW - 10_000,
    since: NOW - 5_000,
    gate: null,
    ...more,
  };
}
