/** Interactions over HTTP: what people do with commands, components and modals, and how the bot has answered. */
import { isObject } from '../core/json.js';
import { badRequest } from '../errors.js';
import type { Interaction } from '../world/interactions.js';
import type { ModalValues } from '../world/modals.js';
import type { OptionValues } from '../world/option-values.js';
import { stringOf, stringsOf, placeFields, placeOf, type Body } from './body.js';
import type { AdminRequests } from './request.js';

const ofMessage = {
  customId: 'its `custom_id`',
  messageId: 'of the message',
  ...placeFields,
  channelId: 'where the message is; by default it is looked for',
  userId: 'who; default whoever the message was an answer to, else somebody by chance',
};
const optionFields = 'their values by name; an object for a subcommand; ids for users, channels and roles';

export const interactionRequests: AdminRequests = {
  'POST /emulator/command': {
    what: 'somebody uses a slash command that the bot has registered',
    fields: { name: 'of the command', options: optionFields, ...placeFields },
    prepare: (body, { people }) => {
      const [name, options, place] = [stringOf(body, 'name'), optionsOf(body), placeOf(body)];
      return () => shown(people.useCommand(name, options, place));
    },
  },
  'POST /emulator/context-menu': {
    what: 'somebody uses a command of the menu of a user or of a message',
    fields: {
      name: 'of the command',
      targetUserId: 'the user it is used on',
      targetMessageId: 'the message it is used on; one of the two',
      ...placeFields,
    },
    prepare: (body, { people }) => {
      const [name, place] = [stringOf(body, 'name'), placeOf(body)];
      const { targetUserId, targetMessageId } = stringsOf(body, ['targetUserId', 'targetMessageId']);
      if ((targetUserId === undefined) === (targetMessageId === undefined))
        throw badRequest('"targetUserId" or "targetMessageId" must say what the command is used on');
      const target = targetUserId === undefined ? { messageId: targetMessageId ?? '' } : { userId: targetUserId };
      return () => shown(people.useContextMenu(name, target, place));
    },
  },
  'POST /emulator/autocomplete': {
    what: 'somebody types in an option of a slash command, and the bot is asked for choices',
    fields: {
      name: 'of the command',
      focused: 'the option, of the innermost subcommand',
      text: 'what is typed so far; default nothing',
      options: `those filled in already: ${optionFields}`,
      ...placeFields,
    },
    prepare: (body, { people }) => {
      const { text = '' } = body;
      if (typeof text !== 'string') throw badRequest('"text" must be a string');
      const focus = { name: stringOf(body, 'focused'), text };
      const [name, options, place] = [stringOf(body, 'name'), optionsOf(body), placeOf(body)];
      return () => shown(people.autocomplete(name, focus, options, place));
    },
  },
  'POST /emulator/press': {
    what: 'somebody presses a button of a message the bot has posted',
    fields: ofMessage,
    prepare: (body, { people }) => {
      const [customId, messageId] = [stringOf(body, 'customId'), stringOf(body, 'messageId')];
      const place = placeOf(body);
      return () => shown(people.press(customId, messageId, place));
    },
  },
  'POST /emulator/choose': {
    what: 'somebody chooses in a select menu of a message the bot has posted',
    fields: { ...ofMessage, values: 'an array: values that are offered, or ids of users, roles, channels' },
    prepare: (body, { people }) => {
      const [customId, messageId] = [stringOf(body, 'customId'), stringOf(body, 'messageId')];
      const place = placeOf(body);
      const { values } = body;
      if (!isTexts(values)) throw badRequest('"values" must be an array of strings');
      return () => shown(people.choose(customId, messageId, values, place));
    },
  },
  'POST /emulator/submit': {
    what: 'somebody submits the modal that the bot has shown',
    fields: {
      interactionId: 'which was answered with the modal',
      values:
        'by `custom_id`: a string, `true` or `false`, an array of what is chosen; what is left out stays as the bot filled it in',
    },
    prepare: (body, { people }) => {
      const interactionId = stringOf(body, 'interactionId');
      const { values = {} } = body;
      if (!isModalValues(values))
        throw badRequest('"values" must be an object of strings, booleans or arrays of strings');
      return () => shown(people.submit(interactionId, values));
    },
  },
  'GET /emulator/interaction': {
    what: 'how an interaction stands: `open`, `expired`, `deferred`, `answered`, `modal` or `choices`, with what the bot said of it',
    query: { id: 'which one' },
    fields: {},
    prepare: (_body, { people, query }) => {
      const id = query.get('id');
      if (id === null) throw badRequest('"id" must say which interaction');
      return () => people.interaction(id);
    },
  },
};

function shown({ id, token, guildId, channelId, user }: Interaction): object {
  return { interactionId: id, token, guildId, channelId, userId: user.id };
}

function optionsOf({ options = {} }: Body): OptionValues {
  if (isOptionValues(options)) return options;
  throw badRequest('"options" must be an object of strings, numbers, booleans, or such objects for subcommands');
}

function isOptionValues(value: unknown, depth = 0): value is OptionValues {
  if (!isObject(value) || depth > 2) return false;
  return Object.values(value).every(
    (inner) => ['string', 'number', 'boolean'].includes(typeof inner) || isOptionValues(inner, depth + 1),
  );
}

function isModalValues(value: unknown): value is ModalValues {
  if (!isObject(value)) return false;
  return Object.values(value).every((inner) => ['string', 'boolean'].includes(typeof inner) || isTexts(inner));
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
