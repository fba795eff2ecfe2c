/** MESSAGE_CREATE, _UPDATE and _DELETE of messages that are kept, the content hidden where Discord hides it. */
import type { APIMessage } from 'discord-api-types/v10';
import { intents } from '../core/discord.js';
import type { TrafficEvent } from '../core/dispatch.js';
import type { Guild } from './guild.js';
import { memberFields } from './users.js';

type Change = 'MESSAGE_CREATE' | 'MESSAGE_UPDATE';

/** `id`: how the event is booked; for MESSAGE_CREATE the message's own. `botId`: its own are never hidden. */
export function messageEvent(
  type: Change,
  message: APIMessage,
  guild: Guild | null,
  { id, botId }: { id: string; botId: string },
): TrafficEvent {
  const author = guild?.member(message.author.id) ?? null;
  const where = guild === null ? { channel_type: 1 } : { guild_id: guild.id };
  const data = { ...message, ...where, ...(author === null ? {} : { member: memberFields(author) }) };
  const toBot = message.author.id === botId || message.mentions.some((user) => user.id === botId);
  return {
    id,
    type,
    json: JSON.stringify(data),
    ...(guild === null || toBot
      ? {}
      : {
          jsonWithoutContent: () =>
            JSON.stringify({ ...data, content: '', embeds: [], attachments: [], components: [] }),
        }),
    route: guild?.route ?? null,
    intents: guild === null ? intents.directMessages : intents.guildMessages,
  };
}

export function messageDeleted(message: APIMessage, guild: Guild | null, id: string): TrafficEvent {
  const where = guild === null ? {} : { guild_id: guild.id };
  return {
    id,
    type: 'MESSAGE_DELETE',
    json: JSON.stringify({ id: message.id, channel_id: message.channel_id, ...where }),
    route: guild?.route ?? null,
    intents: guild === null ? intents.directMessages : intents.guildMessages,
  };
}
