/** The rows of `GET /v1/shards` and `GET /v1/nodes`, and of the event stream: a small, flat thing for each. */
import type { NodeRow, ShardRow } from '@dshard/api';
import type { ShardReport } from '@dshard/protocol';
import { conditionsOf } from '../domain/shards/condition.js';
import { hasSaidGoodbye } from '../domain/state/nodes.js';
import type { OrchestratorState } from '../domain/state/state.js';
import { shardsByNode } from './shards-by-node.js';
import { known, migrationStatus } from './v1-status.js';

/** What all rows of one moment share. */
export type Rows = {
  readonly shardIds: readonly number[];
  readonly nodeIds: readonly string[];
  shard(this: void, id: number): ShardRow;
  node(this: void, id: string): NodeRow | null;
};

/** Rows are made when they are asked for; the state never changes, so later ones tell of the same moment. */
export function rowsOf(state: OrchestratorState, now: number): Rows {
  const conditionOf = conditionsOf(state, now);
  const ours = state.settings.responsibleForShards;
  const cared = ours === null ? null : new Set(ours);
  const byNode = shardsByNode(state);
  const owners = new Map([...byNode].flatMap(([node, shards]) => shards.map((shard) => [shard, node] as const)));
  const reports = new Map<string, ReadonlyMap<number, ShardReport>>();
  const reportOf = (node: string | null, shard: number): ShardReport | undefined => {
    if (node === null) return undefined;
    let ofNode = reports.get(node);
    if (ofNode === undefined) {
      ofNode = new Map(state.nodes.get(node)?.shardReports.map((report) => [report.shardId, report]));
      reports.set(node, ofNode);
    }
    return ofNode.get(shard);
  };
  return {
    shardIds: [...state.shards.keys()].filter((id) => cared?.has(id) ?? true),
    nodeIds: [...state.nodes.keys()].sort(),
    shard(id) {
      const shard = state.shards[id];
      const condition = conditionOf(id);
      const node = owners.get(id) ?? null;
      const migration = shard?.kind === 'migrating' ? state.migrations.get(shard.migration) : undefined;
      const moving = migration && migrationStatus(migration);
      const report = reportOf(node, id);
      const about = node === null ? undefined : state.nodes.get(node);
      const stillSince = condition.kind === 'up' ? null : (moving?.frozenSince ?? condition.since);
      return {
        id,
        state: shard?.kind ?? 'vacant',
        condition,
        node,
        host: about?.host ?? null,
        version: about?.version ?? null,
        phase: report?.phase ?? null,
        step: moving?.step ?? null,
        migration: moving?.id ?? null,
        gapMs: stillSince === null ? null : Math.max(0, now - stillSince),
        ageMs: Math.max(0, now - condition.since),
        pingMs: known(report?.pingMs),
        guilds: known(report?.guilds),
        events: known(report?.events),
      };
    },
    node(id) {
      const node = state.nodes.get(id);
      if (node === undefined) return null;
      const { connection } = node;
      const shards = byNode.get(id) ?? [];
      return {
        id,
        version: node.version,
        host: node.host,
        pid: node.pid,
        connection: connection.kind,
        gone: connection.kind === 'disconnected' && connection.gone,
        since: connection.since,
        lastHeardAt: connection.kind === 'disconnected' ? null : connection.lastHeardAt,
        intent: hasSaidGoodbye(node) ? 'lingering' : node.intent.kind,
        shards: shards.length,
        notUp: shards.filter((shard) => conditionOf(shard).kind !== 'up').length,
        ageMs: Math.max(0, now - connection.since),
        process: node.process,
      };
    },
  };
}
