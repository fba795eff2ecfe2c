/** What may be said first of an interaction, by its kind. */
import { virtualClock } from '@dshard/testkit';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '@dshard/transport';
import { BotActs } from '../../src/world/bot-acts.js';
import type { Interaction } from '../../src/world/interactions.js';
import { People } from '../../src/world/people.js';
import { RestError } from '../../src/world/rest-error.js';
import { setStage } from '../../src/world/stage.js';
import { World } from '../../src/world/world.js';

const row = (component: object): object => ({ type: 1, components: [component] });
const modal = {
  custom_id: 'm',
  title: 'x',
  components: [row({ type: 4, style: 1, label: 'x', custom_id: 't', value: 'y' })],
};

type Bench = {
  people: People;
  answer: (interaction: Interaction, type: number, data?: object) => unknown;
  messageId: string;
};

function bench(): Bench {
  const world = new World({ seed: 1, guilds: 1, members: 4 });
  const stage = setStage({ world, clock: virtualClock(), random: seededRandom(1), emit: () => undefined });
  const acts = new BotActs(stage);
  const options = [{ type: 3, name: 'q', description: 'x', autocomplete: true }];
  stage.commands.upsert(null, { name: 'ping', description: 'x', options });
  const components = [row({ type: 2, style: 1, label: 'Go', custom_id: 'go' })];
  const channelId = world.guildAt(0).textChannels[0]?.id ?? '';
  const { id: messageId } = acts.createMessage(channelId, { json: { content: 'x', components }, files: [] });
  const answer: Bench['answer'] = ({ id, token }, type, data = {}) => acts.answer(id, token, { type, data, files: [] });
  return { people: new People(stage), answer, messageId };
}

/** Each kind of interaction, made anew. */
const kinds: Record<string, (bench: Bench) => Interaction> = {
  'a command': ({ people }) => people.useCommand('ping'),
  'an autocomplete': ({ people }) => people.autocomplete('ping', { name: 'q', text: '' }),
  'a button': ({ people, messageId }) => people.press('go', messageId),
  "a command's modal": ({ people, answer }) => {
    const command = people.useCommand('ping');
    answer(command, 9, modal);
    return people.submit(command.id);
  },
  "a button's modal": ({ people, answer, messageId }) => {
    const press = people.press('go', messageId);
    answer(press, 9, modal);
    return people.submit(press.id);
  },
};

const dataOf: Record<number, object> = { 4: { content: 'x' }, 7: { content: 'x' }, 8: { choices: [] }, 9: modal };
const stateAfter: Record<number, string> = {
  4: 'answered',
  5: 'deferred',
  6: 'answered',
  7: 'answered',
  8: 'choices',
  9: 'modal',
};

describe.each([
  ['a command', [4, 5, 9]],
  ['an autocomplete', [8]],
  ['a button', [4, 5, 6, 7, 9]],
  ["a command's modal", [4, 5]],
  ["a button's modal", [4, 5, 6, 7]],
])('the interaction of %s,', (kind, allowed) => {
  test.each([1, 4, 5, 6, 7, 8, 9, 12])(
    'answered with callback %i is answered, or refused where Discord refuses it',
    (type) => {
      const table = bench();
      const interaction = kinds[kind]?.(table);
      if (interaction === undefined) throw new Error(`There is no ${kind}.`);
      const act = (): unknown => table.answer(interaction, type, dataOf[type]);
      if (allowed.includes(type)) {
        act();
        expect(table.people.interaction(interaction.id).state).toBe(stateAfter[type]);
        expect(act).toThrow(expect.objectContaining({ body: expect.objectContaining({ code: 40_060 }) as unknown }));
      } else {
        expect(act).toThrow(RestError);
        expect(table.people.interaction(interaction.id).state).toBe('open');
      }
    },
  );
});

test.each([
  [[{ name: 'x', value: 5 }], 'STRING_TYPE_CONVERT'],
  [[{ name: '', value: 'x' }], 'BASE_TYPE_REQUIRED'],
  [[{ name: 'x', value: 'y'.repeat(101) }], 'BASE_TYPE_BAD_LENGTH'],
  [Array.from({ length: 26 }, (_, n) => ({ name: `${n}`, value: `${n}` })), 'BASE_TYPE_MAX_LENGTH'],
])('an autocomplete is not answered with the choices %j', (choices, code) => {
  const { people, answer } = bench();
  const interaction = people.autocomplete('ping', { name: 'q', text: '' });
  let refused: unknown = null;
  try {
    answer(interaction, 8, { choices });
  } catch (error) {
    refused = error;
  }
  expect(refused).toBeInstanceOf(RestError);
  expect(JSON.stringify((refused as RestError).body)).toContain(code);
});

test('a modal may be submitted again as long as nobody answered, and not after that', () => {
  const { people, answer } = bench();
  const command = people.useCommand('ping');
  expect(() => people.submit(command.id)).toThrow('was not answered with a modal, but is open');
  answer(command, 9, modal);
  people.submit(command.id);
  const second = people.submit(command.id);
  expect(people.interaction(command.id)).toMatchObject({ state: 'modal', submissionId: second.id });
  answer(second, 4, { content: 'thanks' });
  expect(() => people.submit(command.id)).toThrow('was submitted, and closed with the answer');
});
