import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withLevels, withReport } from '../../../src/domain/fleet/weights.js';
import {
  costOf,
  planMoves,
  type BalanceNode,
  type Bounds,
  type PlannedMove,
} from '../../../src/domain/operations/balance.js';
import type { ShardLoad } from '../../../src/domain/state/balance.js';

const EVERYTHING: Bounds = { fillOnly: false, stopAt: 1, most: Infinity };

/** Nodes with so many shards of these weights each. */
function nodesWith(
  weights: readonly (readonly number[])[],
  isNew: (node: number) => boolean = () => false,
): BalanceNode[] {
  let shard = 0;
  return weights.map((own, node) => ({
    id: `n${node}`,
    load: own.reduce((sum, weight) => sum + weight, 0),
    movable: own.map((weight) => ({ shards: [shard++], weight, rests: false, cameFrom: null })),
    room: Infinity,
    isNew: isNew(node),
  }));
}

function loadsAfter(nodes: readonly BalanceNode[], moves: readonly PlannedMove[]): number[] {
  const weights = new Map(nodes.flatMap(({ movable }) => movable.map(({ shards, weight }) => [shards[0], weight])));
  const loads = new Map(nodes.map(({ id, load }) => [id, load]));
  for (const { shard, origin, destination } of moves) {
    const weight = weights.get(shard) ?? 0;
    loads.set(origin, (loads.get(origin) ?? 0) - weight);
    loads.set(destination, (loads.get(destination) ?? 0) + weight);
  }
  return [...loads.values()];
}

const counts = fc.array(fc.nat({ max: 30 }), { minLength: 2, maxLength: 12 });
const weighted = fc.array(fc.array(fc.constantFrom(0.5, 1, 1, 1, 2, 4, 8), { maxLength: 12 }), {
  minLength: 2,
  maxLength: 8,
});

describe('planned moves', () => {
  test('bring shards of one weight to a spread of one, with the fewest moves that do', () => {
    fc.assert(
      fc.property(counts, (shards) => {
        const nodes = nodesWith(shards.map((count) => Array.from({ length: count }, () => 1)));
        const moves = planMoves(nodes, EVERYTHING);
        const loads = loadsAfter(nodes, moves);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
        const average = shards.reduce((sum, count) => sum + count, 0) / shards.length;
        const over = shards.reduce((sum, count) => sum + Math.max(0, count - Math.ceil(average)), 0);
        const under = shards.reduce((sum, count) => sum + Math.max(0, Math.floor(average) - count), 0);
        expect(moves.length).toBe(Math.max(over, under));
        expect(new Set(moves.map(({ shard }) => shard)).size).toBe(moves.length);
      }),
    );
  });

  test('each make the spread cheaper, so they end, whatever shards weigh', () => {
    fc.assert(
      fc.property(weighted, (weights) => {
        const nodes = nodesWith(weights);
        const moves = planMoves(nodes, EVERYTHING);
        let before = costOf(nodes);
        moves.forEach((_, index) => {
          const after = costOf(loadsAfter(nodes, moves.slice(0, index + 1)).map((load) => ({ load })));
          expect(after).toBeLessThan(before);
          before = after;
        });
        expect(moves.length).toBeLessThanOrEqual(weights.flat().length);
      }),
    );
  });

  test('only ever go to new nodes where new nodes are filled, and give none of them more than the average', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 4 }), (shards, joined) => {
        const all = [...shards, ...Array.from({ length: joined }, () => 0)];
        const nodes = nodesWith(
          all.map((count) => Array.from({ length: count }, () => 1)),
          (node) => node >= shards.length,
        );
        const moves = planMoves(nodes, { ...EVERYTHING, fillOnly: true });
        const average = all.reduce((sum, count) => sum + count, 0) / all.length;
        const loads = loadsAfter(nodes, moves);
        for (const load of loads.slice(shards.length)) expect(load).toBeLessThanOrEqual(Math.ceil(average));
        expect(moves.every(({ destination }) => Number(destination.slice(1)) >= shards.length)).toBe(true);
      }),
    );
  });

  test('leave out what rests, what came from there, and what has no room', () => {
    const [full, empty] = nodesWith([[1, 1, 1, 1], []]);
    const resting = full!.movable.map((unit) => ({ ...unit, rests: true }));
    expect(planMoves([{ ...full!, movable: resting }, empty!], EVERYTHING)).toEqual([]);
    const returning = full!.movable.map((unit) => ({ ...unit, cameFrom: 'n1' }));
    expect(planMoves([{ ...full!, movable: returning }, empty!], EVERYTHING)).toEqual([]);
    expect(planMoves([full!, { ...empty!, room: 1 }], EVERYTHING)).toHaveLength(1);
    // But a node that is new is filled all the same.
    expect(
      planMoves(
        [
          { ...full!, movable: resting },
          { ...empty!, isNew: true },
        ],
        EVERYTHING,
      ),
    ).toHaveLength(2);
  });
});

