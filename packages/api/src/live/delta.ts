/**
 * What has changed between two snapshots, and how the next one is made of it. What is not named is as it was, and the
 * very same object: whoever shows a snapshot may compare references.
 */
import type { HistoryEntry } from '../answers/answer.js';
import { byKey, LIVE_KEYS, LIVE_LISTS, type LiveListName, type LiveLists } from './keys.js';
import { LIVE_HISTORY, type LiveShards, type LiveSnapshot } from './snapshot.js';

export type LiveDelta = {
  now: number;
  fleet?: LiveSnapshot['fleet'];
  rollout?: LiveSnapshot['rollout'];
  /** By number; how many numbers there are, where that changed. */
  nodes?: Slots<LiveSnapshot['nodes'][number]>;
  figures?: Slots<LiveSnapshot['figures'][number]>;
  shards?: LiveShardChanges;
  /** What is new. */
  history?: readonly HistoryEntry[];
} & { [Name in LiveListName]?: ListChanges<LiveLists[Name][number]> };

export type Slots<T> = { length: number; changed: readonly (readonly [number, T])[] };

/** `removed`: by their keys. */
export type ListChanges<T> = { changed: readonly T[]; removed: readonly string[] };

/** Columns again: `id` says which shards they are about. `length`: how many shards there are now. */
export type LiveShardChanges = LiveShards & { length: number; id: readonly number[] };

/** Throws nothing: a delta of another snapshot gives nonsense, so whoever misses one asks for a new snapshot. */
export function applyDelta(snapshot: LiveSnapshot, delta: LiveDelta): LiveSnapshot {
  const next: LiveSnapshot = {
    ...snapshot,
    now: delta.now,
    ...(delta.fleet !== undefined && { fleet: delta.fleet }),
    ...(delta.rollout !== undefined && { rollout: delta.rollout }),
    ...(delta.nodes !== undefined && { nodes: withSlots(snapshot.nodes, delta.nodes) }),
    ...(delta.figures !== undefined && { figures: withSlots(snapshot.figures, delta.figures) }),
    ...(delta.shards !== undefined && { shards: withShards(snapshot.shards, delta.shards) }),
    ...(delta.history !== undefined && { history: [...snapshot.history, ...delta.history].slice(-LIVE_HISTORY) }),
  };
  return Object.assign(next, ...LIVE_LISTS.map((name) => changedList(name, snapshot, delta))) as LiveSnapshot;
}

function changedList(name: LiveListName, snapshot: LiveSnapshot, delta: LiveDelta): object {
  const changes: ListChanges<unknown> | undefined = delta[name];
  if (changes === undefined) return {};
  const keyOf = LIVE_KEYS[name] as (thing: unknown) => string;
  const replaced = new Set([...changes.removed, ...changes.changed.map((thing) => keyOf(thing))]);
  const kept = (snapshot[name] as readonly unknown[]).filter((thing) => !replaced.has(keyOf(thing)));
  return { [name]: [...kept, ...changes.changed].sort((a, b) => byKey(keyOf(a), keyOf(b))) };
}

function withSlots<T>(before: readonly (T | null)[], { length, changed }: Slots<T | null>): readonly (T | null)[] {
  const next = before.slice(0, length);
  while (next.length < length) next.push(null);
  for (const [index, value] of changed) next[index] = value;
  return next;
}

function withShards(before: LiveShards, changes: LiveShardChanges): LiveShards {
  const column = (name: keyof LiveShards): readonly number[] => {
    const next = before[name].slice(0, changes.length);
    changes.id.forEach((id, at) => {
      next[id] = changes[name][at] ?? 0;
    });
    return next;
  };
  return { node: column('node'), condition: column('condition'), since: column('since'), rate: column('rate') };
}
