/** What has changed between two snapshots: pure, and by reference, so that what is the same object costs nothing. */
import {
  LIVE_KEYS,
  LIVE_LISTS,
  type ListChanges,
  type LiveDelta,
  type LiveListName,
  type LiveShardChanges,
  type LiveShards,
  type LiveSnapshot,
  type Slots,
} from '@dshard/api/live';

/** null: nothing that is worth telling. `applyDelta(before, delta)` is `after`. */
export function deltaBetween(before: LiveSnapshot, after: LiveSnapshot): LiveDelta | null {
  const nodes = slotChanges(before.nodes, after.nodes);
  const figures = slotChanges(before.figures, after.figures);
  const shards = shardChanges(before.shards, after.shards);
  const history = newEntries(before, after);
  const changed = {
    ...(before.fleet !== after.fleet && { fleet: after.fleet }),
    ...(before.rollout !== after.rollout && { rollout: after.rollout }),
    ...(nodes !== null && { nodes }),
    ...(figures !== null && { figures }),
    ...(shards !== null && { shards }),
    ...(history.length > 0 && { history }),
  };
  const lists = LIVE_LISTS.map((name) => listChanges(name, before, after));
  const delta = Object.assign(changed, ...lists) as Omit<LiveDelta, 'now'>;
  return Object.keys(delta).length === 0 ? null : { now: after.now, ...delta };
}

function listChanges(name: LiveListName, before: LiveSnapshot, after: LiveSnapshot): object {
  if (before[name] === after[name]) return {};
  const keyOf = LIVE_KEYS[name] as (thing: unknown) => string;
  const known = new Map((before[name] as readonly unknown[]).map((thing) => [keyOf(thing), thing]));
  const changed: unknown[] = [];
  for (const thing of after[name]) {
    const key = keyOf(thing);
    if (known.get(key) !== thing) changed.push(thing);
    known.delete(key);
  }
  const changes: ListChanges<unknown> = { changed, removed: [...known.keys()] };
  return changed.length === 0 && known.size === 0 ? {} : { [name]: changes };
}

function slotChanges<T>(before: readonly T[], after: readonly T[]): Slots<T> | null {
  if (before === after) return null;
  const changed = after.flatMap((value, index) => (before[index] === value ? [] : [[index, value] as const]));
  return changed.length === 0 && before.length === after.length ? null : { length: after.length, changed };
}

function shardChanges(before: LiveShards, after: LiveShards): LiveShardChanges | null {
  if (before === after) return null;
  const { length } = after.node;
  const id: number[] = [];
  for (let shard = 0; shard < length; shard += 1) {
    const isSame =
      before.node[shard] === after.node[shard] &&
      before.condition[shard] === after.condition[shard] &&
      before.since[shard] === after.since[shard] &&
      before.rate[shard] === after.rate[shard];
    if (!isSame) id.push(shard);
  }
  if (id.length === 0 && before.node.length === length) return null;
  const column = (name: keyof LiveShards): number[] => id.map((shard) => after[name][shard] ?? 0);
  return {
    length,
    id,
    node: column('node'),
    condition: column('condition'),
    since: column('since'),
    rate: column('rate'),
  };
}

/** Entries are told when they are durable, so not always in the order of their ids. */
function newEntries(before: LiveSnapshot, after: LiveSnapshot): LiveSnapshot['history'] {
  if (before.history === after.history) return [];
  const known = new Set(before.history.map(({ id }) => id));
  return after.history.filter(({ id }) => !known.has(id));
}
