/**
 * `GET /v1/status`: everything an operator, a dashboard or the command line wants to know, in one document. Times are milliseconds
 * since the Unix epoch (`…At`, `since`), spans are milliseconds (`…Ms`). Fields are only ever added.
 */
import type { ProcessReport, ShardPhase } from '@dshard/protocol';
import { sessionStarts, type SessionStarts } from '../domain/shards/identify-budget.js';
import { disruptionOf } from '../domain/migration/disruption.js';
import type { Disruption } from '../domain/migration/disruption.js';
import { isLive } from '../domain/state/migrations.js';
import { hasSaidGoodbye } from '../domain/state/nodes.js';
import type { DrainState, MigrationState, NodeState, OrchestratorState, ShardState } from '../domain/state/state.js';
import type { StoreStatus } from '../runtime/contract.js';
import { operationsOf } from './operation-status.js';
import type { OperationStatus } from './operation-status.js';
import { shardsByNode } from './shards-by-node.js';

export type ShardStatus = {
  id: number;
  state: ShardState['kind'];
  /** When it came into that state; null where that is not known (while it moves). */
  since: number | null;
  /** What its gateway connection does, from the node's last heartbeat; null without heartbeats. */
  phase: ShardPhase | null;
  pingMs: number | null;
  guilds: number | null;
  /** Dispatches handed to user code since the shard started on this node. */
  events: number | null;
};

export type NodeStatus = {
  id: string;
  version: string;
  host: string | null;
  pid: number | null;
  /** `awaitingTotal`: it waits for the total shard count to be decided. */
  connection: 'connected' | 'awaitingTotal' | 'disconnected';
  /** Known not to run any more, rather than merely silent. */
  gone: boolean;
  /** Since when it is connected or disconnected. */
  since: number;
  lastHeardAt: number | null;
  capabilities: readonly string[];
  /** `lingering`: its shards are gone, and it ends what it is at, then itself. */
  intent: 'serving' | 'cordoned' | 'shuttingDown' | 'lingering';
  shards: readonly ShardStatus[];
  process: ProcessReport | null;
};

export type MigrationStatus = {
  id: string;
  shard: number;
  origin: string;
  destination: string;
  step: MigrationState['step']['kind'];
  /** Copied while it serves; false: closed first, because one of the nodes knows no other way. */
  live: boolean;
  startedAt: number;
  /** Since when no event of the shard is handled; null: it still serves. */
  frozenSince: number | null;
};

export type DrainStatus = {
  id: string;
  origin: string;
  destination: string | null;
  /** Whether the origin is shut down when it is empty. */
  shutdown: boolean;
  phase: DrainState['phase']['kind'];
  waiting: readonly number[];
  moved: readonly number[];
  failed: readonly { shard: number; reason: string }[];
  /** Why no further shard is moved, if so. */
  stopped: string | null;
  startedAt: number;
};

export type RolloutStatus = {
  id: string;
  /** The node that is being replaced now. */
  current: string | null;
  waiting: readonly string[];
  done: readonly string[];
  failed: readonly { node: string; reason: string }[];
  startedAt: number;
};

export type StatusV1 = {
  /** The orchestrator's version. */
  version: string;
  startedAt: number;
  now: number;
  /** null until decided. */
  totalShards: number | null;
  /** While it is set, the orchestrator waits for running nodes to come back before it places shards. */
  graceUntil: number | null;
  /** The known nodes it waits for; null when it cannot know them. */
  awaitedNodes: readonly string[] | null;
  /** Why Discord could not be asked for the shard count and pace, while that is so. */
  gatewayProblem: string | null;
  /** The fleet is going down for good. */
  ending: boolean;
  shardCounts: Readonly<Record<ShardState['kind'], number>>;
  /** Shards this orchestrator cares for and nobody runs. */
  vacantShards: readonly number[];
  nodes: readonly NodeStatus[];
  migrations: readonly MigrationStatus[];
  /** Messages of migrations that were over, or not at that step: they were dropped. Some are usual after an abort. */
  staleTransfers: number;
  /** Asked for, and waiting for their nodes to have room for another one. */
  waitingMigrations: readonly { shard: number; destination: string; since: number }[];
  drains: readonly DrainStatus[];
  /** Shards that are moving or down, and how many may be at once; while as many are, nothing is moved. */
  disruption: Disruption;
  /** Not started any more, because these nodes died one after the other when they had been started on them. */
  quarantined: readonly { shard: number; since: number; nodes: readonly string[] }[];
  /** Most nodes are silent: nothing is done until that is over, or an operator says which ones are dead. */
  alarm: { since: number; silent: readonly string[] } | null;
  /** Drains and rollouts as operators cancel them, with those that ended lately: see `GET /v1/operations`. */
  operations: readonly OperationStatus[];
  rollout: RolloutStatus | null;
  identifies: {
    maxConcurrency: number;
    /** How long an IDENTIFY blocks its key. */
    windowMs: number;
    /** The session starts of the day: what is left of them by Discord's word and by our own count, and what is kept back. */
    budget: SessionStarts;
    /** Since when shards wait because there are no session starts left to grant; null: none does. */
    shortSince: number | null;
    waiting: readonly { node: string; shard: number; since: number }[];
    /** Keys that are held or not free yet. */
    busyKeys: readonly { key: number; holder: { node: string; shard: number } | null; freeAt: number }[];
  };
  launches: readonly { id: string; node: string | null; since: number }[];
  /** Where the state is kept, and whether it can be; while it is `suspended` the orchestrator changes nothing. */
  store: StoreStatus;
};

