/**
 * MESSAGE_CREATE as Discord sends it. The content ends in the channel's counter, for people; `nonce` is
 * `<channel id>:<counter>`, for programs: a channel's counters are 1, 2, 3, … in the order of emission.
 *
 * Thousands are made a second by the process that measures others, so what never changes is written once.
 */
import type { Ms, Random } from '@dshard/transport';
import { intents } from '../core/discord.js';
import type { TrafficEvent } from '../core/dispatch.js';
import { pick } from './seeded-random.js';
import type { Channel, DirectChannel, Guild, User } from './world.js';
import { memberFields } from './world.js';

const memberJson = JSON.stringify(memberFields());

const plainJson = JSON.stringify({
  type: 0,
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
}).slice(1);

const authorJson = new WeakMap<User, string>();

export function guildMessage(guild: Guild, random: Random, id: string, now: Ms): TrafficEvent {
  const channel = pick(random, guild.channels);
  const own = { ...ownFields(channel, id, now), guild_id: guild.id };
  const others = `,"author":${jsonOf(pick(random, guild.members))},"member":${memberJson},${plainJson}`;
  return {
    id,
    type: 'MESSAGE_CREATE',
    json: JSON.stringify(own).slice(0, -1) + others,
    jsonWithoutContent: () => JSON.stringify({ ...own, content: '' }).slice(0, -1) + others,
    route: guild.route,
    intents: intents.guildMessages,
  };
}

/** Events without a guild go to shard 0. */
export function directMessage(direct: DirectChannel, id: string, now: Ms): TrafficEvent {
  const own = JSON.stringify({ ...ownFields(direct.channel, id, now), channel_type: 1 }).slice(0, -1);
  const json = `${own},"author":${jsonOf(direct.user)},${plainJson}`;
  return { id, type: 'MESSAGE_CREATE', json, route: null, intents: intents.directMessages };
}

function ownFields(channel: Channel, id: string, now: Ms): Record<string, unknown> {
  channel.messages += 1;
  return {
    id,
    channel_id: channel.id,
    content: `Message in #${channel.name}, number ${channel.messages}`,
    timestamp: new Date(now).toISOString(),
    nonce: `${channel.id}:${channel.messages}`,
  };
}

function jsonOf(user: User): string {
  const known = authorJson.get(user);
  if (known !== undefined) return known;
  const json = JSON.stringify(user);
  authorJson.set(user, json);
  return json;
}
