/** What people do, at somebody's bidding, and what the bot posted. */
import { isObject } from '../core/json.js';
import type { OptionValues } from '../world/interaction-events.js';
import type { Place } from '../world/people.js';
import type { Deed, DeedFilter } from '../world/posted.js';
import type { Status } from '../world/users.js';
import type { World } from '../world/world.js';
import type { Body } from './body.js';
import { badRequest, booleanOf, choiceOf, numberOf, optionalStringOf, stringOf, wholeOf } from './body.js';
import type { AdminRequests } from './request.js';

const statuses: readonly Status[] = ['online', 'idle', 'dnd', 'offline'];
const deedKinds: readonly Deed['kind'][] = [
  'message',
  'edit',
  'delete',
  'reaction',
  'typing',
  'deferral',
  'choices',
  'modal',
];
const mostGuilds = 200;

const placeFields = {
  guildId: 'the guild; without it that of the channel, or the first',
  channelId: "the channel; without it the guild's first text channel",
  userId: 'who; without it a member by chance',
  direct: 'true: in the first direct channel',
};

export const peopleRequests: AdminRequests = {
  'POST /emulator/say': {
    what: 'somebody writes a message; the answer is the message',
    fields: { content: 'what', ...placeFields },
    schedulable: true,
    prepare: (body, { people }) => {
      const [content, place] = [stringOf(body, 'content'), placeOf(body)];
      return () => people.say(content, place);
    },
  },
  'POST /emulator/command': {
    what: 'somebody uses a slash command that the bot has registered: `{ interactionId, token, guildId, channelId }`',
    fields: {
      name: 'its name',
      options: "`{ option: value }`, a subcommand's in an object of its name",
      ...placeFields,
    },
    schedulable: true,
    prepare: (body, { people }) => {
      const [name, options, place] = [stringOf(body, 'name'), optionsOf(body), placeOf(body)];
      return () => {
        const { id: interactionId, token, guildId, channelId } = people.useCommand(name, options, place);
        return { interactionId, token, guildId, channelId };
      };
    },
  },
  'POST /emulator/press': {
    what: 'somebody presses a button of a message that the bot posted: `{ interactionId, token }`',
    fields: { customId: 'its `custom_id`', messageId: 'the message', ...placeFields },
    schedulable: true,
    prepare: (body, { people }) => {
      const [customId, messageId, place] = [stringOf(body, 'customId'), stringOf(body, 'messageId'), placeOf(body)];
      return () => {
        const { id: interactionId, token } = people.press(customId, messageId, place);
        return { interactionId, token };
      };
    },
  },
  'POST /emulator/react': {
    what: 'somebody reacts to a message',
    fields: { emoji: 'with what', messageId: 'to which', ...placeFields },
    schedulable: true,
    prepare: (body, { people }) => {
      const [emoji, messageId, place] = [stringOf(body, 'emoji'), stringOf(body, 'messageId'), placeOf(body)];
      return () => {
        people.react(emoji, messageId, place);
        return {};
      };
    },
  },
  'POST /emulator/join': {
    what: 'somebody joins a guild; the answer is the member',
    fields: { guildId: 'which', name: 'of somebody new', userId: 'of somebody who had left' },
    schedulable: true,
    prepare: (body, { people }) => {
      const guildId = stringOf(body, 'guildId');
      const [name, userId] = [optionalStringOf(body, 'name'), optionalStringOf(body, 'userId')];
      const who = { ...(name === undefined ? {} : { name }), ...(userId === undefined ? {} : { userId }) };
      return () => people.join(guildId, who);
    },
  },
  'POST /emulator/leave': {
    what: 'somebody leaves a guild',
    fields: { guildId: 'which', userId: 'who' },
    schedulable: true,
    prepare: (body, { people }) => {
      const [guildId, userId] = [stringOf(body, 'guildId'), stringOf(body, 'userId')];
      return () => {
        people.leave(guildId, userId);
        return {};
      };
    },
  },
  'POST /emulator/presence': {
    what: "somebody's presence changes",
    fields: { guildId: 'where', userId: 'whose', status: `one of ${statuses.join(', ')}` },
    schedulable: true,
    prepare: (body, { people }) => {
      const [guildId, userId] = [stringOf(body, 'guildId'), stringOf(body, 'userId')];
      const status = choiceOf(body, 'status', statuses);
      return () => {
        people.setStatus(guildId, userId, status);
        return {};
      };
    },
  },
  'POST /emulator/voice': {
    what: 'somebody joins, changes or leaves a voice channel',
    fields: { guildId: 'where', userId: 'who', channelId: 'the channel; null hangs up' },
    schedulable: true,
    prepare: (body, { people }) => {
      const [guildId, userId] = [stringOf(body, 'guildId'), stringOf(body, 'userId')];
      const channelId = body['channelId'] === null ? null : stringOf(body, 'channelId');
      return () => {
        people.moveVoice(guildId, userId, channelId);
        return {};
      };
    },
  },
  'POST /emulator/event': {
    what: 'any event, as it stands: `{ id }`, under which it is booked',
    fields: {
      t: 'its type',
      d: 'its data, an object',
      guildId: 'decides the shard; without it shard 0',
      intents: 'bits of which a session needs one; without it they follow from the type',
    },
    schedulable: true,
    prepare: (body, { people }) => {
      const { d } = body;
      if (!isObject(d)) throw badRequest('"d" must be an object');
      const type = stringOf(body, 't');
      const guildId = optionalStringOf(body, 'guildId') ?? null;
      const intents = numberOf(body, 'intents', { min: 0, max: 2 ** 31 - 1 });
      return () => ({ id: people.event(type, d, { guildId, ...(intents === undefined ? {} : { intents }) }) });
    },
  },
  'GET /emulator/posted': {
    what: 'what the bot did by REST, in order: `{ count, posted }`',
    fields: {
      after: 'only what came after this `n`',
      channelId: 'only in this channel',
      interactionId: 'only in answer to this interaction',
      kind: `only one of ${deedKinds.join(', ')}`,
    },
    prepare: (body, { posted }) => {
      const filter = filterOf(body);
      return () => ({ count: posted.count, posted: posted.list(filter) });
    },
  },
  'GET /emulator/guilds': {
    what: 'the guilds with their channels: `{ total, guilds }`',
    fields: { from: 'the number of the first, 0 by default', limit: `how many, 20 by default, at most ${mostGuilds}` },
    prepare: (body, { world }) => {
      const from = wholeOf(body, 'from', Number.MAX_SAFE_INTEGER) ?? 0;
      const limit = wholeOf(body, 'limit', mostGuilds) ?? 20;
      return () => guildsPage(world, from, limit);
    },
  },
};

