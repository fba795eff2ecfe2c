/** Channels and messages. */
import { BotActs } from '../../world/bot-acts.js';
import { invalidField, RestError } from '../../world/rest-error.js';
import type { Stage } from '../../world/stage.js';
import { userJson } from '../../world/users.js';
import type { DirectChannel } from '../../world/world.js';
import type { RestRoute } from './rest-router.js';

export function channelRoutes(stage: Stage): RestRoute[] {
  const { world, messages } = stage;
  const acts = new BotActs(stage);
  const channelJson = (id: string): unknown => {
    const direct = world.directChannel(id);
    if (direct !== null) return directJson(direct);
    const place = world.channel(id);
    if (place === null) throw new RestError('unknownChannel');
    return { ...place.channel, guild_id: place.guild.id };
  };
  const message = '/channels/:channel/messages/:message';
  return [
    { method: 'GET', path: '/channels/:channel', run: ({ param }) => ({ body: channelJson(param('channel')) }) },
    {
      method: 'POST',
      path: '/channels/:channel/messages',
      run: async ({ param, sent }) => ({ body: acts.createMessage(param('channel'), await sent()) }),
    },
    {
      method: 'GET',
      path: '/channels/:channel/messages',
      run: ({ param, query }) => {
        channelJson(param('channel'));
        return { body: messages.history(param('channel'), readRange(query)) };
      },
    },
    {
      method: 'GET',
      path: message,
      run: ({ param }) => ({ body: acts.message(param('channel'), param('message')).message }),
    },
    {
      method: 'PATCH',
      path: message,
      run: async ({ param, sent }) => ({ body: acts.editMessage(param('channel'), param('message'), await sent()) }),
    },
    {
      method: 'DELETE',
      path: message,
      run: ({ param }) => {
        acts.deleteMessage(param('channel'), param('message'));
        return { body: null };
      },
    },
    {
      method: 'PUT',
      path: `${message}/reactions/:emoji/@me`,
      run: ({ param }) => {
        acts.react(param('channel'), param('message'), param('emoji'));
        return { body: null };
      },
    },
    {
      method: 'POST',
      path: '/channels/:channel/typing',
      run: ({ param }) => {
        acts.type(param('channel'));
        return { body: null };
      },
    },
    {
      method: 'POST',
      path: '/users/@me/channels',
      run: async ({ sent }) => {
        const { json } = await sent();
        const recipient =
          typeof json === 'object' && json !== null && 'recipient_id' in json ? String(json.recipient_id) : '';
        const direct = world.directChannels.find(({ user }) => user.id === recipient);
        if (direct === undefined)
          throw invalidField(['recipient_id'], 'INVALID_RECIPIENT', 'Cannot send messages to this user');
        return { body: directJson(direct) };
      },
    },
  ];
}

function directJson({ id, user }: DirectChannel): unknown {
  return { id, type: 1, last_message_id: null, flags: 0, recipients: [userJson(user)] };
}

function readRange(query: URLSearchParams): { limit: number; before: bigint | null; after: bigint | null } {
  const limit = Number(query.get('limit') ?? 50);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw invalidField(['limit'], 'NUMBER_TYPE_MAX', 'int value should be between 1 and 100.');
  }
  return { limit, before: readId(query, 'before'), after: readId(query, 'after') };
}

function readId(query: URLSearchParams, name: string): bigint | null {
  const value = query.get(name);
  if (value === null) return null;
  if (!/^\d{1,20}$/.test(value)) throw invalidField([name], 'NUMBER_TYPE_COERCE', `Value "${value}" is not snowflake.`);
  return BigInt(value);
}
