/** What people may fill into a command, and what a bot may register. */
import { virtualClock } from '@dshard/testkit';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '@dshard/transport';
import type { TrafficEvent } from '../../src/core/dispatch.js';
import type { OptionValues } from '../../src/world/option-values.js';
import { People } from '../../src/world/people.js';
import { RestError } from '../../src/world/rest-error.js';
import type { Stage } from '../../src/world/stage.js';
import { setStage } from '../../src/world/stage.js';
import { World } from '../../src/world/world.js';

type Option = Record<string, unknown>;
const option = (type: number, name: string, more: Option = {}): Option => ({ type, name, description: 'x', ...more });

function stageWith(options: Option[]): { stage: Stage; people: People; events: TrafficEvent[] } {
  const events: TrafficEvent[] = [];
  const world = new World({ seed: 1, guilds: 2, members: 4 });
  const stage = setStage({
    world,
    clock: virtualClock(),
    random: seededRandom(1),
    emit: (event) => events.push(event),
  });
  stage.commands.upsert(null, { name: 'ping', description: 'x', options });
  return { stage, people: new People(stage), events };
}

const colors = option(3, 'color', {
  choices: [
    { name: 'Red', value: 'red' },
    { name: 'Blue', value: 'blue' },
  ],
});

describe('somebody fills in', () => {
  test.each<[string, Option[], OptionValues, string]>([
    ['an option that is not there', [colors], { size: 's' }, '/ping has no option "size"; it has color'],
    ['what is no choice', [colors], { color: 'green' }, '"green" is no choice of "color"; they are "red", "blue"'],
    ['nothing where something is required', [option(3, 'what', { required: true })], {}, '"what" of /ping is required'],
    ['a text for a number', [option(4, 'n')], { n: '5' }, '"n" must be an integer'],
    ['half an integer', [option(4, 'n')], { n: 1.5 }, '"n" must be an integer'],
    ['too little', [option(4, 'n', { min_value: 3 })], { n: 2 }, '"n" must have a value of at least 3'],
    ['too much', [option(10, 'n', { max_value: 0.5 })], { n: 0.6 }, '"n" must have a value of at most 0.5'],
    ['too long a text', [option(3, 't', { max_length: 2 })], { t: 'abc' }, '"t" must have a length of at most 2'],
    ['a word for yes or no', [option(5, 'b')], { b: 'yes' }, '"b" must be true or false'],
    ['nobody', [option(6, 'u')], { u: '1' }, '"u" must be the id of a user of the guild, which "1" is not'],
    ['no channel', [option(7, 'c')], { c: '1' }, '"c" must be the id of a channel'],
    ['no role', [option(8, 'r')], { r: '1' }, '"r" must be the id of a role'],
    ['no file', [option(11, 'f')], { f: '' }, '"f" must be the name of a file'],
    [
      'no subcommand',
      [option(1, 'a'), option(1, 'b')],
      {},
      '/ping has subcommands: "options" must have one of them, with its options as an object; they are a, b',
    ],
    ['two subcommands', [option(1, 'a'), option(1, 'b')], { a: {}, b: {} }, '/ping has subcommands'],
    [
      'too little of a subcommand',
      [option(1, 'a', { options: [option(3, 'x', { required: true })] })],
      { a: {} },
      '"x" of /ping a is required',
    ],
    ['half of a group', [option(2, 'g', { options: [option(1, 'a')] })], { g: {} }, '/ping g has subcommands'],
  ])('%s, and is told what is wrong', (_what, options, values, problem) => {
    const { people, events } = stageWith(options);
    expect(() => people.useCommand('ping', values)).toThrow(problem);
    expect(events).toEqual([]);
  });

  test('a channel of a type that is not asked for, and is told', () => {
    const { people, stage } = stageWith([option(7, 'c', { channel_types: [2] })]);
    const [text] = stage.world.guildAt(0).textChannels;
    expect(() => people.useCommand('ping', { c: text?.id ?? '' })).toThrow('"c" must be a channel of type 2');
  });

  test('a group with its subcommand, and the bot gets it nested', () => {
    const { people, events } = stageWith([option(2, 'g', { options: [option(1, 'a', { options: [colors] })] })]);
    people.useCommand('ping', { g: { a: { color: 'red' } } });
    const { data } = JSON.parse(events[0]?.json ?? '') as { data: unknown };
    expect(data).toMatchObject({
      options: [
        { name: 'g', type: 2, options: [{ name: 'a', type: 1, options: [{ name: 'color', type: 3, value: 'red' }] }] },
      ],
    });
  });

  test('an option with autocomplete, of which the others may be missing still', () => {
    const { people, events } = stageWith([
      option(3, 'must', { required: true }),
      option(4, 'n', { autocomplete: true }),
    ]);
    expect(() => people.autocomplete('ping', { name: 'must', text: '' })).toThrow(
      '"must" of /ping has no autocomplete',
    );
    const { id } = people.autocomplete('ping', { name: 'n', text: '4' });
    expect(JSON.parse(events[0]?.json ?? '')).toMatchObject({
      type: 4,
      data: { options: [{ name: 'n', type: 4, value: '4', focused: true }] },
    });
    expect(people.interaction(id)).toMatchObject({ type: 'autocomplete', state: 'open' });
  });
});

