import { describe, expect, test } from 'vitest';
import { fairShare, place } from '../../../src/domain/fleet/place.js';
import type { Openness, PlaceNode } from '../../../src/domain/fleet/place.js';

type Case = {
  name: string;
  /** `['open', 0, 1]`: how open the node is, and what it has. */
  nodes: Record<string, [Openness, ...number[]]>;
  vacant: number[];
  holders?: Record<number, string>;
  limit?: number;
  bucketSize?: number;
  bucketsPerNode?: number;
  gives: Record<string, number[]>;
  noRoom?: number[];
  waiting?: number[];
};

const cases: Case[] = [
  {
    name: 'spreads evenly',
    nodes: { a: ['open'], b: ['open'] },
    vacant: [0, 1, 2, 3, 4],
    gives: { a: [0, 2, 4], b: [1, 3] },
  },
  {
    name: 'fills up the emptier node first',
    nodes: { a: ['open', 0, 1, 2], b: ['open'] },
    vacant: [3, 4, 5, 6],
    gives: { b: [3, 4, 5], a: [6] },
  },
  { name: 'has nowhere to go without open nodes', nodes: { a: ['ownBuckets'] }, vacant: [0], gives: {}, noRoom: [0] },
  {
    name: 'leaves cordoned and closed nodes alone',
    nodes: { a: ['ownBuckets'], b: ['closed'], c: ['open', 5, 6, 7] },
    vacant: [0],
    gives: { c: [0] },
  },
  {
    name: 'keeps to the limit, and says what found no room',
    nodes: { a: ['open', 7], b: ['open'] },
    vacant: [0, 1, 2, 3],
    limit: 2,
    gives: { b: [0, 2], a: [1] },
    noRoom: [3],
  },
  {
    name: 'prefers the node that holds the session',
    nodes: { a: ['open'], b: ['open', 5, 6] },
    vacant: [0, 1],
    holders: { 0: 'b' },
    gives: { b: [0], a: [1] },
  },
  {
    name: 'does not prefer a holder without room',
    nodes: { a: ['open'], b: ['open', 5, 6] },
    vacant: [0],
    holders: { 0: 'b' },
    limit: 2,
    gives: { a: [0] },
  },
  {
    name: 'puts a bucket on one node',
    nodes: { a: ['open'], b: ['open'] },
    vacant: [0, 1, 2, 3, 4, 5, 6, 7],
    bucketSize: 4,
    gives: { a: [0, 1, 2, 3], b: [4, 5, 6, 7] },
  },
  {
    name: 'puts the rest of a bucket where its other shards are, though that node is fuller',
    nodes: { a: ['open', 0, 1, 2, 8, 9], b: ['open'] },
    vacant: [3],
    bucketSize: 4,
    gives: { a: [3] },
  },
  {
    name: 'gives a cordoned node the rest of its own bucket, but no new one',
    nodes: { a: ['ownBuckets', 0, 1], b: ['open', 8] },
    vacant: [2, 4],
    bucketSize: 4,
    gives: { a: [2], b: [4] },
  },
  {
    name: 'waits when the node of a bucket takes nothing now',
    nodes: { a: ['closed', 0, 1], b: ['open'] },
    vacant: [2, 3, 4],
    bucketSize: 4,
    gives: { b: [4] },
    waiting: [2, 3],
  },
  {
    name: 'counts room in whole buckets',
    nodes: { a: ['open', 0], b: ['open'] },
    vacant: [4, 8],
    bucketSize: 4,
    limit: 7,
    gives: { b: [4] },
    noRoom: [8],
  },
  {
    name: 'does not leave a bucket down because it is larger than the limit',
    nodes: { a: ['open'], b: ['open'] },
    vacant: [0, 1, 2, 3],
    bucketSize: 4,
    limit: 2,
    gives: { a: [0, 1, 2, 3] },
  },
  {
    // Found by the simulator: with room for whole buckets wherever a piece of one sat, shard 2 stayed down.
    name: 'has room beside a shard that was taken from its bucket by hand',
    nodes: { a: ['open', 0], b: ['open', 1] },
    vacant: [2],
    limit: 3,
    bucketSize: 2,
    gives: { b: [2] },
  },
  {
    name: 'goes where most is open when a bucket was taken apart by hand',
    nodes: { a: ['closed', 0], b: ['open', 1] },
    vacant: [2],
    bucketSize: 4,
    gives: { b: [2] },
  },
  {
    name: 'keeps to slots: floor(floor(shard / bucketSize) / bucketsPerNode)',
    nodes: { a: ['open', 0], b: ['open', 4] },
    vacant: [2, 6],
    bucketSize: 2,
    bucketsPerNode: 2,
    gives: { a: [2], b: [6] },
  },
  {
    name: 'has no room for a slot without a node',
    nodes: { a: ['open', 0], b: ['open', 1] },
    vacant: [6],
    bucketSize: 1,
    bucketsPerNode: 2,
    gives: {},
    noRoom: [6],
  },
];

describe('placement', () => {
  test.each(cases)('place() $name', ({ nodes, vacant, holders, limit, bucketSize, bucketsPerNode, ...expected }) => {
    const list: PlaceNode[] = Object.entries(nodes).map(([id, [openness, ...shards]]) => ({
      id,
      openness,
      shards,
      takes: Infinity,
    }));
    const input = {
      vacant,
      holders: new Map(Object.entries(holders ?? {}).map(([shard, node]) => [Number(shard), node])),
      limit: limit ?? null,
      rules: { bucketSize: bucketSize ?? 1, bucketsPerNode: bucketsPerNode ?? 0 },
    };
    const placement = place({ nodes: list, ...input });
    expect(Object.fromEntries(placement.assignments)).toEqual(expected.gives);
    expect(placement.noRoom).toEqual(expected.noRoom ?? []);
    expect(placement.waiting).toEqual(expected.waiting ?? []);
    // The order in which the nodes became known does not matter.
    expect(place({ nodes: list.toReversed(), ...input })).toEqual(placement);
  });

  test.each<[name: string, takes: [a: number, b: number], gives: Record<string, number[]>, waiting: number[]]>([
    ['the one that takes some now is chosen', [0, 9], { b: [5, 6] }, []],
    ['what is too much for both waits, and is not said to have no room', [1, 0], { a: [5] }, [6]],
    ['nobody takes any now', [0, 0], {}, [5, 6]],
  ])('keeps to the pace of the nodes: %s', (_, [a, b], gives, waiting) => {
    const nodes: PlaceNode[] = [
      { id: 'a', openness: 'open', shards: [], takes: a },
      { id: 'b', openness: 'open', shards: [1, 2], takes: b },
    ];
    const rules = { bucketSize: 1, bucketsPerNode: 0 };
    const placement = place({ nodes, vacant: [5, 6], holders: new Map(), limit: null, rules });
    expect(Object.fromEntries(placement.assignments)).toEqual(gives);
    expect(placement).toMatchObject({ waiting, noRoom: [] });
  });

  test.each([
    [8, 2, 1, 4],
    [9, 2, 1, 5],
    [32, 3, 16, 16],
    [40, 2, 16, 32],
  ])('the fair share of %i shards on %i nodes in buckets of %i is %i', (total, nodes, bucketSize, share) => {
    expect(fairShare(total, nodes, { bucketSize })).toBe(share);
  });
});
