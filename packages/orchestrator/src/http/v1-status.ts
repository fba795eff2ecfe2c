/**
 * `GET /v1/status`: everything an operator, a dashboard or the command line wants to know, in one document. Times are
 * milliseconds since the Unix epoch (`…At`, `since`), spans are milliseconds (`…Ms`). Fields are only ever added.
 */
import type {
  Alarm,
  CrashStatus,
  DrainStatus,
  HostStatus,
  ListedShard,
  MigrationStatus,
  NodeStatus,
  RolloutStatus,
  ShardConditionKind,
  StatusV1,
  StoreStatus,
} from '@dshard/api';
import { isCrashLoop, type CrashLoop } from '../domain/state/processes.js';
import { CONDITIONS, conditionsOf, shardsNotUp, type ShardCondition } from '../domain/shards/condition.js';
import { sessionStarts } from '../domain/shards/identify-budget.js';
import { disruptionOf } from '../domain/migration/limits.js';
import { isLive } from '../domain/state/migrations.js';
import { isCordoned } from '../domain/state/hosts.js';
import { hasSaidGoodbye, isConnected } from '../domain/state/nodes.js';
import { progressOf } from '../domain/operations/operations.js';
import { operationsOfKind, type OperationState } from '../domain/state/operations.js';
import type { MigrationState, NodeState, OrchestratorState } from '../domain/state/state.js';
import type { Ledger } from '../metrics/ledger.js';
import { pausesOf } from '../metrics/pauses.js';
import { operationsOf } from './operation-status.js';
import { shardsByNode } from './shards-by-node.js';

