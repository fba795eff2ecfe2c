/**
 * Starts what nobody runs, where `place` says.
 *
 * Nothing is placed before the grace is over, unless the store told who had which shards. While launched nodes are on their way, no
 * node takes more than its fair share of the shards that have to identify; those with a session to resume do not wait, since
 * sessions die within a minute or two. When
 * their launches fail, the others take it all rather than leave shards down. Without ensureAllShardsRunning only shards whose
 * session a connected node holds (a hand-over that broke) are started: on that node.
 *
 * Who holds a session has the shard's state, too. So a node that is cordoned or drained gets back what it holds (a drain moves it again, and
 * its state with it), and after a restart the shard of a broken hand-over waits for its origin as long as the grace lasts.
 */
import { launchForRoom } from '../launch/launch.js';
import { tenureOf } from '../epochs/tenure.js';
import { drainFrom, isConnected, isShuttingDown } from '../nodes.js';
import { startOn } from '../shards/start.js';
import type { NodeState } from '../state.js';
import type { Turn } from '../turn.js';
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
    return state?.kind === 'vacant' && state.notBefore <= turn.now && (isOurs === null || isOurs.has(shard));
  });
}

function placeAll(turn: Turn, vacant: readonly number[], holders: ReadonlyMap<number, string>): void {
  const { maxShardsPerNode } = turn.settings;
  const share = shareWhileLaunching(turn);
  const noRoom: number[] = [];
  const startSome = (shards: readonly number[], limit: number | null): void => {
    const nodes = [...turn.state.nodes.values()].map((node) => placeNode(turn, node));
    const placement = place({ nodes, vacant: shards, holders, limit, rules: turn.settings });
    for (const [node, assigned] of placement.assignments) startOn(turn, node, assigned);
    noRoom.push(...placement.noRoom);
  };
  if (share === null) {
    startSome(vacant, maxShardsPerNode);
  } else {
    const [resumable, others] = byKnownSession(turn, vacant);
    startSome(resumable, maxShardsPerNode);
    startSome(others, Math.min(share, maxShardsPerNode ?? share));
  }
  launchForRoom(turn, noRoom);
}

function byKnownSession(turn: Turn, vacant: readonly number[]): [resumable: number[], others: number[]] {
  const resumable: number[] = [];
  const others: number[] = [];
  for (const shard of vacant) {
    const state = turn.shard(shard);
    (state?.kind === 'vacant' && state.known !== null ? resumable : others).push(shard);
  }
  return [resumable, others];
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

function placeNode(turn: Turn, node: NodeState): PlaceNode {
  const shards = [...turn.shardsOf(node.id)];
  for (const migration of turn.state.migrations.values()) {
    if (migration.origin === node.id || migration.destination === node.id) shards.push(migration.shard);
  }
  return { id: node.id, openness: opennessOf(turn, node), shards };
}

function opennessOf(turn: Turn, node: NodeState): Openness {
  if (!isConnected(node) || isShuttingDown(node) || drainFrom(turn.state, node.id) !== undefined) return 'closed';
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
