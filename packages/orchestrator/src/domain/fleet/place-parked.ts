/**
 * Gives parked shards out (`migration/park.ts`): evenly, those first that nobody has served for the longest time. Those
 * that no node may take yet wait, for a successor or for the last call.
 *
 * After a whole fleet was restarted its nodes come back one after the other. No node gets more than its share while
 * launched nodes are on their way, and, where nobody is launched, for a few seconds after each node that comes, as long
 * as fewer are there than had the shards. A share is never waited for beyond the last call.
 *
 * Looked at together, so that an event costs O(parked + nodes · log nodes) and not parked × nodes.
 */
import { anyoneAt, giveOut, isLetGo, lastCallAt, mayTakeParked, roomToHandOut } from '../migration/park.js';
import type { Parked } from '../state/park.js';
import type { NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { fairShare, place, type PlaceNode } from './place.js';
import { expectedNodes, limitOf, shareAmong, sizeOf } from './expected.js';
import { opennessOf, placeNode } from './placement.js';

/** How long the next node of a fleet that comes back is waited for. */
const SIBLING_MS = 5_000;

type Due = { shard: number; parked: Parked };

export function placeParked(tx: Transaction): void {
  const { graceUntil, recalled, ending } = tx.state;
  if (tx.survey().parked.length === 0 || (graceUntil !== null && !recalled) || ending !== null) return;
  const nodes = takers(tx);
  if (nodes.every(({ id }) => roomToHandOut(tx, id) === 0)) return;
  const newest = Math.max(...nodes.map(({ joinedAt }) => joinedAt));
  const due = dueOf(tx).filter(({ parked }) => tx.now >= anyoneAt(tx.state, parked) || newest > parked.since);
  for (const group of byTakers(tx, due, nodes)) placeGroup(tx, group);
}

/** When the next of the nodes that had the shards is waited for no longer; null: nobody is waited for. */
export function siblingsUntil(tx: Transaction): number | null {
  const { parked } = tx.survey();
  if (parked.length === 0) return null;
  const { open } = expectedNodes(tx);
  if (open.length === 0 || open.length >= spreadOfParked(tx)) return null;
  return Math.max(...open.map(({ joinedAt }) => joinedAt)) + SIBLING_MS;
}

function spreadOfParked(tx: Transaction): number {
  return parkedOf(tx).reduce((most, { parked }) => Math.max(most, parked.spread), 0);
}

function parkedOf(tx: Transaction): readonly Due[] {
  return tx.survey().parked.flatMap((shard) => {
    const state = tx.shard(shard);
    return state?.kind === 'parked' ? [{ shard, parked: state.parked }] : [];
  });
}

/** Also those that have no room now: the others do not get their shares meanwhile. */
function takers(tx: Transaction): readonly NodeState[] {
  return [...tx.state.nodes.values()].filter((node) => opennessOf(tx, node) === 'open');
}

function dueOf(tx: Transaction): readonly Due[] {
  const due = parkedOf(tx).filter(({ shard }) => {
    const state = tx.shard(shard);
    return state?.kind === 'parked' && state.notBefore <= tx.now && isLetGo(tx, shard);
  });
  const size = ({ parked }: Due): number => parked.state.bytes;
  return due.toSorted((a, b) => a.parked.since - b.parked.since || size(a) - size(b) || a.shard - b.shard);
}

type Group = { due: Due[]; nodes: readonly NodeState[]; isLastCall: boolean };

/** Shards that the same nodes may take, those first that have the least time. */
function byTakers(tx: Transaction, due: readonly Due[], nodes: readonly NodeState[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const each of due) {
    const { parked } = each;
    const isLastCall = tx.now >= lastCallAt(parked);
    const allowed = nodes.filter((node) => mayTakeParked(tx, node, parked));
    const key = `${isLastCall ? 0 : 1} ${allowed.map(({ id }) => id).join(' ')}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { due: [each], nodes: allowed, isLastCall });
    else group.due.push(each);
  }
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

function placeGroup(tx: Transaction, { due, nodes, isLastCall }: Group): void {
  const candidates: PlaceNode[] = nodes.map((node) => placeNode(tx, node, roomToHandOut(tx, node.id)));
  const most = limitOf(tx);
  const limits = isLastCall ? [most] : [most, shareOfParked(tx), evenAmong(tx, candidates, due.length)];
  const least = Math.min(...limits.map((each) => each ?? Infinity));
  const limit = Number.isFinite(least) ? least : null;
  // Best of all the node of the same name, if that is there.
  const there = new Set(candidates.filter(({ takes }) => takes > 0).map(({ id }) => id));
  const holders = new Map(
    due.flatMap(({ shard, parked }) => (there.has(parked.origin) ? [[shard, parked.origin]] : [])),
  );
  const vacant = due.map(({ shard }) => shard);
  const { assignments } = place({ nodes: candidates, vacant, holders, rules: tx.settings, limit });
  for (const [node, given] of assignments)
    for (const shard of given) if (roomToHandOut(tx, node) > 0) giveOut(tx, shard, node);
}

/** So many each of them has when all is given out evenly. */
function evenAmong(tx: Transaction, nodes: readonly PlaceNode[], due: number): number | null {
  if (nodes.length < 2) return null;
  const shards = nodes.reduce((sum, node) => sum + node.shards.length, due);
  return fairShare(shards, nodes.length, tx.settings);
}

/** The most shards of one node while others may come; null: nobody else is waited for. */
function shareOfParked(tx: Transaction): number | null {
  const expected = expectedNodes(tx);
  const { open, launched } = expected;
  const launching = launched > 0 ? sizeOf(tx, expected) : 0;
  const until = siblingsUntil(tx);
  const all = Math.max(launching, until !== null && until > tx.now ? spreadOfParked(tx) : 0);
  return all > open.length ? shareAmong(tx, all) : null;
}