export function statusV1(
  state: OrchestratorState,
  about: { version: string; now: number; store: StoreStatus },
): StatusV1 {
  const responsible = state.settings.responsibleForShards && new Set(state.settings.responsibleForShards);
  const cared = [...state.shards.entries()].filter(([shard]) => responsible?.has(shard) ?? true);
  const shardCounts = { vacant: 0, starting: 0, running: 0, stopping: 0, migrating: 0, unreachable: 0 };
  for (const [, shard] of cared) shardCounts[shard.kind] += 1;
  const shards = shardsByNode(state);
  return {
    version: about.version,
    startedAt: state.startedAt,
    now: about.now,
    totalShards: state.totalShards,
    graceUntil: state.graceUntil,
    awaitedNodes: state.awaitedNodes,
    gatewayProblem: state.gateway.kind === 'failed' ? state.gateway.reason : null,
    ending: state.ending !== null,
    shardCounts,
    vacantShards: cared.filter(([, shard]) => shard.kind === 'vacant').map(([shard]) => shard),
    nodes: [...state.nodes.values()]
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map((node) => nodeStatus(node, shards.get(node.id) ?? [], state)),
    migrations: [...state.migrations.values()].map(migrationStatus),
    staleTransfers: state.staleTransfers,
    waitingMigrations: state.waitingMigrations.map(({ shard, destination, since }) => ({ shard, destination, since })),
    drains: [...state.drains.values()].map(drainStatus),
    disruption: disruptionOf(state),
    quarantined: quarantinedOf(state),
    alarm: state.alarm,
    operations: operationsOf(state),
    rollout: rolloutStatus(state),
    identifies: {
      maxConcurrency: state.identifies.maxConcurrency,
      windowMs: state.settings.identifyWindowMs,
      budget: sessionStarts(state, about.now),
      shortSince: state.identifies.shortSince,
      waiting: state.identifies.waiting.map(({ node, shard, since }) => ({ node, shard, since })),
      busyKeys: Object.entries(state.identifies.keys)
        .map(([key, { holder, freeAt }]) => ({ key: Number(key), holder, freeAt }))
        .filter(({ holder, freeAt }) => holder !== null || freeAt > about.now),
    },
    launches: [...state.launches.values()].map(({ id, node, since }) => ({ id, node, since })),
    store: about.store,
  };
}

function quarantinedOf({ crashRecords }: OrchestratorState): StatusV1['quarantined'] {
  return [...crashRecords].flatMap(([shard, { crashes, quarantinedAt }]) =>
    quarantinedAt === null ? [] : [{ shard, since: quarantinedAt, nodes: crashes.map(({ node }) => node) }],
  );
}

function migrationStatus(migration: MigrationState): MigrationStatus {
  const { id, shard, origin, destination, step, startedAt } = migration;
  const live = isLive(migration);
  const frozenSince = 'frozenAt' in step ? step.frozenAt : live ? null : startedAt;
  return { id, shard, origin, destination, step: step.kind, live, startedAt, frozenSince };
}

function nodeStatus(node: NodeState, shards: readonly number[], state: OrchestratorState): NodeStatus {
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
    intent: hasSaidGoodbye(node) ? 'lingering' : node.intent.kind,
    shards: shards.flatMap((id) => {
      const shard = state.shards[id];
      const report = reports.get(id);
      if (!shard) return [];
      return {
        id,
        state: shard.kind,
        since: shard.kind === 'migrating' ? null : shard.since,
        phase: report?.phase ?? null,
        pingMs: known(report?.pingMs),
        guilds: known(report?.guilds),
        events: known(report?.events),
      };
    }),
    process: node.process,
  };
}

/** Nodes report -1 for what they do not know. */
function known(figure: number | undefined): number | null {
  return figure === undefined || figure < 0 ? null : figure;
}

function drainStatus(drain: DrainState): DrainStatus {
  const { id, origin, destination, shutdown, phase, startedAt } = drain;
  const moving = phase.kind === 'moving' ? phase : { waiting: [], moved: [], failed: [], stopped: null };
  return {
    id,
    origin,
    destination,
    shutdown,
    phase: phase.kind,
    waiting: moving.waiting,
    moved: moving.moved,
    failed: moving.failed,
    stopped: moving.stopped,
    startedAt,
  };
}

function rolloutStatus({ rollout, drains }: OrchestratorState): RolloutStatus | null {
  if (rollout === null) return null;
  const { id, waiting, done, failed, startedAt } = rollout;
  const current = rollout.drain === null ? null : (drains.get(rollout.drain)?.origin ?? null);
  return { id, current, waiting, done, failed, startedAt };
}
