/**
 * Which vacant shard goes to which node. Pure: the same input gives the same answer.
 *
 * 1. A bucket goes where its other shards sit, as long as that node may take shards at all; a cordoned node still gets
 *   the rest
 *    of the buckets it has. If that node takes nothing now (it is away, being drained or shut down), the bucket waits for it.
 * 2. A bucket that sits nowhere goes to an open node of its slot with room for the whole bucket: the one that holds the
 *   session of
 *    one of its shards, else the best one (`topology.ts`): one of the newest version while there are several, then the emptiest one, spread
 *    over zones and hosts. Room is counted in whole buckets, so rule 1 always finds some. One that takes no
 *    more shards now is passed over, unless all are: then the bucket waits.
 *
 * A shard costs O(log nodes), once the nodes are in order; with slots (bucketsPerNode) a bucket looks at each node.
 */
import type { Settings } from '../state/settings.js';
import { topologyOf } from './topology.js';

/**
 * - `open`: takes new buckets.
 * - `ownBuckets`: cordoned; takes the missing shards of buckets it has.
 * - `closed`: takes nothing.
 */
export type Openness = 'open' | 'ownBuckets' | 'closed';

/** `takes`: how many shards it may be given now; it has room for more later. */
export type PlaceNode = {
  id: string;
  openness: Openness;
  shards: readonly number[];
  takes: number;
  host?: string | null;
  zone?: string | null;
  /** Up to so many shards the node comes before all others. Default 0. */
  preferredUpTo?: number;
};

export type PlaceInput = {
  /** Every node that has shards or may get some. */
  nodes: readonly PlaceNode[];
  /** To be placed. */
  vacant: readonly number[];
  /** The node that holds a shard's session. */
  holders: ReadonlyMap<number, string>;
  /** The most shards a node may have; null: no limit. */
  limit: number | null;
  rules: Pick<Settings, 'bucketSize' | 'bucketsPerNode'>;
  /** What a shard weighs, where that is known. Default: all weigh 1. */
  weightOf?: (shard: number) => number;
};

export type Placement = {
  assignments: ReadonlyMap<string, readonly number[]>;
  /** No open node had room. */
  noRoom: readonly number[];
  /** The node for them takes nothing at the moment. */
  waiting: readonly number[];
  /** Of those that wait: for which node. */
  waitFor: ReadonlyMap<number, string>;
};

type Candidate = {
  id: string;
  openness: Openness;
  host: string | null;
  zone: string | null;
  shards: readonly number[];
  /** Shards, whole buckets counted: for the limit. */
  room: number;
  /** By weight: for the balance. */
  load: number;
  preferredUpTo: number;
  slots: Set<number>;
  takes: number;
};

export function place(input: PlaceInput): Placement {
  const { nodes, vacant, rules, weightOf = () => 1 } = input;
  const homes = new Map<number, Candidate>();
  const inOrder = nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const candidates = inOrder.map((node) => candidate(node, homes, rules));
  for (const each of candidates) {
    each.room = roomOf(each, homes, rules);
    each.load = each.room - each.shards.length + each.shards.reduce((sum, shard) => sum + weightOf(shard), 0);
  }
  const given = new Given();
  const homeless: [bucket: number, shards: readonly number[]][] = [];
  for (const [bucket, shards] of byBucket(vacant, rules)) {
    const home = homes.get(bucket);
    if (home === undefined) homeless.push([bucket, shards]);
    else given.give(home, shards);
  }
  const open = candidates.filter(({ openness }) => openness === 'open');
  // The holders of sessions first: whoever is the best after that is for the others to take.
  const findHome = [holderOf(open, input), rules.bucketsPerNode > 0 ? bestOfSlot(open, input) : bestOf(open, input)];
  let left: readonly (readonly [number, readonly number[]])[] = homeless;
  for (const find of findHome) {
    left = left.filter(([bucket, shards]) => {
      const home = find(
        bucket,
        shards,
        shards.reduce((sum, shard) => sum + weightOf(shard), rules.bucketSize - shards.length),
      );
      if (home !== undefined) given.give(home, shards);
      return home === undefined;
    });
  }
  const { assignments, waiting, waitFor } = given;
  return { assignments, waiting, waitFor, noRoom: left.flatMap(([, shards]) => shards) };
}

/** What is assigned so far, and what waits for whom. */
class Given implements Omit<Placement, 'noRoom'> {
  readonly assignments = new Map<string, number[]>();
  readonly waiting: number[] = [];
  readonly waitFor = new Map<number, string>();

  give(home: Candidate, shards: readonly number[]): void {
    const now = home.openness === 'closed' ? [] : shards.slice(0, Math.max(0, home.takes));
    for (const shard of shards.slice(now.length)) {
      this.waiting.push(shard);
      this.waitFor.set(shard, home.id);
    }
    if (now.length === 0) return;
    home.takes -= now.length;
    const assigned = this.assignments.get(home.id);
    if (assigned === undefined) this.assignments.set(home.id, now);
    else assigned.push(...now);
  }
}

/** Finds the home of a bucket that has none, and takes the room there. */
type FindHome = (bucket: number, shards: readonly number[], weight: number) => Candidate | undefined;

