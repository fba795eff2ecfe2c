import { virtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import type { TrafficEvent } from '../../src/core/dispatch.js';
import { seededRandom } from '../../src/world/seeded-random.js';
import { Traffic } from '../../src/world/traffic.js';
import { World } from '../../src/world/world.js';

function traffic({ guilds = 8, directEvery = 0 } = {}) {
  const clock = virtualClock();
  const world = new World({ seed: 1, guilds });
  const events: TrafficEvent[] = [];
  const made = new Traffic({ world, clock, random: seededRandom(1), directEvery, emit: (event) => events.push(event) });
  return { clock, world, events, traffic: made };
}

describe('traffic', () => {
  test.each([
    [0.5, 10_000, 5],
    [7, 1_000, 7],
    [2_000, 1_000, 2_000],
    [20_000, 100, 2_000],
  ])('at %d a second makes as much in %i ms', (rate, ms, expected) => {
    const { clock, events, traffic: made } = traffic();
    made.start(rate);
    clock.advance(ms);
    expect(events).toHaveLength(expected);
    made.stop();
    clock.advance(ms);
    expect(events).toHaveLength(expected);
    expect(clock.pending()).toBe(0);
  });

  test('is spread evenly over time', () => {
    const { clock, events, traffic: made } = traffic();
    made.start(2_000);
    const perTenMs = Array.from({ length: 50 }, () => {
      const before = events.length;
      clock.advance(10);
      return events.length - before;
    });
    expect(new Set(perTenMs)).toEqual(new Set([20]));
  });

  test('makes up for a late timer', () => {
    let nowMs = 0;
    let fire = (): void => undefined;
    const { world } = traffic();
    let count = 0;
    const clock = {
      ...virtualClock(),
      monotonicMs: () => nowMs,
      every: (_ms: number, callback: () => void) => {
        fire = callback;
        return () => undefined;
      },
    };
    const late = new Traffic({ world, clock, random: seededRandom(1), directEvery: 0, emit: () => (count += 1) });
    late.start(1_000);
    nowMs = 300;
    fire();
    expect(count).toBe(300);
    nowMs = 310;
    fire();
    expect(count).toBe(310);
    // What piled up while a machine slept is not poured out all at once.
    nowMs = 3_600_000;
    fire();
    expect(count).toBe(5_310);
    nowMs = 3_600_010;
    fire();
    expect(count).toBe(5_320);
  });

  test('gives every guild its share, and every shard of any count', () => {
    const { world, events, traffic: made } = traffic({ guilds: 12 });
    made.burst(120);
    const perGuild = world.guilds.map((guild) => events.filter((event) => event.route === guild.route).length);
    expect(new Set(perGuild)).toEqual(new Set([10]));
    for (const count of [2, 3, 4, 6]) {
      const sizes = Array.from({ length: count }, (_, shard) => world.guildsOf(shard, count).length);
      expect(new Set(sizes)).toEqual(new Set([12 / count]));
    }
  });

  test('numbers the messages of each channel, and gives ids that ascend', () => {
    const { events, traffic: made } = traffic({ directEvery: 5 });
    made.burst(200);
    const next = new Map<string, number>();
    for (const event of events) {
      const d = JSON.parse(event.json) as {
        id: string;
        channel_id: string;
        nonce: string;
        content: string;
        guild_id?: string;
      };
      const number = (next.get(d.channel_id) ?? 0) + 1;
      next.set(d.channel_id, number);
      expect(d.nonce).toBe(`${d.channel_id}:${number}`);
      expect(d.content).toMatch(new RegExp(`number ${number}$`));
      expect(d.id).toBe(event.id);
      if (d.guild_id === undefined) expect(event.route).toBeNull();
      else expect(event.route).toBe(Number(BigInt(d.guild_id) >> 22n));
    }
    const ids = events.map((event) => BigInt(event.id));
    expect(ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? 0n))).toBe(true);
    expect(events.filter((event) => event.route === null)).toHaveLength(40);
  });

  test('of a world without guilds is direct messages', () => {
    const { events, traffic: made } = traffic({ guilds: 0 });
    made.burst(3);
    expect(events.map((event) => event.route)).toEqual([null, null, null]);
  });

  test.each([[0], [-1], [Number.NaN], [Infinity]])('refuses a rate of %d', (rate) => {
    expect(() => traffic().traffic.start(rate)).toThrow(RangeError);
  });
});

test('the same seed makes the same world and traffic, another seed another', () => {
  const run = (seed: number): string => {
    const world = new World({ seed, guilds: 5 });
    const clock = virtualClock();
    const events: TrafficEvent[] = [];
    new Traffic({
      world,
      clock,
      random: seededRandom(seed),
      directEvery: 3,
      emit: (event) => events.push(event),
    }).burst(20);
    return JSON.stringify([world.guilds, events]);
  };
  expect(run(7)).toBe(run(7));
  expect(run(7)).not.toBe(run(8));
});
