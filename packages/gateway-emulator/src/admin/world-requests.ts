/** The world over HTTP: what people do at somebody's bidding, and what the bot posted. */
import { knownIntents } from '../core/discord.js';
import { isObject } from '../core/json.js';
import { badRequest } from '../errors.js';
import { partKinds, type GuildEdit } from '../world/guild-edits.js';
import type { RestAction, RestActionFilter } from '../world/rest-actions.js';
import type { Status } from '../world/users.js';
import type { World } from '../world/world.js';
import { choiceOf, numberOf, stringOf, stringsOf, wholeOf, placeFields, placeOf, type Body } from './body.js';
import { interactionRequests } from './interaction-requests.js';
import type { AdminRequests, RequestContext } from './request.js';

const statuses: readonly Status[] = ['online', 'idle', 'dnd', 'offline'];
const actionKinds: readonly RestAction['kind'][] = [
  'message',
  'edit',
  'delete',
  'reaction',
  'typing',
  'deferral',
  'choices',
  'modal',
];

const guildAndUser = { guildId: 'where', userId: 'who' };

const editKinds = ['guild', 'member', 'threadMember', 'threadList', ...partKinds] as const;

/** Guilds of one page, and of one page at most. */
const pageSize = 20;
const maxPageSize = 200;

export const worldRequests: AdminRequests = {
  'GET /emulator/guilds': {
    what: 'guilds and their channels: ids to use in the other requests',
    query: { from: 'the first one; default 0', limit: `how many; default ${pageSize}, at most ${maxPageSize}` },
    fields: {},
    prepare:
      (_body, { world, query }) =>
      () =>
        guildsPage(world, query),
  },
  'GET /emulator/guild': {
    what: 'a whole guild, as GUILD_CREATE shows it to a session',
    query: {
      guildId: 'which; default the first',
      intents: 'of the session; default all',
      largeThreshold: 'of the session; default 250',
    },
    fields: {},
    prepare: (_body, context) => () => wholeGuild(context),
  },
  'POST /emulator/edit': {
    what: 'somebody who runs a guild changes it, a member, or one of its parts',
    fields: {
      guildId: 'where',
      kind: `what: ${editKinds.join(', ')}`,
      action: '`create`, `update` or `delete` a part; `join` or `leave` a thread',
      id: 'of the part, the member or the thread',
      userId: 'who joins or leaves the thread',
      data: 'the fields that are new, as Discord names them; of a member `nick` and `roles`',
    },
    prepare: (body, { people }) => {
      const [guildId, edit] = [stringOf(body, 'guildId'), editOf(body)];
      return () => people.edit(guildId, edit) ?? {};
    },
  },
  'GET /emulator/posted': {
    what: 'what the bot did by REST, oldest first',
    query: {
      after: 'only what came after so many',
      channelId: 'only there',
      interactionId: 'only in answer to it',
      kind: actionKinds.join(', '),
    },
    fields: {},
    prepare: (_body, { posted, query }) => {
      const filter = filterOf(query);
      return () => ({ count: posted.count, posted: posted.list(filter) });
    },
  },
  'POST /emulator/say': {
    what: 'somebody writes a message; answers it',
    fields: { content: 'what', ...placeFields },
    prepare: (body, { people }) => {
      const [content, place] = [stringOf(body, 'content'), placeOf(body)];
      return () => people.say(content, place);
    },
  },
  ...interactionRequests,
  'POST /emulator/react': {
    what: 'somebody reacts to a message',
    fields: { emoji: 'with what', messageId: 'to which message', ...placeFields },
    prepare: (body, { people }) => {
      const [emoji, messageId, place] = [stringOf(body, 'emoji'), stringOf(body, 'messageId'), placeOf(body)];
      return () => people.react(emoji, messageId, place) ?? {};
    },
  },
  'POST /emulator/join': {
    what: 'somebody joins a guild, anew or again',
    fields: { guildId: 'where', name: 'of somebody new', userId: 'of somebody who was there' },
    prepare: (body, { people }) => {
      const [guildId, who] = [stringOf(body, 'guildId'), stringsOf(body, ['name', 'userId'])];
      return () => people.join(guildId, who) ?? {};
    },
  },
  'POST /emulator/leave': {
    what: 'a member leaves',
    fields: guildAndUser,
    prepare: (body, { people }) => {
      const [guildId, userId] = [stringOf(body, 'guildId'), stringOf(body, 'userId')];
      return () => people.leave(guildId, userId) ?? {};
    },
  },
  'POST /emulator/presence': {
    what: 'a member goes online or offline',
    fields: { ...guildAndUser, status: statuses.join(', ') },
    prepare: (body, { people }) => {
      const [guildId, userId] = [stringOf(body, 'guildId'), stringOf(body, 'userId')];
      const status = choiceOf(body, 'status', statuses);
      return () => people.setStatus(guildId, userId, status) ?? {};
    },
  },
  'POST /emulator/voice': {
    what: 'a member joins, changes or leaves a voice channel',
    fields: { ...guildAndUser, channelId: 'which channel; `null` leaves' },
    prepare: (body, { people }) => {
      const [guildId, userId] = [stringOf(body, 'guildId'), stringOf(body, 'userId')];
      const channelId = body['channelId'] === null ? null : stringOf(body, 'channelId');
      return () => people.moveVoice(guildId, userId, channelId) ?? {};
    },
  },
  'POST /emulator/event': {
    what: 'any event at all',
    fields: {
      t: 'its type',
      d: 'its data',
      guildId: 'of which guild; without it shard 0',
      intents: 'bits, of which a session needs one; by default they follow from the type',
    },
    prepare: (body, { people }) => {
      const { d } = body;
      const t = stringOf(body, 't');
      if (typeof d !== 'object' || d === null) throw badRequest('"d" must be an object');
      const intents = numberOf(body, 'intents', { min: 0, max: 2 ** 31 - 1 });
      const guildId = body['guildId'] === undefined || body['guildId'] === null ? null : stringOf(body, 'guildId');
      return () => ({ id: people.event(t, d, { guildId, ...(intents === undefined ? {} : { intents }) }) });
    },
  },
};

