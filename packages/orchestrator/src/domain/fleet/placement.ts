/**
 * Starts what nobody runs, where `place` says.
 *
 * Nothing is placed before the grace is over, unless the store told who had which shards. While launched nodes are on their way, no
 * node takes more than its fair share of the shards that have to identify; those with a session to resume do not wait, since
 * sessions die within a minute or two. When their launches fail, the others take it all rather than leave shards down. A node resumes
 * `takeoversPerNode` shards at once, so that after a loss the survivors share the work, and each gets more when it is done with those. Without ensureAllShardsRunning only shards whose
 * session a connected node holds (a hand-over that broke) are started: on that node.
 *
 * Who holds a session has the shard's state, too. So a node that is cordoned or drained gets back what it holds (a drain moves it again, and
 * its state with it), and after a restart the shard of a broken hand-over waits for its origin as long as the grace lasts.
 */
import { launchForRoom } from './launch.js';
import { tenureOf } from '../state/epochs.js';
import { can, drainedBy, isConnected, isShuttingDown } from '../state/nodes.js';
import { hasSuspect, isQuarantined, isSuspect } from '../shards/quarantine.js';
import { startOn } from '../shards/start.js';
import type { NodeState } from '../state/state.js';
import type { Turn } from '../state/transaction.js';
import { fairShare } from './buckets.js';
import { place } from './place.js';
import type { Openness, PlaceNode } from './place.js';

export function placeVacant(turn: Turn): void {
  const { graceUntil, recalled, ending, totalShards } = turn.state;
  if ((graceUntil !== null && !recalled) || ending !== null || totalShards === null) return;
  const holders = holdersOf(turn);
  const vacant = due(turn).filter((shard) => holders.has(shard) || !mayHaveHolder(turn, shard));
  if (vacant.length === 0) return;
  if (!turn.settings.ensureAllShardsRunning) return giveBack(turn, vacant, holders);
  const isGivenBack = (shard: number): boolean => {
    const holder = turn.node(holders.get(shard) ?? '');
    return holder !== undefined && opennessOf(turn, holder) !== 'open';
  };
  giveBack(turn, vacant.filter(isGivenBack), holders);
  const others = vacant.filter((shard) => !isGivenBack(shard));
  if (others.length > 0) placeAll(turn, others, holders);
}

/** The origin of a hand-over that a crash of ours broke is still on its way back: it runs the shard, or holds its session and its state. */
function mayHaveHolder(turn: Turn, shard: number): boolean {
  const { before } = tenureOf(turn.state, shard);
  const origin = before === null ? undefined : turn.node(before.node);
  return turn.state.graceUntil !== null && origin?.connection.kind === 'disconnected' && !origin.connection.gone;
}

/** Vacant shards that may be started now. */
function due(turn: Turn): readonly number[] {
  const ours = turn.settings.responsibleForShards;
  const isOurs = ours === null ? null : new Set(ours);
  return turn.survey().vacant.filter((shard) => {
    const state = turn.shard(shard);
    const isDue = state?.kind === 'vacant' && state.notBefore <= turn.now && (isOurs === null || isOurs.has(shard));
    return isDue && !isQuarantined(turn, shard);
  });
}

function placeAll(turn: Turn, vacant: readonly number[], holders: ReadonlyMap<number, string>): void {
  const { maxShardsPerNode } = turn.settings;
  const share = shareWhileLaunching(turn);
  const noRoom: number[] = [];
  const startSome = (shards: readonly number[], limit: number | null, takes: (node: NodeState) => number): void => {
    if (shards.length === 0) return;
    const nodes = [...turn.state.nodes.values()].map((node) => placeNode(turn, node, takes(node)));
    const placement = place({ nodes, vacant: shards, holders, limit, rules: turn.settings });
    for (const [node, assigned] of placement.assignments) startOn(turn, node, assigned);
    noRoom.push(...placement.noRoom);
  };
  const { suspects, resumable, others } = byCare(turn, vacant);
  startSome(resumable, maxShardsPerNode, (node) => takeoversLeft(turn, node));
  startSome(others, share === null ? maxShardsPerNode : Math.min(share, maxShardsPerNode ?? share), () => Infinity);
  for (const shard of suspects) startSome([shard], maxShardsPerNode, (node) => (hasSuspect(turn, node.id) ? 0 : 1));
  launchForRoom(turn, noRoom);
}

type ByCare = { suspects: number[]; resumable: number[]; others: number[] };

/** Suspects one at a time, resumes at a pace; IDENTIFYs have one of their own (`shards/identify-permits.ts`). */
function byCare(turn: Turn, vacant: readonly number[]): ByCare {
  const sorted: ByCare = { suspects: [], resumable: [], others: [] };
  for (const shard of vacant) {
    const state = turn.shard(shard);
    if (isSuspect(turn, shard)) sorted.suspects.push(shard);
    else if (state?.kind === 'vacant' && state.known !== null) sorted.resumable.push(shard);
    else sorted.others.push(shard);
  }
  return sorted;
}

/** How many more resumes a node may begin now. One of the base level queues them by itself. */
function takeoversLeft(turn: Turn, node: NodeState): number {
  if (!can(node, 'parallel-migrations')) return Infinity;
  let left = turn.settings.takeoversPerNode;
  for (const shard of turn.shardsOf(node.id)) {
    const state = turn.shard(shard);
    if (state?.kind === 'starting' && (state.step === 'prepare' || state.step === 'resume')) left -= 1;
  }
  return left;
}

function giveBack(turn: Turn, vacant: readonly number[], holders: ReadonlyMap<number, string>): void {
  for (const shard of vacant) {
    const holder = holders.get(shard);
    if (holder !== undefined) startOn(turn, holder, [shard]);
  }
}

/** null: nobody is on the way, so there is nothing to leave for anybody. */
function shareWhileLaunching(turn: Turn): number | null {
  const { settings, launches, launchFailures, totalShards } = turn.state;
  if (settings.nodes < 2 || launches.size === 0 || launchFailures > 0 || totalShards === null) return null;
  return fairShare(settings.responsibleForShards?.length ?? totalShards, settings.nodes, settings);
}

function placeNode(turn: Turn, node: NodeState, takes: number): PlaceNode {
  const shards = [...turn.shardsOf(node.id)];
  for (const migration of turn.state.migrations.values()) {
    if (migration.origin === node.id || migration.destination === node.id) shards.push(migration.shard);
  }
  return { id: node.id, openness: opennessOf(turn, node), shards, takes };
}

function opennessOf(turn: Turn, node: NodeState): Openness {
  if (!isConnected(node) || isShuttingDown(node) || drainedBy(turn.state, node.id) !== undefined) return 'closed';
  return node.intent.kind === 'cordoned' ? 'ownBuckets' : 'open';
}

function holdersOf(turn: Turn): ReadonlyMap<number, string> {
  const holders = new Map<number, string>();
  for (const node of turn.state.nodes.values()) {
    if (!isConnected(node) || isShuttingDown(node)) continue;
    for (const shard of node.held) holders.set(shard, node.id);
  }
  return holders;
}
