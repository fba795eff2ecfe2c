/**
 * What is to be known of all shards together: who has which, which ones nobody has, and what is due when.
 *
 * A pass over 10,000 shards costs some hundred microseconds, so it is not made for every event: the result is
 * remembered for as long as the array of shards stays the same one, and when a few shards changed it is revised rather
 * than made anew.
 */
import { hasReadyLink } from './shard-link.js';
import type { ShardState } from './state.js';

export type Survey = {
  /** The shards that sit on a node: starting, running, stopping and unreachable ones, none that migrate. */
  byNode: ReadonlyMap<string, readonly number[]>;
  vacant: readonly number[];
  parked: readonly number[];
  starting: readonly number[];
  stopping: readonly number[];
  unreachable: readonly number[];
  /** Running, and not known to be up by a heartbeat; those of nodes that send none are among them. */
  unready: readonly number[];
  /** The first deadline of those that start or stop; Infinity: none. */
  earliestDeadline: number;
  /** Since when the longest unreachable one is; Infinity: none. */
  awaySince: number;
};

type Listed = 'vacant' | 'parked' | 'starting' | 'stopping' | 'unreachable' | 'unready';
const LISTED: readonly Listed[] = ['vacant', 'parked', 'starting', 'stopping', 'unreachable', 'unready'];

function listOf(state: ShardState | undefined): Listed | null {
  if (state === undefined || state.kind === 'migrating') return null;
  if (state.kind !== 'running') return state.kind;
  return hasReadyLink(state) ? null : 'unready';
}

/** From this many changed shards on, a new pass is cheaper than a revision. */
const REVISE_AT_MOST = 200;

const remembered = new WeakMap<readonly ShardState[], Survey>();

export function survey(shards: readonly ShardState[]): Survey {
  const known = remembered.get(shards);
  if (known !== undefined) return known;
  const made = pass(shards);
  remembered.set(shards, made);
  return made;
}

/** For the transaction, which writes to its own copy of the shards: what was remembered is true no more. */
export function forgetSurvey(shards: readonly ShardState[]): void {
  remembered.delete(shards);
}

/** @param before what the changed shards were when `previous` was made. */
export function revisedSurvey(
  previous: Survey,
  shards: readonly ShardState[],
  before: ReadonlyMap<number, ShardState>,
): Survey {
  if (before.size > REVISE_AT_MOST) return survey(shards);
  const byNode = new Map(previous.byNode);
  const lists = { ...previous };
  for (const kind of LISTED) {
    const entered = [...before.keys()].filter((shard) => listOf(shards[shard]) === kind);
    const isTouched = entered.length > 0 || [...before.values()].some((state) => listOf(state) === kind);
    if (isTouched) lists[kind] = merge(previous[kind], before, entered);
  }
  for (const [node, entered] of touchedNodes(shards, before)) {
    byNode.set(node, merge(previous.byNode.get(node) ?? [], before, entered));
  }
  const made = withDue(shards, { ...lists, byNode });
  remembered.set(shards, made);
  return made;
}

function merge(list: readonly number[], without: ReadonlyMap<number, unknown>, plus: readonly number[]): number[] {
  const merged = list.filter((shard) => !without.has(shard));
  if (plus.length > 0) merged.push(...plus);
  return plus.length > 0 ? merged.sort((a, b) => a - b) : merged;
}

/** Nodes that gained or lost a shard, and those of the changed shards that sit there now. */
function touchedNodes(shards: readonly ShardState[], before: ReadonlyMap<number, ShardState>): Map<string, number[]> {
  const touched = new Set<string>();
  const entered = new Map<string, number[]>();
  for (const [shard, state] of before) {
    const [from, to] = [nodeOf(state), nodeOf(shards[shard])];
    if (from !== to && from !== null) touched.add(from);
    if (to === null) continue;
    if (from !== to) touched.add(to);
    entered.set(to, [...(entered.get(to) ?? []), shard]);
  }
  return new Map([...touched].map((node) => [node, entered.get(node) ?? []]));
}

function nodeOf(state: ShardState | undefined): string | null {
  return state !== undefined && 'node' in state ? state.node : null;
}

function pass(shards: readonly ShardState[]): Survey {
  const byNode = new Map<string, number[]>();
  const lists: Record<Listed, number[]> = {
    vacant: [],
    parked: [],
    starting: [],
    stopping: [],
    unreachable: [],
    unready: [],
  };
  for (let shard = 0; shard < shards.length; shard += 1) {
    const state = shards[shard];
    if (state === undefined || state.kind === 'migrating') continue;
    const list = listOf(state);
    if (list !== null) lists[list].push(shard);
    if (state.kind === 'vacant' || state.kind === 'parked') continue;
    const own = byNode.get(state.node);
    if (own === undefined) byNode.set(state.node, [shard]);
    else own.push(shard);
  }
  return withDue(shards, { byNode, ...lists });
}

function withDue(shards: readonly ShardState[], lists: Omit<Survey, 'earliestDeadline' | 'awaySince'>): Survey {
  let earliestDeadline = Number.POSITIVE_INFINITY;
  let awaySince = Number.POSITIVE_INFINITY;
  for (const shard of lists.starting) {
    const state = shards[shard];
    if (state?.kind !== 'starting') continue;
    earliestDeadline = Math.min(earliestDeadline, state.deadline);
  }
  for (const shard of lists.stopping) {
    const state = shards[shard];
    if (state?.kind === 'stopping') earliestDeadline = Math.min(earliestDeadline, state.deadline);
  }
  for (const shard of lists.unreachable) {
    const state = shards[shard];
    if (state?.kind === 'unreachable') awaySince = Math.min(awaySince, state.since);
  }
  return { ...lists, earliestDeadline, awaySince };
}
