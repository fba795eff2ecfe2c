import { describe, expect, test } from 'vitest';
import { groupsByNode } from '../../src/model/groups.js';
import { layoutMap, neighbour, shardAt } from '../../src/model/map-layout.js';
import { snapshotOf } from './snapshots.js';

function fleet(shards: number, nodes: number) {
  const ids = Array.from({ length: nodes }, (_, at) => ({ id: `web-${at}`, host: at % 2 === 0 ? 'a' : 'b' }));
  const all = Array.from({ length: shards }, (_, shard) => ({ node: ids[shard % nodes]!.id }));
  return groupsByNode(snapshotOf(ids, all), new Map());
}

describe('the layout of the map', () => {
  test.each([
    [5_000, 40, 900],
    [64, 4, 900],
    [64, 4, 330],
    [10_000, 1_000, 900],
    [1, 1, 300],
  ])(
    'has a cell for each of %i shards on %i nodes, within %i pixels and apart from each other',
    (shards, nodes, width) => {
      const layout = layoutMap(fleet(shards, nodes), width);
      expect(new Set(layout.cells.map(({ shard }) => shard)).size).toBe(shards);
      expect(new Set(layout.cells.map(({ x, y }) => `${x} ${y}`)).size).toBe(shards);
      for (const { x, y } of layout.cells) {
        expect(x + layout.size).toBeLessThanOrEqual(width);
        expect(y + layout.size).toBeLessThanOrEqual(layout.height);
      }
    },
  );

  test('draws smaller cells for more shards', () => {
    expect(layoutMap(fleet(5_000, 40), 900).size).toBeLessThan(layoutMap(fleet(64, 4), 900).size);
  });

  test('finds the shard at a point, and none between cells', () => {
    const layout = layoutMap(fleet(64, 4), 900);
    const cell = layout.cellOf.get(9)!;
    expect(shardAt(layout, cell.x + 1, cell.y + 1)).toBe(9);
    expect(shardAt(layout, cell.x - 1, cell.y - 1)).toBeNull();
  });

  test('leads from shard to shard by arrow keys, and stays at the edges', () => {
    const layout = layoutMap(fleet(64, 4), 900);
    const [first, second] = layout.cells;
    expect(neighbour(layout, first!.shard, 'right')).toBe(second!.shard);
    expect(neighbour(layout, first!.shard, 'left')).toBe(first!.shard);
    expect(neighbour(layout, first!.shard, 'up')).toBe(first!.shard);
    const below = layout.cellOf.get(neighbour(layout, first!.shard, 'down'))!;
    expect(below.y).toBeGreaterThan(first!.y);
    expect(below.x).toBe(first!.x);
  });
});
