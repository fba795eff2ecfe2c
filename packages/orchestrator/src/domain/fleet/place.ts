/**
 * Which vacant shard goes to which node. Pure: the same input gives the same answer.
 *
 * 1. A bucket goes where its other shards sit, as long as that node may take shards at all; a cordoned node still gets
 *   the rest
 *    of the buckets it has. If that node takes nothing now (it is away, being drained or shut down), the bucket waits for it.
 * 2. A bucket that sits nowhere goes to an open node of its slot with room for the whole bucket: the one that holds the
 *   session of
 *    one of its shards, else the one with the fewest shards. Room is counted in whole buckets, so rule 1 always finds some. One that takes
 *    no more shards now is passed over, unless all are: then the bucket waits.
 */
import type { Settings } from '../state/settings.js';

/**
 * - `open`: takes new buckets.
 * - `ownBuckets`: cordoned; takes the missing shards of buckets it has.
 * - `closed`: takes nothing.
 */
export type Openness = 'open' | 'ownBuckets' | 'closed';

/** `takes`: how many shards it may be given now; it has room for more later. */
export type PlaceNode = { id: string; openness: Openness; shards: readonly number[]; takes: number };

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
};

export type Placement = {
  assignments: ReadonlyMap<string, readonly number[]>;
  /** No open node had room. */
  noRoom: readonly number[];
  /** The node for them takes nothing at the moment. */
  waiting: readonly number[];
};

type Candidate = {
  id: string;
  openness: Openness;
  shards: readonly number[];
  load: number;
  slots: Set<number>;
  takes: number;
};

export function place({ nodes, vacant, holders, limit, rules }: PlaceInput): Placement {
  const homes = new Map<number, Candidate>();
  const inOrder = nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const candidates = inOrder.map((node) => candidate(node, homes, rules));
  for (const each of candidates) each.load = loadOf(each, homes, rules);
  const open = candidates.filter(({ openness }) => openness === 'open');
  const assignments = new Map<string, number[]>();
  const noRoom: number[] = [];
  const waiting: number[] = [];
  for (const [bucket, shards] of byBucket(vacant, rules)) {
    let home = homes.get(bucket);
    if (home?.openness === 'closed') {
      waiting.push(...shards);
      continue;
    }
    home ??= newHome(open, bucket, shards, holders, limit, rules);
    if (home === undefined) {
      noRoom.push(...shards);
      continue;
    }
    const given = shards.slice(0, Math.max(0, home.takes));
    waiting.push(...shards.slice(given.length));
    if (given.length === 0) continue;
    home.takes -= given.length;
    if (!homes.has(bucket)) {
      homes.set(bucket, home);
      home.load += rules.bucketSize;
      home.slots.add(slotOf(bucket, rules));
    }
    const assigned = assignments.get(home.id);
    if (assigned === undefined) assignments.set(home.id, given);
    else assigned.push(...given);
  }
  return { assignments, noRoom, waiting };
}

/** What a node has already. A bucket that sits on several nodes (moved by hand) is at home on the most open one. */
function candidate(node: PlaceNode, homes: Map<number, Candidate>, rules: PlaceInput['rules']): Candidate {
  const buckets = new Set(node.shards.map((shard) => bucketOf(shard, rules)));
  const made: Candidate = {
    id: node.id,
    openness: node.openness,
    shards: node.shards,
    load: 0,
    takes: node.takes,
    slots: new Set([...buckets].map((bucket) => slotOf(bucket, rules))),
  };
  for (const bucket of buckets) {
    const other = homes.get(bucket);
    if (other === undefined || rank(made.openness) > rank(other.openness)) homes.set(bucket, made);
  }
  return made;
}

/** A bucket takes its whole room where it is at home; elsewhere only what sits there: nothing is added. */
function loadOf(node: Candidate, homes: ReadonlyMap<number, Candidate>, rules: PlaceInput['rules']): number {
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

function newHome(
  open: readonly Candidate[],
  bucket: number,
  shards: readonly number[],
  holders: ReadonlyMap<number, string>,
  limit: number | null,
  rules: PlaceInput['rules'],
): Candidate | undefined {
  const slot = slotOf(bucket, rules);
  const holder = shards.map((shard) => holders.get(shard)).find((id) => id !== undefined);
  let best: Candidate | undefined;
  for (const node of open) {
    // A limit below the size of a bucket would leave it down for ever: an empty node takes one.
    const hasRoom = limit === null || node.load === 0 || node.load + rules.bucketSize <= limit;
    const isOfSlot = node.slots.size === 0 || (node.slots.size === 1 && node.slots.has(slot));
    if (!hasRoom || (rules.bucketsPerNode > 0 && !isOfSlot)) continue;
    if (node.id === holder) return node;
    if (best === undefined || isBetter(node, best)) best = node;
  }
  return best;
}

/** One that takes shards now is better than one that takes them later. */
function isBetter(node: Candidate, best: Candidate): boolean {
  const isBusy = node.takes <= 0;
  return isBusy === best.takes <= 0 ? node.load < best.load : !isBusy;
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
