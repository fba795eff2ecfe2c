/**
 * How many nodes the fleet has in a moment: those that are open now, and those that may still come, be it that they are
 * being launched or that they were there before. While some may come, nobody takes more than the fair share.
 */
import { isServing } from '../state/hosts.js';
import { unsettledNodes } from '../state/node-survey.js';
import { drainedBy, isConnected, isLeaving } from '../state/nodes.js';
import type { NodeState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';
import { isHeldBack } from '../state/versions.js';
import { isBeingReplaced, loopOfNext } from './crash-loop.js';
import { fairShare } from './place.js';

/**
 * How long a shard that can be resumed is kept for a node that may still come, where the whole fleet is new: sessions
 * live for a minute or two.
 */
export const RESUME_PATIENCE_MS = 20_000;

export type Expected = {
  /** Nodes that take shards now. */
  open: readonly NodeState[];
  /** Launches under way, or held back for a moment; none while nobody knows whether what they launch will live. */
  launched: number;
  /** Nodes that are away, and may come back. */
  back: number;
};

export function expectedNodes(tx: Transaction): Expected {
  const open = [...tx.state.nodes.values()].filter(
    (node) =>
      isConnected(node) &&
      !isLeaving(node) &&
      isServing(tx.state, node) &&
      drainedBy(tx.state, node.id) === undefined &&
      !isHeldBack(tx.state, node),
  );
  const back = unsettledNodes(tx.state).filter((node) => mayComeBack(tx, node)).length;
  return { open, back, launched: launchedFor(tx, open.length + back) };
}

/** Silent, within its downtime; or it left by itself a moment ago, as a bot does that is restarted. */
function mayComeBack({ settings, now, state }: Transaction, node: NodeState): boolean {
  const { connection } = node;
  if (connection.kind !== 'disconnected' || !isServing(state, node)) return false;
  if (connection.gone) return (connection.endAt ?? 0) > now;
  return connection.since + settings.maxNodeDowntimeMs > now || state.graceUntil !== null;
}

function launchedFor({ state, settings, now }: Transaction, others: number): number {
  const loop = loopOfNext(state);
  const isHealthy = loop === undefined || loop.inARow === 0 || isBeingReplaced(loop);
  const isHeldBack = loop !== undefined && loop.inARow > 0 && loop.notBefore > now;
  if (!isHealthy || (state.launches.size === 0 && !isHeldBack)) return 0;
  const own = [...state.launches.values()].filter(({ operation, unwanted }) => operation === null && !unwanted).length;
  return Math.max(own, settings.nodes - others);
}

/** Launches are to bring the fleet to `settings.nodes`, where that is set. */
export function sizeOf({ settings }: Transaction, { open, launched, back }: Expected): number {
  const own = open.length + back;
  return settings.nodes > 0 ? Math.max(settings.nodes, own) : own + launched;
}

/** What each of all these is to take; null: nobody else may come, or nobody knows how many shards there are. */
export function shareOf(tx: Transaction, { open, launched, back }: Expected): number | null {
  const all = sizeOf(tx, { open, launched, back });
  return launched + back === 0 || all < 2 ? null : shareAmong(tx, all);
}

/** What each of so many nodes is to take. */
export function shareAmong(tx: Transaction, nodes: number): number {
  return fairShare(shardsOfOurs(tx), nodes, tx.settings);
}

/** The most shards that a node gets automatically; null: any number. */
export function limitOf(tx: Transaction): number | null {
  const { maxShardsPerNode } = tx.settings;
  return maxShardsPerNode === 'auto' ? autoLimit(tx, expectedNodes(tx)) : maxShardsPerNode;
}

/**
 * `maxShardsPerNode: auto`: half as much again as the fair share, and enough that the others can take over all of one
 * node. So nodes that die one after the other do not pull all shards onto the last one, and the last one down.
 */
function autoLimit(tx: Transaction, expected: Expected): number | null {
  const all = sizeOf(tx, expected);
  if (all < 2) return null;
  const shards = shardsOfOurs(tx);
  const { bucketSize } = tx.settings;
  const generous = Math.ceil((1.5 * fairShare(shards, all, tx.settings)) / bucketSize) * bucketSize;
  return Math.max(generous, fairShare(shards, all - 1, tx.settings));
}

function shardsOfOurs({ state: { settings, totalShards } }: Transaction): number {
  return settings.responsibleForShards?.length ?? totalShards ?? 0;
}

/**
 * While nodes of several versions serve, the newest one, whose nodes come first: who moves to another one moves again.
 * The newest is the version whose first process began last. A version that dies again and again is none. null: all are
 * of one version, or a rollout decides.
 */
export function newestVersion({ state }: Transaction, open: readonly NodeState[]): string | null {
  const versions = new Map<string, number>();
  for (const node of open) versions.set(node.version, Math.min(versions.get(node.version) ?? Infinity, bornAt(node)));
  if (versions.size < 2) return null;
  for (const { kind } of state.operations.values()) if (kind === 'rollout') return null;
  for (const { version, reported, inARow } of state.crashLoops.values()) {
    if (inARow > 0) versions.delete(reported ?? version);
  }
  const [newest, next] = [...versions].sort(([, one], [, other]) => other - one);
  return newest !== undefined && next !== undefined && newest[1] > next[1] ? newest[0] : null;
}

function bornAt({ connection, process, joinedAt }: NodeState): number {
  return connection.kind === 'connected' && process !== null ? connection.lastHeardAt - process.uptimeMs : joinedAt;
}
