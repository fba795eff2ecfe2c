import { virtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import type { TrafficEvent } from '../../src/core/dispatch.js';
import { intents } from '../../src/core/discord.js';
import { intentsOf } from '../../src/world/event-intents.js';
import { parseScript, scriptLine, ScriptPlayer } from '../../src/world/script.js';
import { snowflakeSource } from '../../src/world/snowflakes.js';
import { World } from '../../src/world/world.js';

const guildId = new World({ seed: 1, guilds: 1 }).guildAt(0).id;

function play(text: string) {
  const clock = virtualClock();
  const events: TrafficEvent[] = [];
  const player = new ScriptPlayer({
    lines: parseScript(text),
    clock,
    nextId: snowflakeSource(),
    emit: (event) => events.push(event),
  });
  return { clock, events, player };
}

const line = (at: number, event: object): string => JSON.stringify({ at, event });

describe('a script', () => {
  test('is played at its times, whatever the order of its lines', () => {
    const text = [
      line(200, { t: 'C', d: {} }),
      '',
      '// what people wrote',
      line(0, { t: 'MESSAGE_CREATE', d: { id: '77', guild_id: guildId } }),
      line(100, { t: 'B', d: {}, guildId }),
    ].join('\n');
    const { clock, events, player } = play(text);
    player.start();
    expect(events.map(({ type }) => type)).toEqual(['MESSAGE_CREATE']);
    clock.advance(99);
    expect(events).toHaveLength(1);
    clock.advance(1);
    expect(events).toHaveLength(2);
    clock.advance(500);
    expect(events.map(({ type }) => type)).toEqual(['MESSAGE_CREATE', 'B', 'C']);
    expect(events.map(({ route }) => route === null)).toEqual([false, false, true]);
    expect(events[0]).toMatchObject({ id: '77', intents: intents.guildMessages });
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
    expect(player.remaining).toBe(0);
    expect(clock.pending()).toBe(0);
  });

  test('stops, and begins again from the beginning', () => {
    const { clock, events, player } = play([line(0, { t: 'A', d: {} }), line(50, { t: 'B', d: {} })].join('\n'));
    player.start();
    player.stop();
    clock.advance(100);
    expect(events).toHaveLength(1);
    player.start();
    clock.advance(50);
    expect(events.map(({ type }) => type)).toEqual(['A', 'A', 'B']);
  });

  test('is what a recording writes', () => {
    const event: TrafficEvent = {
      id: '5',
      type: 'MESSAGE_CREATE',
      json: `{"id":"5","guild_id":"${guildId}"}`,
      route: 1,
      intents: 512,
    };
    expect(parseScript(scriptLine(12.6, event))).toMatchObject([
      { at: 13, t: 'MESSAGE_CREATE', id: '5', json: event.json, intents: 512 },
    ]);
  });

  test.each([
    ['{', 'Line 1 of the script cannot be used: it is not JSON'],
    [`${line(0, { t: 'A', d: {} })}\nx`, 'Line 2'],
    ['[]', '"at" must be'],
    [line(-1, { t: 'A', d: {} }), '"at" must be'],
    ['{"at":1}', '"event.t" must be'],
    [line(1, { t: '', d: {} }), '"event.t" must be'],
    [line(1, { t: 'A' }), '"event.d" must be'],
    [line(1, { t: 'A', d: {}, intents: 'x' }), '"event.intents" must be'],
    [line(1, { t: 'A', d: {}, guildId: 7 }), 'the guild must be an id'],
    [line(1, { t: 'A', d: { guild_id: 'x' } }), 'the guild must be an id'],
  ])('refuses the line %j and says what is wrong with it', (text, problem) => {
    expect(() => parseScript(text)).toThrow(problem);
  });
});

test.each([
  ['MESSAGE_CREATE', true, intents.guildMessages],
  ['MESSAGE_CREATE', false, intents.directMessages],
  ['GUILD_MEMBER_ADD', true, intents.guildMembers],
  ['GUILD_CREATE', true, intents.guilds],
  ['THREAD_MEMBERS_UPDATE', true, intents.guilds | intents.guildMembers],
  ['GUILD_SCHEDULED_EVENT_CREATE', true, intents.guildScheduledEvents],
  ['INTERACTION_CREATE', true, 0],
  ['TYPING_START', false, intents.directMessageTyping],
])('%s (in a guild: %s) needs %i', (type, inGuild, needed) => {
  expect(intentsOf(type, inGuild)).toBe(needed);
});
