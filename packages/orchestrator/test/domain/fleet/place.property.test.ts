import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { place, type PlaceNode } from '../../../src/domain/fleet/place.js';

const rules = { bucketSize: 1, bucketsPerNode: 0 };

const fleets = array(record({ zone: constantFrom('x', 'y', 'z', null), host: integer({ min: 0, max: 9 }) }), {
  minLength: 1,
  maxLength: 40,
});

test('shards on empty nodes are even over nodes, and no zone gets more than its share', () => {
  assert(
    property(fleets, integer({ min: 0, max: 200 }), (places, shards) => {
      const nodes = places.map(({ zone, host }, index): PlaceNode => {
        return { id: `n${index}`, openness: 'open', shards: [], takes: Infinity, zone, host: `${zone}-${host}` };
      });
      const vacant = Array.from({ length: shards }, (_, shard) => shard);
      const { assignments, noRoom } = place({ nodes, vacant, holders: new Map(), limit: null, rules });
      const load = (id: string): number => assignments.get(id)?.length ?? 0;
      const each = nodes.map(({ id }) => load(id));
      expect(noRoom).toEqual([]);
      expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
      for (const zone of new Set(places.map((one) => one.zone))) {
        const inZone = nodes.filter((node) => node.zone === zone);
        const got = inZone.reduce((sum, { id }) => sum + load(id), 0);
        expect(got).toBeLessThanOrEqual(Math.ceil((shards * inZone.length) / nodes.length));
      }
    }),
  );
});

test('by weight, no node has more than the emptiest and one shard', () => {
  assert(
    property(integer({ min: 1, max: 20 }), array(integer({ min: 1, max: 9 }), { maxLength: 100 }), (n, weights) => {
      const nodes = Array.from({ length: n }, (_, index): PlaceNode => {
        return { id: `n${index}`, openness: 'open', shards: [], takes: Infinity };
      });
      const weightOf = (shard: number): number => weights[shard] ?? 1;
      const vacant = weights.map((_, shard) => shard);
      const { assignments } = place({ nodes, vacant, holders: new Map(), limit: null, rules, weightOf });
      const each = nodes.map(({ id }) => (assignments.get(id) ?? []).reduce((sum, shard) => sum + weightOf(shard), 0));
      expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(Math.max(0, ...weights));
    }),
  );
});
