/**
 * Gives parked shards out (`migration/park.ts`): evenly, and while launched nodes are on their way no node gets more
 * than its share. Those that no node may take yet wait, for a successor or for the last call.
 */
import { anyoneAt, giveOut, isLetGo, mayTakeParked, roomToPark } from '../migration/park.js';
import type { NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { place } from './place.js';
import { expectedNodes, limitOf, shareOf } from './expected.js';
import { opennessOf, placeNode } from './placement.js';

export function placeParked(tx: Transaction): void {
  const { graceUntil, recalled, ending } = tx.state;
  if (tx.survey().parked.length === 0 || (graceUntil !== null && !recalled) || ending !== null) return;
  for (const shard of tx.survey().parked) placeOne(tx, shard);
}

function placeOne(tx: Transaction, shard: number): void {
  const state = tx.shard(shard);
  if (state?.kind !== 'parked' || state.notBefore > tx.now || !isLetGo(tx, shard)) return;
  const { parked } = state;
  const takes = (node: NodeState): number => (mayTakeParked(tx, node, parked) ? roomToPark(tx, node.id) : 0);
  const nodes = [...tx.state.nodes.values()]
    .filter((node) => opennessOf(tx, node) === 'open')
    .map((node) => placeNode(tx, node, takes(node)));
  // Best of all the one of its name, if that is there and takes it.
  const isBack = nodes.some((node) => node.id === parked.origin && node.takes > 0);
  const holders = new Map(isBack ? [[shard, parked.origin]] : []);
  const input = { nodes, vacant: [shard], holders, rules: tx.settings };
  const most = limitOf(tx);
  const share = tx.now < anyoneAt(tx.state, parked) ? shareOf(tx, expectedNodes(tx)) : null;
  const limit = share === null ? most : Math.min(share, most ?? share);
  for (const [node, [given]] of place({ ...input, limit }).assignments) {
    if (given !== undefined) giveOut(tx, given, node);
  }
}