describe('a bot registers', () => {
  test.each<[string, Option[], string]>([
    ['the same name twice', [option(3, 'a'), option(4, 'a')], 'APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE'],
    [
      'required after optional',
      [option(3, 'a'), option(3, 'b', { required: true })],
      'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
    ],
    ['subcommands beside options', [option(1, 'a'), option(3, 'b')], 'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID'],
    [
      'a group in a group',
      [option(2, 'a', { options: [option(2, 'b', { options: [option(1, 'c')] })] })],
      'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID',
    ],
    [
      'a subcommand in a subcommand',
      [option(1, 'a', { options: [option(1, 'b')] })],
      'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID',
    ],
    ['an empty group', [option(2, 'a')], 'BASE_TYPE_REQUIRED'],
    [
      'choices of a boolean',
      [option(5, 'a', { choices: [{ name: 'x', value: true }] })],
      'APPLICATION_COMMAND_OPTIONS_TYPE_INVALID',
    ],
    [
      'a text as choice of an integer',
      [option(4, 'a', { choices: [{ name: 'x', value: 'x' }] })],
      'NUMBER_TYPE_COERCE',
    ],
    ['a number as choice of a text', [option(3, 'a', { choices: [{ name: 'x', value: 1 }] })], 'STRING_TYPE_CONVERT'],
    [
      '26 choices',
      [option(4, 'a', { choices: Array.from({ length: 26 }, (_, n) => ({ name: `${n}`, value: n })) })],
      'BASE_TYPE_MAX_LENGTH',
    ],
    [
      'choices of one name',
      [
        option(4, 'a', {
          choices: [
            { name: 'x', value: 1 },
            { name: 'x', value: 2 },
          ],
        }),
      ],
      'APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_DUPLICATE',
    ],
    [
      'choices and autocomplete',
      [option(3, 'a', { autocomplete: true, choices: [{ name: 'x', value: 'x' }] })],
      'APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID',
    ],
    ['bounds of a user', [option(6, 'a', { min_value: 1 })], 'NUMBER_TYPE_COERCE'],
    ['bounds that leave nothing', [option(3, 'a', { min_length: 5, max_length: 4 })], 'NUMBER_TYPE_MAX'],
    ['an option without description', [{ type: 3, name: 'a' }], 'BASE_TYPE_REQUIRED'],
  ])("%s, and is refused by Discord's code for that", (_what, options, code) => {
    let refused: unknown = null;
    try {
      stageWith(options);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(RestError);
    expect(JSON.stringify((refused as RestError).body)).toContain(code);
  });
});

test('whatever can be registered can be used by chance', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const bounds = fc.record(
    { min_value: fc.integer({ min: -5, max: 5 }), max_value: fc.integer({ min: 6, max: 9 }) },
    { requiredKeys: [] },
  );
  const lengths = fc.record(
    { min_length: fc.integer({ min: 0, max: 9 }), max_length: fc.integer({ min: 10, max: 12 }) },
    { requiredKeys: [] },
  );
  const plain = fc
    .tuple(fc.constantFrom(3, 4, 5, 6, 7, 8, 9, 10, 11), name, bounds, lengths)
    .map(([type, named, numbers, texts]) => {
      const more = type === 3 ? texts : type === 4 || type === 10 ? numbers : {};
      return option(type, named, { required: true, ...more });
    });
  const unique = { selector: ({ name: named }: Option) => named, maxLength: 4 };
  const leaves = fc.uniqueArray(plain, unique);
  const subcommand = fc.tuple(name, leaves).map(([named, options]) => option(1, named, { options }));
  const subcommands = fc.uniqueArray(subcommand, { ...unique, minLength: 1 });
  const group = fc.tuple(name, subcommands).map(([named, options]) => option(2, named, { options }));
  const options = fc.oneof(
    leaves,
    subcommands,
    fc.uniqueArray(fc.oneof(subcommand, group), { ...unique, minLength: 1 }),
  );
  fc.assert(
    fc.property(options, (registered) => {
      const { people, stage } = stageWith(registered);
      const event = people.byChance(stage.world.guildAt(0), { id: '5', now: 0 });
      expect(event?.type).toBe('INTERACTION_CREATE');
    }),
    { numRuns: 200 },
  );
});
