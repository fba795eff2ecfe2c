import { virtualClock } from '@dshard/testkit';
import type { Clock } from '@dshard/transport';
import { seededRandom } from '@dshard/transport';
import { describe, expect, test } from 'vitest';
import type { TrafficEvent } from '../../src/core/dispatch.js';
import { snowflakeSource } from '../../src/world/snowflakes.js';
import type { TrafficKind, TrafficMix } from '../../src/world/traffic-mix.js';
import { messagesOnly, trafficKinds } from '../../src/world/traffic-mix.js';
import { Traffic } from '../../src/world/traffic.js';
import { World } from '../../src/world/world.js';

const stillClock: Clock = virtualClock();

function traffic({ guilds = 8, directEvery = 0, mix = messagesOnly, seed = 1, clock = stillClock } = {}) {
  const world = new World({ seed, guilds });
  const events: TrafficEvent[] = [];
  const made = new Traffic({
    world,
    clock,
    random: seededRandom(seed),
    directEvery,
    mix,
    nextId: snowflakeSource(),
    interaction: () => null,
    emit: (event) => events.push(event),
  });
  return { world, events, traffic: made };
}

describe('the traffic', () => {
  test.each([
    [0.5, 10_000, 5],
    [7, 1_000, 7],
    [2_000, 1_000, 2_000],
    [20_000, 100, 2_000],
  ])('at %d a second makes as much in %i ms', (rate, ms, expected) => {
    const clock = virtualClock();
    const { events, traffic: made } = traffic({ clock });
    made.start(rate);
    clock.advance(ms);
    expect(events).toHaveLength(expected);
    made.stop();
    clock.advance(ms);
    expect(events).toHaveLength(expected);
    expect(clock.pending()).toBe(0);
  });

  test('is spread evenly over time', () => {
    const clock = virtualClock();
    const { events, traffic: made } = traffic({ clock });
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
    const clock = {
      ...virtualClock(),
      monotonicMs: () => nowMs,
      every: (_ms: number, callback: () => void) => {
        fire = callback;
        return () => undefined;
      },
    };
    const { events, traffic: late } = traffic({ clock });
    late.start(1_000);
    nowMs = 300;
    fire();
    expect(events).toHaveLength(300);
    nowMs = 310;
    fire();
    expect(events).toHaveLength(310);
    // What piled up while a machine slept is not poured out all at once.
    nowMs = 3_600_000;
    fire();
    expect(events).toHaveLength(5_310);
    nowMs = 3_600_010;
    fire();
    expect(events).toHaveLength(5_320);
  });

  test('gives every guild its share, and every shard of any count', () => {
    const { world, events, traffic: made } = traffic({ guilds: 12 });
    made.burst(120);
    const guilds = [...world.guildsOf(0, 1)];
    const perGuild = guilds.map((guild) => events.filter((event) => event.route === guild.route).length);
    expect(new Set(perGuild)).toEqual(new Set([10]));
    for (const count of [2, 3, 4, 6]) {
      const sizes = Array.from({ length: count }, (_, shard) => world.guildIdsOf(shard, count).length);
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

  test.each([[0], [-1], [Number.NaN], [Infinity]])('is not started at a rate of %d', (rate) => {
    expect(() => traffic().traffic.start(rate)).toThrow(RangeError);
  });
});

/** Kinds and the event each makes, in a world where everything can happen. */
const typeOf: Record<Exclude<TrafficKind, 'members' | 'interactions' | 'guilds'>, string> = {
  messages: 'MESSAGE_CREATE',
  reactions: 'MESSAGE_REACTION_ADD',
  presences: 'PRESENCE_UPDATE',
  voice: 'VOICE_STATE_UPDATE',
  typing: 'TYPING_START',
};

describe('a traffic mix', () => {
  test.each(Object.entries(typeOf))('of %s makes %s', (kind, type) => {
    const { events, traffic: made } = traffic({ guilds: 2 });
    // So that there is something to react to.
    made.burst(200);
    made.setMix({ [kind]: 1 });
    made.burst(10);
    expect(new Set(events.slice(-10).map((event) => event.type))).toEqual(new Set([type]));
  });

  test('of members lets some leave and come back, and later guilds say so', () => {
    const { world, events, traffic: made } = traffic({ guilds: 1, mix: { members: 1 } });
    const guild = world.guildAt(0);
    const sizes = Array.from({ length: 40 }, () => {
      made.burst(1);
      return guild.memberCount;
    });
    expect(new Set(sizes).size).toBeGreaterThan(1);
    let size = 6;
    for (const [index, { type, json }] of events.entries()) {
      size += type === 'GUILD_MEMBER_ADD' ? 1 : -1;
      expect(sizes[index], json).toBe(size);
    }
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['GUILD_MEMBER_ADD', 'GUILD_MEMBER_REMOVE']));
  });

  test('draws each kind as often as its weight says', () => {
    const mix: TrafficMix = { messages: 7, presences: 2, voice: 1 };
    const { events, traffic: made } = traffic({ mix });
    made.burst(10_000);
    const share = (type: string): number => events.filter((event) => event.type === type).length / 10_000;
    expect(share('MESSAGE_CREATE')).toBeCloseTo(0.7, 1);
    expect(share('PRESENCE_UPDATE')).toBeCloseTo(0.2, 1);
    expect(share('VOICE_STATE_UPDATE')).toBeCloseTo(0.1, 1);
  });

  test('of kinds that cannot happen here makes messages', () => {
    const { events, traffic: made } = traffic({ mix: { interactions: 1 } });
    made.burst(3);
    expect(events.map(({ type }) => type)).toEqual(['MESSAGE_CREATE', 'MESSAGE_CREATE', 'MESSAGE_CREATE']);
  });

  test('keeps the world bounded, however long it goes on', () => {
    const mix = Object.fromEntries(trafficKinds.map((kind) => [kind, 1]));
    const { world, traffic: made } = traffic({ guilds: 3, mix });
    made.burst(20_000);
    for (const guild of world.guildsOf(0, 1)) {
      expect(guild.memberCount).toBeLessThan(30);
      expect(guild.voiceStates().length).toBeLessThan(30);
    }
  });
});

test('the same seed makes the same world and traffic, another seed another', () => {
  const run = (seed: number): string => {
    const mix = { messages: 3, members: 1, presences: 1, voice: 1, reactions: 1 };
    const { world, events, traffic: made } = traffic({ seed, mix, guilds: 5, directEvery: 3 });
    made.burst(50);
    const guilds = [...world.guildsOf(0, 1)].map((guild) => guild.createJson({ intents: 0xffff, largeThreshold: 50 }));
    return JSON.stringify([guilds, events]);
  };
  expect(run(7)).toBe(run(7));
  expect(run(7)).not.toBe(run(8));
});
