/** Which node a shard that runs is to move to, when no operator says so: where `place` would put the shard. */
import { isCordoned } from '../state/hosts.js';
import { drainedBy, isConnected, isLeaving, keptBy } from '../state/nodes.js';
import type { NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { isOnProbation } from './crash-loop.js';
import { limitOf } from './expected.js';
import { place } from './place.js';
import { movingOf, placeNode } from './placement.js';
import { isUnresponsive } from './unresponsive.js';
import { weightOf } from './weights.js';

/** Whether shards may be moved to a node without anybody naming the node. */
export function isOpen(tx: Transaction, node: NodeState): boolean {
  if (!isConnected(node) || isLeaving(node) || isCordoned(tx.state, node)) return false;
  if (drainedBy(tx.state, node.id) !== undefined || keptBy(tx.state, node.id) !== undefined) return false;
  return !isOnProbation(tx, node) && !isUnresponsive(tx.state, node);
}

/** @returns null: no open node has room for the shard. */
export function nextNodeFor(tx: Transaction, shard: number, open: readonly NodeState[]): string | null {
  const [destination = null] = placed(tx, [shard], open).keys();
  return destination;
}

/** Whether an open node has room for any of them. Costs what `nextNodeFor` costs for one. */
export function isRoomForAny(tx: Transaction, shards: readonly number[], open: readonly NodeState[]): boolean {
  return open.length > 0 && placed(tx, shards, open).size > 0;
}

function placed(
  tx: Transaction,
  vacant: readonly number[],
  open: readonly NodeState[],
): ReadonlyMap<string, readonly number[]> {
  const moving = movingOf(tx);
  const nodes = open.map((node) => placeNode(tx, node, Infinity, moving));
  const limit = limitOf(tx);
  const { loads } = tx.state.balance;
  const weigh = (each: number): number => weightOf(loads, each);
  return place({
    nodes,
    vacant,
    holders: new Map(),
    limit,
    rules: tx.settings,
    weightOf: weigh,
  }).assignments;
}
