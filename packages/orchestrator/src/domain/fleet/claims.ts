/**
 * A node says that it runs a shard. Nodes are the truth about what runs, so it is believed, unless it was superseded:
 *
 * - its epoch is lower than the shard's: the shard was assigned to somebody since, and it lets go, whoever has the
 *   shard now;
 * - its epoch is higher: what gave it was forgotten (a lost store), so the incumbent is the one who was superseded;
 * - it has none (base level), or the shard's own: another connected node that has the shard keeps it.
 *
 * A node of the base level names also what it only makes room for, so it is believed where nobody else is known to have
 * had the shard last.
 */
import { adoptEpoch, assign, keep, letGo } from '../shards/epochs.js';
import { epochOf, mayHaveKept } from '../state/epochs.js';
import { can, isConnected, isShuttingDown } from '../state/nodes.js';
import { onOriginKept } from '../migration/live-failure.js';
import { isLive, ownerOf } from '../state/migrations.js';
import { migrationOf } from '../migration/steps.js';
import { unqueue } from '../shards/start.js';
import type { ShardState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/**
 * @param epoch under which the node has it; undefined or 0: it does not know. @returns whether the shard is the node's
 * now.
 */
export function claim(tx: Transaction, node: string, shard: number, epoch = 0): boolean {
  // What was assigned to another node, but not sent to it, is not begun.
  unqueue(tx, shard);
  const state = tx.shard(shard);
  if (state === undefined) return false;
  const claimant = tx.node(node);
  if (claimant === undefined || isShuttingDown(claimant)) return false;
  const migration = migrationOf(tx, shard);
  if (migration?.origin === node && isLive(migration) && migration.step.kind === 'releasing') {
    onOriginKept(tx, migration, `node ${node} did not hear that it was to let go`);
    return true;
  }
  const incumbent = incumbentOf(tx, shard);
  if (incumbent === node) return true;
  const current = epochOf(tx.state, shard);
  const isOpen = state.kind === 'vacant' || state.kind === 'parked' || state.kind === 'unreachable';
  if (isOpen && mayHaveKept(tx.state, shard, node, epoch)) {
    keep(tx, shard, node);
    return true;
  }
  if (epoch > 0 && epoch < current) {
    supersede(tx, shard, node, incumbent);
    return false;
  }
  if (isOpen && !can(claimant, 'epochs') && isAnothers(state, node)) {
    letGo(tx, node, shard);
    const text = `Node ${node} names shard ${shard}, which it was only to take over; it is told to drop it.`;
    tx.record('shardConflict', 'warn', text, {
      shard,
      incumbent: state.kind === 'unreachable' ? state.node : '',
      node,
    });
    return false;
  }
  if (isOpen) {
    if (epoch > current) adoptEpoch(tx, shard, epoch);
    else if (epoch === 0 && (state.kind !== 'unreachable' || state.node !== node)) assign(tx, shard);
    tx.setShard(shard, { kind: 'running', node, since: tx.now });
    return true;
  }
  if (state.kind === 'running' && epoch > current) {
    adoptEpoch(tx, shard, epoch);
    tx.setShard(shard, { kind: 'running', node, since: tx.now });
    supersede(tx, shard, incumbent, node);
    return true;
  }
  if (epoch >= current && epoch > 0) adoptEpoch(tx, shard, epoch + 1);
  letGo(tx, node, shard);
  const text = `Nodes ${incumbent} and ${node} both have shard ${shard}; node ${node} is told to stop it.`;
  tx.record('shardConflict', 'warn', text, { shard, incumbent, node });
  return false;
}

/** Somebody else had it last, and may come back with it, or has closed it. */
function isAnothers(state: ShardState, node: string): boolean {
  if (state.kind === 'unreachable') return state.node !== node;
  return state.kind === 'parked' || (state.kind === 'vacant' && state.known !== null);
}

function supersede(tx: Transaction, shard: number, node: string, successor: string): void {
  if (isConnected(tx.node(node))) letGo(tx, node, shard);
  const by = successor === '' ? 'The shard was taken from it meanwhile' : `Node ${successor} has taken it over`;
  const text = `Node ${node} has shard ${shard} under an epoch that is over. ${by}; it is told to let go.`;
  tx.record('shardConflict', 'warn', text, { shard, incumbent: successor, node });
}

function incumbentOf(tx: Transaction, shard: number): string {
  const state = tx.shard(shard);
  if (state === undefined || state.kind === 'unreachable') return '';
  if (state.kind !== 'migrating') return 'node' in state ? state.node : '';
  const migration = tx.state.migrations.get(state.migration);
  return migration === undefined ? '' : ownerOf(migration);
}
