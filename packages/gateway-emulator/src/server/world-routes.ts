/** The HTTP side of the world: what people do at somebody's bidding, and what the bot posted. Bodies are JSON; unknown fields are refused. */
import { EmulatorError } from '../errors.js';
import type { OptionValues } from '../world/interaction-events.js';
import type { People, Place } from '../world/people.js';
import type { Deed, DeedFilter, Posted } from '../world/posted.js';
import type { Status } from '../world/users.js';
import type { World } from '../world/world.js';
import type { HttpHandler } from './http.js';

export type WorldRoutesOptions = { world: World; people: People; posted: Posted };

type Body = Record<string, unknown>;
type Route = { fields: readonly string[]; run: (body: Body) => unknown };

const placeFields = ['guildId', 'channelId', 'userId', 'direct'];
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

export function worldRoutes({ world, people, posted }: WorldRoutesOptions): HttpHandler {
  const routes: Record<string, Route> = {
    '/emulator/say': {
      fields: ['content', ...placeFields],
      run: (body) => people.say(text(body, 'content'), placeOf(body)),
    },
    '/emulator/command': {
      fields: ['name', 'options', ...placeFields],
      run: (body) => {
        const { id, token, guildId, channelId } = people.useCommand(text(body, 'name'), optionsOf(body), placeOf(body));
        return { interactionId: id, token, guildId, channelId };
      },
    },
    '/emulator/press': {
      fields: ['customId', 'messageId', ...placeFields],
      run: (body) => {
        const { id, token } = people.press(text(body, 'customId'), text(body, 'messageId'), placeOf(body));
        return { interactionId: id, token };
      },
    },
    '/emulator/react': {
      fields: ['emoji', 'messageId', ...placeFields],
      run: (body) => people.react(text(body, 'emoji'), text(body, 'messageId'), placeOf(body)),
    },
    '/emulator/join': {
      fields: ['guildId', 'name', 'userId'],
      run: (body) => people.join(text(body, 'guildId'), texts(body, ['name', 'userId'])),
    },
    '/emulator/leave': {
      fields: ['guildId', 'userId'],
      run: (body) => people.leave(text(body, 'guildId'), text(body, 'userId')),
    },
    '/emulator/presence': {
      fields: ['guildId', 'userId', 'status'],
      run: (body) => people.setStatus(text(body, 'guildId'), text(body, 'userId'), oneOf(body, 'status', statuses)),
    },
    '/emulator/voice': {
      fields: ['guildId', 'userId', 'channelId'],
      run: (body) => {
        const channelId = body['channelId'] === null ? null : text(body, 'channelId');
        people.moveVoice(text(body, 'guildId'), text(body, 'userId'), channelId);
      },
    },
    '/emulator/event': {
      fields: ['t', 'd', 'guildId', 'intents'],
      run: (body) => {
        const { d, intents = 0 } = body;
        if (typeof d !== 'object' || d === null) throw badRequest('"d" must be an object');
        if (!Number.isSafeInteger(intents)) throw badRequest('"intents" must be an integer');
        const guildId = body['guildId'] === undefined || body['guildId'] === null ? null : text(body, 'guildId');
        return { id: people.event(text(body, 't'), d, { guildId, intents: Number(intents) }) };
      },
    },
  };
  return async ({ method, path, query, readBody }) => {
    if (method === 'GET' && path === '/emulator/posted') {
      return { status: 200, body: { count: posted.count, posted: posted.list(filterOf(query)) } };
    }
    if (method === 'GET' && path === '/emulator/guilds') return { status: 200, body: guildsPage(world, query) };
    const route = method === 'POST' ? routes[path] : undefined;
    if (route === undefined) return null;
    const body = parseBody(await readBody(), route.fields);
    return { status: 200, body: route.run(body) ?? {} };
  };
}

/** Where things are: ids to use in the other calls. */
function guildsPage(world: World, query: URLSearchParams): unknown {
  const from = whole(query, 'from') ?? 0;
  const limit = Math.min(whole(query, 'limit') ?? 20, 200);
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

function filterOf(query: URLSearchParams): DeedFilter {
  for (const name of query.keys()) {
    if (!['after', 'channelId', 'interactionId', 'kind'].includes(name)) {
      throw badRequest(`"${name}" is not known here; known are after, channelId, interactionId, kind`);
    }
  }
  const [after, channelId, interactionId] = [whole(query, 'after'), query.get('channelId'), query.get('interactionId')];
  const kind = deedKinds.find((candidate) => candidate === query.get('kind'));
  if (query.get('kind') !== null && kind === undefined)
    throw badRequest(`"kind" must be one of ${deedKinds.join(', ')}`);
  return {
    ...(after === null ? {} : { after }),
    ...(channelId === null ? {} : { channelId }),
    ...(interactionId === null ? {} : { interactionId }),
    ...(kind === undefined ? {} : { kind }),
  };
}

function whole(query: URLSearchParams, name: string): number | null {
  const value = query.get(name);
  if (value === null) return null;
  if (!/^\d{1,15}$/.test(value)) throw badRequest(`"${name}" must be an integer from 0 on`);
  return Number(value);
}

function parseBody(given: string, fields: readonly string[]): Body {
  let value: unknown;
  try {
    value = given.trim() === '' ? {} : JSON.parse(given);
  } catch (cause) {
    throw badRequest('the body is not JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('the body is not a JSON object');
  for (const name of Object.keys(value)) {
    if (!fields.includes(name)) throw badRequest(`"${name}" is not known here; known are ${fields.join(', ')}`);
  }
  return { ...value };
}

function placeOf(body: Body): Place {
  if (body['direct'] !== undefined && typeof body['direct'] !== 'boolean')
    throw badRequest('"direct" must be true or false');
  return { ...texts(body, ['guildId', 'channelId', 'userId']), ...(body['direct'] === true ? { direct: true } : {}) };
}

function texts<Name extends string>(body: Body, names: readonly Name[]): { [name in Name]?: string } {
  const given = names.filter((name) => body[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, text(body, name)])) as { [name in Name]?: string };
}

function text(body: Body, name: string): string {
  const value = body[name];
  if (typeof value === 'string' && value !== '') return value;
  throw badRequest(`"${name}" must be a string that is not empty`);
}

function oneOf<T extends string>(body: Body, name: string, allowed: readonly T[]): T {
  const value = allowed.find((candidate) => candidate === body[name]);
  if (value === undefined) throw badRequest(`"${name}" must be one of ${allowed.join(', ')}`);
  return value;
}

function optionsOf({ options = {} }: Body): OptionValues {
  if (!isOptionValues(options)) {
    throw badRequest('"options" must be an object of strings, numbers, booleans, or such objects for subcommands');
  }
  return options;
}

function isOptionValues(value: unknown, depth = 0): value is OptionValues {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth > 2) return false;
  return Object.values(value).every(
    (inner) => ['string', 'number', 'boolean'].includes(typeof inner) || isOptionValues(inner, depth + 1),
  );
}

function badRequest(problem: string, cause?: unknown): EmulatorError {
  return new EmulatorError('DSO_EMULATOR_BAD_REQUEST', `The request is refused: ${problem}.`, { cause });
}
