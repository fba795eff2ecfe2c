/**
 * MESSAGE_CREATE as Discord sends it. The content ends in the channel's counter, for people; `nonce` is
 * `<channel id>:<counter>`, for programs: a channel's counters are 1, 2, 3, … in the order of emission.
 */
import type { Ms, Random } from '@dshard/transport';
import { intents } from '../core/discord.js';
import type { TrafficEvent } from '../core/dispatch.js';
import { pick } from './seeded-random.js';
import type { Channel, DirectChannel, Guild, User } from './world.js';
import { memberFields } from './world.js';

export function guildMessage(guild: Guild, random: Random, id: string, now: Ms): TrafficEvent {
  const channel = pick(random, guild.channels);
  const author = pick(random, guild.members);
  const json = JSON.stringify({ ...message(channel, author, id, now), guild_id: guild.id, member: memberFields() });
  return { id, type: 'MESSAGE_CREATE', json, route: guild.route, intents: intents.guildMessages };
}

/** Events without a guild go to shard 0. */
export function directMessage(direct: DirectChannel, id: string, now: Ms): TrafficEvent {
  const json = JSON.stringify({ ...message(direct.channel, direct.user, id, now), channel_type: 1 });
  return { id, type: 'MESSAGE_CREATE', json, route: null, intents: intents.directMessages };
}

function message(channel: Channel, author: User, id: string, now: Ms): Record<string, unknown> {
  channel.messages += 1;
  return {
    id,
    type: 0,
    channel_id: channel.id,
    author,
    content: `Message in #${channel.name}, number ${channel.messages}`,
    timestamp: new Date(now).toISOString(),
    edited_timestamp: null,
    tts: false,
    mention_everyone: false,
    mentions: [],
    mention_roles: [],
    attachments: [],
    embeds: [],
    components: [],
    pinned: false,
    flags: 0,
    nonce: `${channel.id}:${channel.messages}`,
  };
}
