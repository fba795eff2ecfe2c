/**
 * MESSAGE_CREATE of the traffic, as Discord sends it. The content ends in the channel's counter, for people; `nonce` is
 * `<channel id>:<counter>`, for programs: a channel's counters are 1, 2, 3, … in the order of emission.
 *
 * Thousands are made a second by the process that measures others, so what never changes is written once.
 */
import type { Ms, Random } from '@dshard/transport';
import { intents } from '../core/discord.js';
import type { TrafficEvent } from '../core/dispatch.js';
import type { Guild } from './guild.js';
import { pick } from './chance.js';
import { memberFields, type Member } from './users.js';
import type { DirectChannel, World } from './world.js';

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

/** Who writes in a guild: not more, so that what they are can be kept. */
const writersPerGuild = 8;
const botNumber = -1;

export class MessageWriter {
  readonly #world: World;
  readonly #random: Random;
  #time: { at: Ms; iso: string } = { at: Number.NaN, iso: '' };
  readonly #writers = new WeakMap<Guild, { version: number; json: Map<number, string> }>();

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  inGuild(guild: Guild, id: string, now: Ms): TrafficEvent {
    const channel = pick(this.#random, guild.textChannels);
    const number = this.#world.nextMessageNumber(channel.id, id);
    const head = `{"id":"${id}","channel_id":"${channel.id}","guild_id":"${guild.id}","content":"`;
    const content = `Message in #${channel.name}, number ${number}`;
    const nonce = `${channel.id}:${number}`;
    const tail = ['","timestamp":"', this.#iso(now), '","nonce":"', nonce, '",', this.#author(guild), ',', plainJson];
    return {
      id,
      type: 'MESSAGE_CREATE',
      // Joined and not added up: it is kept for replay, and should not hang together of a dozen pieces.
      json: [head, content, ...tail].join(''),
      jsonWithoutContent: () => [head, ...tail].join(''),
      route: guild.route,
      intents: intents.guildMessages,
    };
  }

  /** Many messages are made in one millisecond. */
  #iso(now: Ms): string {
    if (this.#time.at !== now) this.#time = { at: now, iso: new Date(now).toISOString() };
    return this.#time.iso;
  }

  /** Events without a guild go to shard 0. */
  direct(direct: DirectChannel, id: string, now: Ms): TrafficEvent {
    const number = this.#world.nextMessageNumber(direct.id, id);
    const own = JSON.stringify({
      id,
      channel_id: direct.id,
      channel_type: 1,
      content: `Message in #${direct.name}, number ${number}`,
      timestamp: new Date(now).toISOString(),
      nonce: `${direct.id}:${number}`,
      author: direct.user,
    }).slice(0, -1);
    return { id, type: 'MESSAGE_CREATE', json: `${own},${plainJson}`, route: null, intents: intents.directMessages };
  }

  /** `"author":…,"member":…` of one of the guild's writers. When all have left, the bot talks to itself. */
  #author(guild: Guild): string {
    const number = guild.drawPresent(this.#random, writersPerGuild) ?? botNumber;
    let known = this.#writers.get(guild);
    if (known?.version !== guild.peopleVersion) {
      this.#writers.set(guild, (known = { version: guild.peopleVersion, json: new Map() }));
    }
    let json = known.json.get(number);
    if (json === undefined) {
      json = authorJson(number === botNumber ? guild.botMember : guild.generated(number));
      known.json.set(number, json);
    }
    return json;
  }
}

function authorJson(member: Member): string {
  return `"author":${JSON.stringify(member.user)},"member":${JSON.stringify(memberFields(member))}`;
}
