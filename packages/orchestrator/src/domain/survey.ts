/**
 * What one pass over all shards tells: who has which shards, which ones nobody has, and which ones wait for something.
 *
 * The pass costs some tens of microseconds for 10,000 shards, so its result is remembered for as long as the array of
 * shards stays the same one: an event that changes no shard (a heartbeat, as a rule) costs no pass at all.
 */
import type { OrchestratorState, ShardState } from './state.js';

export type Survey = {
  /** The shards that sit on a node: starting, running, stopping and unreachable ones. Those that migrate are not in it. */
  byNode: ReadonlyMap<string, readonly number[]>;
  vacant: readonly number[];
  starting: readonly number[];
  stopping: readonly number[];
  unreachable: readonly number[];
};

const remembered = new WeakMap<readonly ShardState[], Survey>();

export function survey(shards: readonly ShardState[]): Survey {
  const known = remembered.get(shards);
  if (known !== undefined) return known;
  const made = pass(shards);
  remembered.set(shards, made);
  return made;
}

/** The array is being written to (only a turn does that, to its own copy). */
export function forgetSurvey(shards: readonly ShardState[]): void {
  remembered.delete(shards);
}

function pass(shards: readonly ShardState[]): Survey {
  const byNode = new Map<string, number[]>();
  const vacant: number[] = [];
  const starting: number[] = [];
  const stopping: number[] = [];
  const unreachable: number[] = [];
  for (let shard = 0; shard < shards.length; shard += 1) {
    const state = shards[shard];
    if (state === undefined || state.kind === 'migrating') continue;
    if (state.kind === 'vacant') {
      vacant.push(shard);
      continue;
    }
    const list = byNode.get(state.node);
    if (list === undefined) byNode.set(state.node, [shard]);
    else list.push(shard);
    if (state.kind === 'starting') starting.push(shard);
    else if (state.kind === 'stopping') stopping.push(shard);
    else if (state.kind === 'unreachable') unreachable.push(shard);
  }
  return { byNode, vacant, starting, stopping, unreachable };
}

const none: readonly number[] = [];

/** The shards that sit on a node, without those it hands over or takes over. */
export function shardsOf(state: OrchestratorState, node: string): readonly number[] {
  return survey(state.shards).byNode.get(node) ?? none;
}

/** How many shards a node has to answer for: its own, those it hands over and those it is about to take over. */
export function loadOf(state: OrchestratorState, node: string): number {
  let load = shardsOf(state, node).length;
  for (const migration of state.migrations.values()) {
    if (migration.origin === node || migration.destination === node) load += 1;
  }
  return load;
}
