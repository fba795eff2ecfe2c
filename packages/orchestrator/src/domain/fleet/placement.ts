/**
 * Starts what nobody runs, where `place` says.
 *
 * Nothing is placed before the grace is over, unless the store told who had which shards. While launched nodes are on
 * their way, no node takes more than its fair share of the shards that have to identify; those with a session to resume
 * do not wait, since sessions die within a minute or two. When their launches fail, the others take it all rather than
 * leave shards down. A node resumes `takeoversPerNode` shards at once, so that after a loss the survivors share the
 * work, and each gets more when it is done with those. A node on probation takes one shard (`crash-loop.ts`). Without
 * ensureAllShardsRunning only shards whose session a connected node holds (a migration that broke) are started: on that
 * node.
 *
 * Who holds a session has the shard's state, too. So a node that is cordoned or drained gets back what it holds (a
 * drain moves it again, and its state with it), and after a restart the shard of a broken migration waits for its
 * origin as long as the grace lasts.
 */
import { isBeingReplaced, isOnProbation, loopOfNext } from './crash-loop.js';
import { launchForRoom } from './launch.js';
import { assignmentOf } from '../state/epochs.js';
import { can, drainedBy, isConnected, isShuttingDown } from '../state/nodes.js';
import { isHeldBack } from '../state/versions.js';
import { isQuarantined, isCrashSuspect, mayTakeCrashSuspect } from '../shards/quarantine.js';
import { startOn } from '../shards/start.js';
import type { NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { fairShare, place, type Openness, type PlaceNode } from './place.js';

export function placeVacant(tx: Transaction): void {
  const { graceUntil, recalled, ending, totalShards } = tx.state;
  if ((graceUntil !== null && !recalled) || ending !== null || totalShards === null) return;
  const holders = holdersOf(tx);
  const vacant = due(tx).filter((shard) => holders.has(shard) || !mayHaveHolder(tx, shard));
  if (vacant.length === 0) return;
  if (!tx.settings.ensureAllShardsRunning) return giveBack(tx, vacant, holders);
  const isGivenBack = (shard: number): boolean => {
    const holder = tx.node(holders.get(shard) ?? '');
    return holder !== undefined && opennessOf(tx, holder) !== 'open';
  };
  giveBack(tx, vacant.filter(isGivenBack), holders);
  const others = vacant.filter((shard) => !isGivenBack(shard));
  if (others.length > 0) placeAll(tx, others, holders);
}

/** The origin of a migration that our crash broke is on its way back: it has the shard, or its session and state. */
function mayHaveHolder(tx: Transaction, shard: number): boolean {
  const { before } = assignmentOf(tx.state, shard);
  const origin = before === null ? undefined : tx.node(before.node);
  return tx.state.graceUntil !== null && origin?.connection.kind === 'disconnected' && !origin.connection.gone;
}

/** Vacant shards that may be started now. */
function due(tx: Transaction): readonly number[] {
  const ours = tx.settings.responsibleForShards;
  const isOurs = ours === null ? null : new Set(ours);
  return tx.survey().vacant.filter((shard) => {
    const state = tx.shard(shard);
    const isDue = state?.kind === 'vacant' && state.notBefore <= tx.now && (isOurs === null || isOurs.has(shard));
    return isDue && !isQuarantined(tx, shard);
  });
}

function placeAll(tx: Transaction, vacant: readonly number[], holders: ReadonlyMap<number, string>): void {
  const { maxShardsPerNode } = tx.settings;
  const share = shareWhileLaunching(tx);
  const noRoom: number[] = [];
  const startSome = (shards: readonly number[], limit: number | null, takes: (node: NodeState) => number): void => {
    if (shards.length === 0) return;
    const nodes = [...tx.state.nodes.values()].map((node) =>
      placeNode(tx, node, Math.min(takes(node), probationLeft(tx, node))),
    );
    const placement = place({ nodes, vacant: shards, holders, limit, rules: tx.settings });
    for (const [node, assigned] of placement.assignments) startOn(tx, node, assigned);
    noRoom.push(...placement.noRoom);
  };
  const { crashSuspects, resumable, others } = byCare(tx, vacant);
  startSome(resumable, maxShardsPerNode, (node) => takeoversLeft(tx, node));
  startSome(others, share === null ? maxShardsPerNode : Math.min(share, maxShardsPerNode ?? share), () => Infinity);
  for (const shard of crashSuspects)
    startSome([shard], maxShardsPerNode, (node) => (mayTakeCrashSuspect(tx, node, shard) ? 1 : 0));
  launchForRoom(tx, noRoom);
}

type ByCare = { crashSuspects: number[]; resumable: number[]; others: number[] };

/** Crash suspects one at a time, resumes at a pace; IDENTIFYs have one of their own (`shards/identify-permits.ts`). */
function byCare(tx: Transaction, vacant: readonly number[]): ByCare {
  const sorted: ByCare = { crashSuspects: [], resumable: [], others: [] };
  for (const shard of vacant) {
    const state = tx.shard(shard);
    if (isCrashSuspect(tx, shard)) sorted.crashSuspects.push(shard);
    else if (state?.kind === 'vacant' && state.known !== null) sorted.resumable.push(shard);
    else sorted.others.push(shard);
  }
  return sorted;
}

/** How many more resumes a node may begin now. One of the base level queues them by itself. */
function takeoversLeft(tx: Transaction, node: NodeState): number {
  if (!can(node, 'resume-shards')) return Infinity;
  let left = tx.settings.takeoversPerNode;
  for (const shard of tx.shardsOf(node.id)) {
    const state = tx.shard(shard);
    if (state?.kind === 'starting' && (state.step === 'prepare' || state.step === 'resume')) left -= 1;
  }
  return left;
}

/** A node of a version that dies again and again gets one shard until it has lived for a while. */
function probationLeft(tx: Transaction, node: NodeState): number {
  return isOnProbation(tx, node) ? 1 - tx.loadOf(node.id) : Infinity;
}

function giveBack(tx: Transaction, vacant: readonly number[], holders: ReadonlyMap<number, string>): void {
  for (const shard of vacant) {
    const holder = holders.get(shard);
    if (holder !== undefined) startOn(tx, holder, [shard]);
  }
}

/** null: nobody is on the way, or nobody who comes for certain, so there is nothing to leave for anybody. */
export function shareWhileLaunching(tx: Transaction): number | null {
  const { settings, launches, totalShards } = tx.state;
  const loop = loopOfNext(tx.state);
  const isHealthy = loop === undefined || loop.inARow === 0 || isBeingReplaced(loop);
  const isComing = launches.size > 0 || (loop !== undefined && loop.inARow > 0 && loop.notBefore > tx.now);
  if (settings.nodes < 2 || !isComing || !isHealthy || totalShards === null) return null;
  return fairShare(settings.responsibleForShards?.length ?? totalShards, settings.nodes, settings);
}

export function placeNode(tx: Transaction, node: NodeState, takes: number): PlaceNode {
  const shards = [...tx.shardsOf(node.id)];
  for (const migration of tx.state.migrations.values()) {
    if (migration.origin === node.id || migration.destination === node.id) shards.push(migration.shard);
  }
  return { id: node.id, openness: opennessOf(tx, node), shards, takes };
}

export function opennessOf(tx: Transaction, node: NodeState): Openness {
  if (!isConnected(node) || isShuttingDown(node) || drainedBy(tx.state, node.id) !== undefined) return 'closed';
  if (isHeldBack(tx.state, node)) return 'closed';
  return node.intent.kind === 'cordoned' ? 'ownBuckets' : 'open';
}

function holdersOf(tx: Transaction): ReadonlyMap<number, string> {
  const holders = new Map<number, string>();
  for (const node of tx.state.nodes.values()) {
    if (!isConnected(node) || isShuttingDown(node)) continue;
    for (const shard of node.retained) holders.set(shard, node.id);
  }
  return holders;
}