export function statusV1(
  state: OrchestratorState,
  about: { version: string; now: number; store: StoreStatus; alarms: readonly Alarm[]; ledger: Ledger },
): StatusV1 {
  const responsible = state.settings.responsibleForShards && new Set(state.settings.responsibleForShards);
  const cared = [...state.shards.entries()].filter(([shard]) => responsible?.has(shard) ?? true);
  const shardCounts = { vacant: 0, parked: 0, starting: 0, running: 0, stopping: 0, migrating: 0, unreachable: 0 };
  for (const [, shard] of cared) shardCounts[shard.kind] += 1;
  const shards = shardsByNode(state);
  const conditionOf = conditionsOf(state, about.now);
  const notUp = notUpOf(state, about.now);
  return {
    version: about.version,
    startedAt: state.startedAt,
    now: about.now,
    totalShards: state.totalShards,
    graceUntil: state.graceUntil,
    awaitedNodes: state.awaitedNodes,
    gatewayProblem: gatewayProblemOf(state),
    gatewayRetryAt: state.gateway.kind === 'failed' ? state.gateway.retryAt : null,
    ending: state.ending !== null,
    shardCounts,
    conditionCounts: countsOf(notUp, cared.length),
    notUp,
    vacantShards: cared.filter(([, shard]) => shard.kind === 'vacant').map(([shard]) => shard),
    nodes: [...state.nodes.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map((node) => nodeStatus(node, shards.get(node.id) ?? [], state, conditionOf)),
    hosts: hostsOf(state, shards, conditionOf),
    migrations: [...state.migrations.values()].map(migrationStatus),
    staleTransfers: state.staleTransfers,
    waitingMigrations: state.waitingMigrations.map(({ shard, destination, since }) => ({ shard, destination, since })),
    drains: operationsOfKind(state.operations, 'drain').map((drain) => drainStatus(state, drain)),
    disruption: disruptionOf(state),
    quarantined: quarantinedOf(state),
    crashes: [...state.crashLoops.values()].map((loop) => crashStatus(loop, about.now)),
    alarms: about.alarms,
    alarm: state.alarm,
    operations: operationsOf(state, about.now),
    rollout: rolloutStatus(state),
    identifies: identifiesOf(state, about.now),
    launches: [...state.launches.values()].map(({ id, node, since }) => ({ id, node, since })),
    store: about.store,
    pauses: pausesOf(about.ledger),
  };
}

export function identifiesOf(state: OrchestratorState, now: number): StatusV1['identifies'] {
  const { maxConcurrency, shortSince, waiting, keys } = state.identifies;
  return {
    maxConcurrency,
    windowMs: state.settings.identifyWindowMs,
    budget: sessionStarts(state, now),
    shortSince,
    waiting: waiting.map(({ node, shard, since }) => ({ node, shard, since })),
    busyKeys: Object.entries(keys)
      .map(([key, { holder, freeAt }]) => ({ key: Number(key), holder, freeAt }))
      .filter(({ holder, freeAt }) => holder !== null || freeAt > now),
  };
}

/** A wrong token is a problem also while it is being asked whether that is still so. */
export function gatewayProblemOf({ gateway }: OrchestratorState): string | null {
  if (gateway.kind === 'asking') return gateway.refused;
  return gateway.kind === 'failed' ? gateway.reason : null;
}

function quarantinedOf({ crashRecords }: OrchestratorState): StatusV1['quarantined'] {
  return [...crashRecords].flatMap(([shard, { crashes, quarantinedAt }]) =>
    quarantinedAt === null ? [] : [{ shard, since: quarantinedAt, nodes: crashes.map(({ node }) => node) }],
  );
}

export function crashStatus(crashes: CrashLoop, now: number): CrashStatus {
  const { version, reported, inARow, total, since, notBefore, reason } = crashes;
  return {
    version: reported ?? version,
    inARow,
    total,
    loop: isCrashLoop(crashes),
    since: inARow === 0 ? null : since,
    nextLaunchAt: inARow > 0 && notBefore > now ? notBefore : null,
    reason,
  };
}

export function migrationStatus(migration: MigrationState): MigrationStatus {
  const { id, shard, origin, destination, step, startedAt } = migration;
  const live = isLive(migration);
  const frozenSince = 'frozenAt' in step ? step.frozenAt : live ? null : startedAt;
  return { id, shard, origin, destination, step: step.kind, live, startedAt, frozenSince };
}

export function notUpOf(state: OrchestratorState, now: number): readonly ListedShard[] {
  return shardsNotUp(state, now).map(({ shard: id, condition }) => ({ id, condition }));
}

function countsOf(notUp: readonly ListedShard[], of: number): StatusV1['conditionCounts'] {
  const kinds = Object.keys(CONDITIONS) as ShardConditionKind[];
  const none = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<ShardConditionKind, number>;
  const counts = { ...none, up: of - notUp.length };
  for (const { condition } of notUp) counts[condition.kind] += 1;
  return counts;
}

function hostsOf(
  state: OrchestratorState,
  shards: ReadonlyMap<string, readonly number[]>,
  conditionOf: (id: number) => ShardCondition,
): readonly HostStatus[] {
  const connected = [...state.nodes.values()].filter(isConnected);
  const names = new Set([...connected.flatMap(({ host }) => host ?? []), ...state.hosts.keys()]);
  const inOrder = (a: string, b: string): number => (a < b ? -1 : 1);
  return [...names].sort(inOrder).map((name) => {
    const nodes = connected.filter(({ host }) => host === name);
    const theirs = nodes.flatMap(({ id }) => shards.get(id) ?? []);
    const { cordoned = null, deadSince = null } = state.hosts.get(name) ?? {};
    return {
      name,
      zone: nodes.find(({ zone }) => zone !== null)?.zone ?? null,
      nodes: nodes.map(({ id }) => id).sort(inOrder),
      shards: theirs.length,
      up: theirs.filter((id) => conditionOf(id).kind === 'up').length,
      cordoned,
      deadSince,
    };
  });
}

export function nodeStatus(
  node: NodeState,
  shards: readonly number[],
  state: OrchestratorState,
  conditionOf: (id: number) => ShardCondition,
): NodeStatus {
  const { connection } = node;
  const reports = new Map(node.shardReports.map((report) => [report.shardId, report]));
  return {
    id: node.id,
    version: node.version,
    host: node.host,
    pid: node.pid,
    connection: connection.kind,
    gone: connection.kind === 'disconnected' && connection.gone,
    since: connection.since,
    lastHeardAt: connection.kind === 'disconnected' ? null : connection.lastHeardAt,
    capabilities: connection.kind === 'disconnected' ? [] : connection.capabilities,
    intent: hasSaidGoodbye(node) ? 'lingering' : isCordoned(state, node) ? 'cordoned' : node.intent.kind,
    shards: shards.flatMap((id) => {
      const shard = state.shards[id];
      const report = reports.get(id);
      if (!shard) return [];
      return {
        id,
        state: shard.kind,
        condition: conditionOf(id),
        since: shard.kind === 'migrating' ? null : shard.since,
        phase: report?.phase ?? null,
        pingMs: known(report?.pingMs),
        guilds: known(report?.guilds),
        events: known(report?.events),
      };
    }),
    process: node.process,
    signals: node.signals,
  };
}

/** Nodes report -1 for what they do not know. */
export function known(figure: number | undefined): number | null {
  return figure === undefined || figure < 0 ? null : figure;
}

function drainStatus(state: OrchestratorState, drain: OperationState<'drain'>): DrainStatus {
  const { id, shutdown, until, phase, moved, failed, stopped, startedAt } = drain;
  const origin = drain.origins.join(', ');
  const [destination = null] = drain.destinations;
  const { waiting } = progressOf(state, drain).shards;
  return { id, origin, destination, shutdown, until, phase, waiting, moved, failed, stopped, startedAt };
}

export function rolloutStatus({ operations }: OrchestratorState): RolloutStatus | null {
  const [rollout] = operationsOfKind(operations, 'rollout');
  if (rollout === undefined) return null;
  const { id, version, phase, stage, stages, pairs, waiting, done, leftAlone, failure, pausedBy, startedAt } = rollout;
  return { id, version, phase, stage, stages, pairs, waiting, done, leftAlone, failure, pausedBy, startedAt };
}