function guildsPage(world: World, query: URLSearchParams): unknown {
  const from = wholeOf(query, 'from') ?? 0;
  const limit = Math.min(wholeOf(query, 'limit') ?? pageSize, maxPageSize);
  const indices = Array.from({ length: Math.max(0, Math.min(limit, world.guildCount - from)) }, (_, n) => from + n);
  return {
    total: world.guildCount,
    guilds: indices.map((index) => {
      const guild = world.guildAt(index);
      const channels = guild.parts.channels.map(({ id, name, type }) => ({ id, name, type }));
      return { id: guild.id, name: guild.name, memberCount: guild.memberCount, channels };
    }),
  };
}

function wholeGuild({ world, ownVoice, query }: RequestContext): unknown {
  const guildId = query.get('guildId');
  if (world.guildCount === 0) throw badRequest('the world has no guilds');
  const guild = guildId === null ? world.guildAt(0) : world.guild(guildId);
  if (guild === null) throw badRequest(`there is no guild ${guildId}`);
  const intents = wholeOf(query, 'intents') ?? knownIntents;
  const reader = { intents, largeThreshold: wholeOf(query, 'largeThreshold') ?? 250 };
  return JSON.parse(guild.createJson(reader, ownVoice(guild)));
}

function editOf(body: Body): GuildEdit {
  const kind = choiceOf(body, 'kind', editKinds);
  const { data = {} } = body;
  if (!isObject(data)) throw badRequest('"data" must be an object');
  if (kind === 'threadList') return { kind };
  if (kind === 'guild') return { kind, data };
  if (kind === 'member') return { kind, id: stringOf(body, 'id'), data };
  if (kind === 'threadMember') {
    const action = choiceOf(body, 'action', ['join', 'leave'] as const);
    return { kind, action, id: stringOf(body, 'id'), userId: stringOf(body, 'userId') };
  }
  const action = choiceOf(body, 'action', ['create', 'update', 'delete'] as const);
  if (action === 'create') return { kind, action, data };
  const id = stringOf(body, 'id');
  return action === 'delete' ? { kind, action, id } : { kind, action, id, data };
}

function filterOf(query: URLSearchParams): RestActionFilter {
  const [after, channelId, interactionId] = [
    wholeOf(query, 'after'),
    query.get('channelId'),
    query.get('interactionId'),
  ];
  const kind = actionKinds.find((candidate) => candidate === query.get('kind'));
  if (query.get('kind') !== null && kind === undefined)
    throw badRequest(`"kind" must be one of ${actionKinds.join(', ')}`);
  return {
    ...(after === null ? {} : { after }),
    ...(channelId === null ? {} : { channelId }),
    ...(interactionId === null ? {} : { interactionId }),
    ...(kind === undefined ? {} : { kind }),
  };
}
