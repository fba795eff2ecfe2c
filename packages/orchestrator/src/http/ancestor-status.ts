/**
 * `GET /status` as the ancestor answers it: the same keys in the same order, so that its own command line reads it. Of
 * several shards that move from or to a node it can only name one; it names the one that has been moving longest.
 */
import type { AncestorNodeStatus, AncestorStatus } from '@dshard/api';
import { isCordoned } from '../domain/state/hosts.js';
import type { NodeState, OrchestratorState } from '../domain/state/state.js';
import { shardsByNode } from './shards-by-node.js';

const GO_ZERO_TIME = '0001-01-01T00:00:00Z';

/** @param wallClockAheadMs how far the machine's clock is ahead of the times in the state. */
export function ancestorStatus(state: OrchestratorState, wallClockAheadMs: number): AncestorStatus {
  const shards = shardsByNode(state);
  const nodes = [...state.nodes.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { Nodes: nodes.map((node) => nodeStatus(node, shards.get(node.id) ?? [], state, wallClockAheadMs)) };
}

function nodeStatus(
  node: NodeState,
  shards: readonly number[],
  state: OrchestratorState,
  wallClockAheadMs: number,
): AncestorNodeStatus {
  const moving = [...state.migrations.values()]
    .filter((migration) => migration.origin === node.id || migration.destination === node.id)
    .sort((a, b) => a.startedAt - b.startedAt);
  const from = moving.find((migration) => migration.destination === node.id);
  const to = moving.find((migration) => migration.origin === node.id);
  const { connection } = node;
  return {
    ID: node.id,
    Version: node.version,
    SessionEstablished: connection.kind === 'connected',
    Shards: shards.filter((shard) => state.shards[shard]?.kind !== 'starting'),
    Connected: connection.kind !== 'disconnected',
    DisconnectedAt:
      connection.kind === 'disconnected' ? new Date(connection.since + wallClockAheadMs).toISOString() : GO_ZERO_TIME,
    Blacklisted: isCordoned(state, node),
    MigratingFrom: from?.origin ?? '',
    MigratingTo: to?.destination ?? '',
    MigratingShard: moving[0]?.shard ?? 0,
  };
}