function guildsPage(world: World, from: number, limit: number): unknown {
  const count = Math.max(0, Math.min(limit, world.guildCount - from));
  const guilds = Array.from({ length: count }, (_, number) => world.guildAt(from + number));
  return {
    total: world.guildCount,
    guilds: guilds.map(({ id, name, memberCount, parts }) => {
      return { id, name, memberCount, channels: parts.channels.map(({ id, name, type }) => ({ id, name, type })) };
    }),
  };
}

function filterOf(body: Body): DeedFilter {
  const after = wholeOf(body, 'after', Number.MAX_SAFE_INTEGER);
  const [channelId, interactionId] = [optionalStringOf(body, 'channelId'), optionalStringOf(body, 'interactionId')];
  return {
    ...(after === undefined ? {} : { after }),
    ...(channelId === undefined ? {} : { channelId }),
    ...(interactionId === undefined ? {} : { interactionId }),
    ...(body['kind'] === undefined ? {} : { kind: choiceOf(body, 'kind', deedKinds) }),
  };
}

function placeOf(body: Body): Place {
  const direct = booleanOf(body, 'direct', false);
  const ids = ['guildId', 'channelId', 'userId'].flatMap((name) => {
    const id = optionalStringOf(body, name);
    return id === undefined ? [] : [[name, id]];
  });
  return { ...Object.fromEntries(ids), ...(direct ? { direct } : {}) };
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
