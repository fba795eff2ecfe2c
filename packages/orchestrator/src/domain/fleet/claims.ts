/**
 * A node says that it runs a shard. Nodes are the truth about what runs, so it is believed, unless it was succeeded:
 *
 * - its epoch is lower than the shard's: the shard was assigned to somebody since, and it lets go, whoever has the shard now;
 * - its epoch is higher: what gave it was forgotten (a lost store), so the incumbent is the one who was succeeded;
 * - it has none (base level), or the shard's own: another connected node that has the shard keeps it.
 */
import { adoptEpoch, assign, keep, letGo } from '../shards/epochs.js';
import { epochOf, mayHaveKept } from '../state/epochs.js';
import { isConnected, isShuttingDown } from '../state/nodes.js';
import { originKept } from '../migration/live-failure.js';
import { isLive, ownerOf } from '../state/migrations.js';
import { migrationOf } from '../migration/steps.js';
import { unqueue } from '../shards/start.js';
import type { Turn } from '../state/transaction.js';

/** @param epoch under which the node has it; undefined or 0: it does not know. @returns whether the shard is the node's now. */
export function claim(turn: Turn, node: string, shard: number, epoch = 0): boolean {
  // What was assigned to another node, but not sent to it, is not begun.
  unqueue(turn, shard);
  const state = turn.shard(shard);
  if (state === undefined) return false;
  const claimant = turn.node(node);
  if (claimant === undefined || isShuttingDown(claimant)) return false;
  const migration = migrationOf(turn, shard);
  if (migration?.origin === node && isLive(migration) && migration.step.kind === 'releasing') {
    originKept(turn, migration, `node ${node} did not hear that it was to let go`);
    return true;
  }
  const incumbent = incumbentOf(turn, shard);
  if (incumbent === node) return true;
  const current = epochOf(turn.state, shard);
  const isOpen = state.kind === 'vacant' || state.kind === 'unreachable';
  if (isOpen && mayHaveKept(turn.state, shard, node, epoch)) {
    keep(turn, shard, node);
    return true;
  }
  if (epoch > 0 && epoch < current) {
    succeeded(turn, shard, node, incumbent);
    return false;
  }
  if (isOpen) {
    if (epoch > current) adoptEpoch(turn, shard, epoch);
    else if (epoch === 0 && (state.kind === 'vacant' || state.node !== node)) assign(turn, shard);
    turn.setShard(shard, { kind: 'running', node, since: turn.now });
    return true;
  }
  if (state.kind === 'running' && epoch > current) {
    adoptEpoch(turn, shard, epoch);
    turn.setShard(shard, { kind: 'running', node, since: turn.now });
    succeeded(turn, shard, incumbent, node);
    return true;
  }
  if (epoch >= current && epoch > 0) adoptEpoch(turn, shard, epoch + 1);
  letGo(turn, node, shard);
  const text = `Nodes ${incumbent} and ${node} both have shard ${shard}; node ${node} is told to stop it.`;
  turn.happened('shardConflict', 'warn', text, { shard, incumbent, node });
  return false;
}

function succeeded(turn: Turn, shard: number, node: string, successor: string): void {
  if (isConnected(turn.node(node))) letGo(turn, node, shard);
  const by = successor === '' ? 'The shard was taken from it meanwhile' : `Node ${successor} has taken it over`;
  const text = `Node ${node} has shard ${shard} under an epoch that is over. ${by}; it is told to let go.`;
  turn.happened('shardConflict', 'warn', text, { shard, incumbent: successor, node });
}

function incumbentOf(turn: Turn, shard: number): string {
  const state = turn.shard(shard);
  if (state === undefined || state.kind === 'vacant' || state.kind === 'unreachable') return '';
  if (state.kind !== 'migrating') return state.node;
  const migration = turn.state.migrations.get(state.migration);
  return migration === undefined ? '' : ownerOf(migration);
}
