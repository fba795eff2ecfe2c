import { describe, expect, test } from 'vitest';
import { sessionStarts } from '../../../src/domain/shards/identify-budget.js';
import { World } from '../world.js';
import type { WorldOptions } from '../world.js';

const DAY_MS = 86_400_000;

/** Eight shards that can all identify at once, as far as their keys go. */
function worldWith(
  gateway: { total?: number; remaining?: number; resetAfterMs?: number },
  settings: WorldOptions = {},
): World {
  const gatewayAnswer = { shards: 8, maxConcurrency: 8, ...gateway };
  return new World({ totalShards: 8, gateway: gatewayAnswer, ...settings }).start();
}

function starts(world: World): ReturnType<typeof sessionStarts> {
  return sessionStarts(world.state, world.now);
}

/** The shard loses its session, again and again. */
function identifyAgain(world: World, times: number, node = 'a'): void {
  const a = world.nodes.get(node)!;
  for (let i = 0; i < times; i += 1) {
    a.send({ kind: 'identifyRequest', shardId: i % 8 });
    world.pass(5_001);
  }
}

describe('the session starts of a day', () => {
  test.each<[string, { total?: number; remaining?: number }, number | null, number]>([
    ['all that Discord leaves', { total: 1_000, remaining: 1_000 }, 0, 8],
    ['but for the reserve', { total: 1_000, remaining: 15 }, 10, 5],
    ['but for a twentieth, without a configured one', { total: 100, remaining: 8 }, null, 3],
    ['none where all is reserve', { total: 10, remaining: 10 }, 50, 0],
    ['none where none is left', { total: 1_000, remaining: 0 }, 0, 0],
    ['no more than Discord ever gives', { total: 4, remaining: 9_999 }, 0, 4],
  ])('are granted: %s', (_, gateway, identifyReserve, granted) => {
    const world = worldWith(gateway, { identifyReserve });
    const a = world.join('a');
    world.pass(60_000);
    expect(a.identifies).toHaveLength(granted);
    expect(world.state.identifies.waiting).toHaveLength(8 - granted);
  });

  test('are said to be at their reserve, once, with the way out; and once that this is over', () => {
    const world = worldWith({ total: 100, remaining: 10, resetAfterMs: 600_000 });
    const a = world.join('a');
    world.pass(300_000);
    expect(a.identifies).toHaveLength(5);
    expect(world.recorded('identifyBudgetLow')).toMatchObject([
      { level: 'error', fields: { remaining: 5, total: 100, reserve: 5, used: 5 } },
    ]);
    expect(world.recorded('identifyBudgetLow')[0]?.text).toContain('dso allowidentifies');
    expect(world.state.identifies.shortSince).not.toBeNull();
    world.gateway = { shards: 8, maxConcurrency: 8, total: 100, remaining: 100 };
    world.pass(300_000);
    expect(a.identifies).toHaveLength(8);
    expect(world.recorded('identifyBudgetLow')).toHaveLength(1);
    expect(world.recorded('identifyBudgetRestored')).toHaveLength(1);
  });

  test('are granted beyond the reserve at an operator’s word, so many and no more', () => {
    const world = worldWith({ total: 100, remaining: 10 }, { identifyReserve: 10 });
    const a = world.join('a');
    world.pass(1_000);
    expect(a.identifies).toHaveLength(0);
    expect(world.ask({ kind: 'allowIdentifies', count: 3 })).toMatchObject({
      ok: true,
      data: { count: 3, remaining: 10, total: 100, reserve: 10 },
    });
    world.pass(60_000);
    expect(a.identifies).toHaveLength(3);
    expect(starts(world)).toMatchObject({ remaining: 7, allowed: 0 });
    world.ask({ kind: 'allowIdentifies', count: 100 });
    world.ask({ kind: 'allowIdentifies', count: 0 });
    world.pass(60_000);
    expect(a.identifies).toHaveLength(8);
    expect(starts(world)).toMatchObject({ remaining: 2, allowed: 0 });
  });

  test('are not granted at anybody’s word when Discord does not have them', () => {
    const world = worldWith({ total: 100, remaining: 0 });
    const a = world.join('a');
    world.ask({ kind: 'allowIdentifies', count: 5 });
    world.pass(60_000);
    expect(a.identifies).toEqual([]);
  });

  test('do not grow by an answer that is stale', () => {
    // What Discord says stays "1000 of 1000 left" all day, as a cache in between would have it.
    const world = worldWith({ total: 20, remaining: 20 }, { identifyReserve: 2 });
    const a = world.join('a');
    world.pass(10_000);
    identifyAgain(world, 30);
    expect(a.identifies).toHaveLength(18);
    world.pass(5 * 3_600_000);
    expect(world.state.gateway).toMatchObject({ kind: 'known' });
    expect(a.identifies).toHaveLength(18);
    expect(starts(world)).toMatchObject({ used: 18, remaining: 2 });
    world.pass(DAY_MS);
    identifyAgain(world, 3);
    expect(a.identifies.length).toBeGreaterThan(18);
  });

  test('go on counting while Discord cannot be asked', () => {
    const world = new World({ totalShards: 8, gateway: null, identifyReserve: 990 }).start();
    const a = world.join('a');
    world.pass(10 * 60_000);
    expect(a.identifies).toHaveLength(8);
    identifyAgain(world, 5);
    expect(a.identifies).toHaveLength(10);
    expect(world.recorded('identifyBudgetLow')).toHaveLength(1);
  });

  test('are taken off what Discord says when they are out while it is asked', () => {
    const world = worldWith({ total: 1_000, remaining: 1_000 });
    const a = world.join('a');
    a.mute.add('identifyGranted');
    world.settle();
    expect(starts(world).remaining).toBe(992);
    // Asked anew, Discord cannot know of the eight that nobody used yet.
    world.gateway = { shards: 8, maxConcurrency: 8, total: 1_000, remaining: 500 };
    world.feed({
      kind: 'gatewayInfo',
      recommendedShards: 8,
      maxConcurrency: 8,
      identifiesTotal: 1_000,
      identifiesRemaining: 500,
      resetAfterMs: DAY_MS,
    });
    expect(starts(world).remaining).toBe(492);
  });

  test('outlive a restart, with what was allowed and who holds a permit', () => {
    const world = worldWith({ total: 20, remaining: 20 }, { identifyReserve: 5, expectedNodes: ['a'] });
    const a = world.join('a');
    a.mute.add('identifyGranted');
    world.pass(5_001);
    world.ask({ kind: 'allowIdentifies', count: 2 });
    const before = world.state.identifies;
    expect(Object.values(before.keys).filter(({ holder }) => holder !== null)).toHaveLength(8);
    world.crash();
    const { keys, ledger, allowed } = world.state.identifies;
    expect(keys).toEqual(before.keys);
    expect({ ledger, allowed }).toEqual({ ledger: { used: 8, until: before.ledger.until }, allowed: 2 });
    expect(starts(world).remaining).toBeLessThanOrEqual(12);
  });

  test('are durable before a permit is sent', () => {
    const world = worldWith({});
    const a = world.join('a');
    world.settle();
    const record = world.records.get('fleet/identifies')?.value as { ledger: { used: number } };
    expect(record.ledger.used).toBe(a.identifies.length);
    expect(world.sentTo('a', 'identifyGranted')).toHaveLength(8);
    // Of a decision that was journaled and then not carried out, the permit is counted though nobody got it.
    world.pass(6_000);
    world.crash({ kind: 'message', connection: a.connection!, message: { kind: 'identifyRequest', shardId: 0 } });
    expect(world.state.identifies.ledger.used).toBe(9);
    expect(world.sentTo('a', 'identifyGranted')).toHaveLength(8);
  });

  test('do not count when their day is over, but for permits that are still out', () => {
    const world = worldWith({ total: 50, remaining: 50, resetAfterMs: 30_000 }, { identifyTimeoutMs: 90_000 });
    const a = world.join('a');
    a.mute.add('identifyGranted');
    world.settle();
    world.gateway = { shards: 8, maxConcurrency: 8, total: 50, remaining: 50, resetAfterMs: DAY_MS };
    world.pass(31_000);
    expect(starts(world)).toMatchObject({ remaining: 42 });
  });
});