describe('what a shard weighs', () => {
  /** A sample a minute; `rateAt` in events a second. */
  function watched(shards: number, minutes: number, rateAt: (shard: number, minute: number) => number): ShardLoad[][] {
    const events = Array.from({ length: shards }, () => 0);
    let loads: ReadonlyMap<number, ShardLoad> = new Map();
    const history: ShardLoad[][] = [];
    for (let minute = 0; minute < minutes; minute += 1) {
      const next = new Map(loads);
      for (let shard = 0; shard < shards; shard += 1) {
        events[shard] = (events[shard] ?? 0) + rateAt(shard, minute) * 60;
        next.set(shard, withReport(loads.get(shard), { events: events[shard] ?? 0, guilds: 1 }, minute * 60_000));
      }
      loads = withLevels(next);
      history.push([...loads.values()]);
    }
    return history;
  }

  test('does not swing with rates that swing by a tenth, wherever they lie', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 100, noNaN: true }), { minLength: 2, maxLength: 10 }),
        fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 50, maxLength: 50 }),
        (rates, swings) => {
          const history = watched(rates.length, 50, (shard, minute) => {
            return (rates[shard] ?? 0) * (swings[(minute * 7 + shard * 13) % swings.length] ?? 1);
          });
          for (let shard = 0; shard < rates.length; shard += 1) {
            const levels = history.map((loads) => loads[shard]?.level);
            const changes = levels.filter((level, minute) => minute > 0 && level !== levels[minute - 1]);
            // Found once, perhaps a step at a time, and never taken back.
            expect(new Set(changes).size).toBe(changes.length);
            expect(changes).toEqual(changes.toSorted((a, b) => Math.abs(a ?? 0) - Math.abs(b ?? 0)));
          }
        },
      ),
    );
  });

  test('follows a shard that has become four times as busy as the others, within a half-life or two', () => {
    const history = watched(5, 60, (shard, minute) => (shard === 0 && minute > 10 ? 80 : 10));
    expect(history[10]?.map(({ level }) => level)).toEqual([0, 0, 0, 0, 0]);
    expect(history[59]?.[0]?.level).toBeGreaterThanOrEqual(2);
    expect(history[59]?.slice(1).map(({ level }) => level)).toEqual([0, 0, 0, 0]);
  });

  test('is one for all where nodes tell nothing of events, or hardly any come', () => {
    expect(
      watched(3, 5, (shard) => shard / 1_000)
        .at(-1)
        ?.map(({ level }) => level),
    ).toEqual([0, 0, 0]);
    const silent = new Map(
      [1, 2].map((shard) => [shard, withReport(undefined, { events: -1, guilds: -1 }, 0)] as const),
    );
    expect([...withLevels(silent).values()].map(({ level }) => level)).toEqual([0, 0]);
  });
});

test('of equally empty nodes the one in the zone that has the least gets the shard', () => {
  const [full, busy, a, b] = nodesWith([Array.from({ length: 7 }, () => 1), [1, 1, 1, 1], [1], [1]]);
  if (full === undefined || busy === undefined || a === undefined || b === undefined) throw new Error('four nodes');
  const nodes = [
    { ...full, zone: 'east' },
    { ...busy, zone: 'north' },
    { ...a, zone: 'north' },
    { ...b, zone: 'south' },
  ];
  expect(planMoves(nodes, { ...EVERYTHING, most: 1 })).toMatchObject([{ origin: 'n0', destination: 'n3' }]);
});