function holderOf(open: readonly Candidate[], input: PlaceInput): FindHome {
  const byId = new Map(open.map((node) => [node.id, node]));
  return (bucket, shards, weight) => {
    const holder = byId.get(shards.map((shard) => input.holders.get(shard)).find((id) => id !== undefined) ?? '');
    if (holder === undefined || !hasRoom(holder, input) || !isOfSlot(holder, slotOf(bucket, input.rules), input))
      return undefined;
    holder.load += weight;
    return settle(holder, bucket, input);
  };
}

function bestOf(open: readonly Candidate[], input: PlaceInput): FindHome {
  const topology = topologyOf(open, compare);
  // Of the bucket that was placed last: what its home still takes is known by now.
  let grown = 0;
  return (bucket, _, weight) => {
    if (grown > 0) topology.grow(grown);
    grown = 0;
    let best = topology.first;
    while (best !== undefined && !hasRoom(best, input)) {
      topology.dropFirst();
      best = topology.first;
    }
    if (best === undefined || best.takes <= 0) return best;
    grown = weight;
    return settle(best, bucket, input);
  };
}

function bestOfSlot(open: readonly Candidate[], input: PlaceInput): FindHome {
  return (bucket, _, weight) => {
    const slot = slotOf(bucket, input.rules);
    const fitting = open.filter((node) => hasRoom(node, input) && isOfSlot(node, slot, input));
    const best = fitting.reduce<Candidate | undefined>(
      (found, node) => (found && compare(found, node) <= 0 ? found : node),
      undefined,
    );
    if (best === undefined || best.takes <= 0) return best;
    best.load += weight;
    return settle(best, bucket, input);
  };
}

/** A limit below the size of a bucket would leave it down for ever: an empty node takes one. */
function hasRoom({ room }: Candidate, { limit, rules }: PlaceInput): boolean {
  return limit === null || room === 0 || room + rules.bucketSize <= limit;
}

function isOfSlot({ slots }: Candidate, slot: number, { rules }: PlaceInput): boolean {
  return rules.bucketsPerNode === 0 || slots.size === 0 || (slots.size === 1 && slots.has(slot));
}

function settle(home: Candidate, bucket: number, { rules }: PlaceInput): Candidate {
  home.room += rules.bucketSize;
  home.slots.add(slotOf(bucket, rules));
  return home;
}

/** One that takes shards now is better than one that takes them later. */
function compare(one: Candidate, other: Candidate): number {
  const isBusy = (node: Candidate): number => (node.takes <= 0 ? 1 : 0);
  const isLater = (node: Candidate): number => (node.room < node.preferredUpTo ? 0 : 1);
  return isBusy(one) - isBusy(other) || isLater(one) - isLater(other) || one.load - other.load;
}

/** What a node has already. A bucket that sits on several nodes (moved by hand) is at home on the most open one. */
function candidate(node: PlaceNode, homes: Map<number, Candidate>, rules: PlaceInput['rules']): Candidate {
  const { id, openness, shards, takes, host = null, zone = null, preferredUpTo = 0 } = node;
  const buckets = new Set(shards.map((shard) => bucketOf(shard, rules)));
  const slots = new Set([...buckets].map((bucket) => slotOf(bucket, rules)));
  const made: Candidate = { id, openness, shards, takes, host, zone, preferredUpTo, room: 0, load: 0, slots };
  for (const bucket of buckets) {
    const other = homes.get(bucket);
    if (other === undefined || rank(made.openness) > rank(other.openness)) homes.set(bucket, made);
  }
  return made;
}

/** A bucket takes its whole room where it is at home; elsewhere only what sits there: nothing is added. */
function roomOf(node: Candidate, homes: ReadonlyMap<number, Candidate>, rules: PlaceInput['rules']): number {
  const own = new Set<number>();
  let strays = 0;
  for (const shard of node.shards) {
    const bucket = bucketOf(shard, rules);
    if (homes.get(bucket) === node) own.add(bucket);
    else strays += 1;
  }
  return own.size * rules.bucketSize + strays;
}

function rank(openness: Openness): number {
  return openness === 'open' ? 2 : openness === 'ownBuckets' ? 1 : 0;
}

function byBucket(vacant: readonly number[], rules: PlaceInput['rules']): Map<number, number[]> {
  const buckets = new Map<number, number[]>();
  for (const shard of vacant) {
    const bucket = bucketOf(shard, rules);
    const shards = buckets.get(bucket);
    if (shards === undefined) buckets.set(bucket, [shard]);
    else shards.push(shard);
  }
  return buckets;
}

/** Shards of one bucket only ever sit on one node (the ancestor's ShardBucketSize). */
function bucketOf(shard: number, { bucketSize }: Pick<Settings, 'bucketSize'>): number {
  return Math.floor(shard / bucketSize);
}

/** With bucketsPerNode > 0 a node takes buckets of one slot (the ancestor's BucketsPerNode); else all are of one. */
function slotOf(bucket: number, { bucketsPerNode }: Pick<Settings, 'bucketsPerNode'>): number {
  return bucketsPerNode > 0 ? Math.floor(bucket / bucketsPerNode) : 0;
}

/** What one node of n is to take at most while the others are still on their way: whole buckets, evenly. */
export function fairShare(total: number, nodes: number, { bucketSize }: Pick<Settings, 'bucketSize'>): number {
  return Math.ceil(Math.ceil(total / nodes) / bucketSize) * bucketSize;
}
