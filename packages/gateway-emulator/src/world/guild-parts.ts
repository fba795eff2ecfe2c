/**
 * What a guild consists of beside its members, in the shapes that Discord sends: channels of each kind, threads, roles,
 * emojis, stickers, a scheduled event, a stage that is on, a soundboard. Made from seed and index alone.
 */
import { seededRandom } from '@dshard/transport';
import type {
  APIEmoji,
  APIGuildScheduledEvent,
  APIRole,
  APISoundboardSound,
  APIStageInstance,
  APISticker,
  ChannelType,
  GatewayGuildCreateDispatchData,
} from 'discord-api-types/v10';
import { idIn } from './snowflakes.js';
import { pick, seedOf } from './chance.js';
import { joinedAt, noFlags } from './users.js';

export type GuildChannel = GatewayGuildCreateDispatchData['channels'][number];
export type GuildThread = GatewayGuildCreateDispatchData['threads'][number];

export type GuildParts = {
  name: string;
  channels: readonly GuildChannel[];
  threads: readonly GuildThread[];
  roles: readonly APIRole[];
  emojis: readonly APIEmoji[];
  stickers: readonly APISticker[];
  scheduledEvents: readonly APIGuildScheduledEvent[];
  stageInstances: readonly APIStageInstance[];
  sounds: readonly APISoundboardSound[];
};

const guildWords = ['Autumn', 'Brass', 'Cobalt', 'Dawn', 'Ember', 'Fjord', 'Granite', 'Harbor'];
const channelNames = ['general', 'random', 'memes', 'support', 'music', 'bots', 'off-topic', 'events'];
const emojiNames = ['wave', 'party', 'thinking', 'shrug'];

/** Channel types, by Discord's numbers. */
export const channelTypes: {
  text: ChannelType.GuildText;
  voice: ChannelType.GuildVoice;
  category: ChannelType.GuildCategory;
  announcement: ChannelType.GuildAnnouncement;
  publicThread: ChannelType.PublicThread;
  stage: ChannelType.GuildStageVoice;
  forum: ChannelType.GuildForum;
} = { text: 0, voice: 2, category: 4, announcement: 5, publicThread: 11, stage: 13, forum: 15 };

/** What members may do: view, send, react, connect, speak and the like. */
const memberPermissions = '2248473465835073';
const administrator = '8';

/** Apart from the rest: whoever only writes in a guild needs nothing else of it. */
export function guildChannels(seed: number, index: number): GuildChannel[] {
  const random = seededRandom(seedOf(seed, index));
  const textCount = 2 + Math.floor(random.next() * 4);
  return makeChannels(
    index,
    Array.from({ length: textCount }, (_, number) => `${pick(random, channelNames)}-${number}`),
  );
}

export function guildParts(
  seed: number,
  index: number,
  known: { channels: readonly GuildChannel[]; ownerId: string; botId: string },
): GuildParts {
  const { channels, ownerId, botId } = known;
  const random = seededRandom(seedOf(seed, index, -1));
  const id = (kind: Parameters<typeof idIn>[1], number = 0): string => idIn(index, kind, number);
  const guildId = id('guild');
  const stage = channels.find(({ type }) => type === channelTypes.stage);
  const firstText = channels.find(({ type }) => type === channelTypes.text);
  const emojis = emojiNames
    .slice(0, 1 + Math.floor(random.next() * emojiNames.length))
    .map((name, number): APIEmoji => ({
      id: id('emoji', number),
      name,
      roles: [],
      require_colons: true,
      managed: false,
      animated: number % 2 === 1,
      available: true,
    }));
  return {
    name: `${pick(random, guildWords)} ${index}`,
    channels,
    threads: firstText === undefined ? [] : [makeThread(index, firstText.id, ownerId)],
    roles: makeRoles(index, botId),
    emojis,
    stickers: [
      {
        id: id('sticker'),
        name: 'hello',
        description: 'Somebody waves',
        tags: 'wave',
        type: 2,
        format_type: 1,
        available: true,
        guild_id: guildId,
      },
    ],
    scheduledEvents: stage === undefined ? [] : [makeScheduledEvent(index, stage.id, ownerId)],
    stageInstances:
      stage === undefined
        ? []
        : [
            {
              id: id('stage'),
              guild_id: guildId,
              channel_id: stage.id,
              topic: 'Questions and answers',
              privacy_level: 2,
              discoverable_disabled: true,
            },
          ],
    sounds: [
      {
        name: 'airhorn',
        sound_id: id('sound'),
        volume: 1,
        emoji_id: null,
        emoji_name: '📣',
        guild_id: guildId,
        available: true,
      },
    ],
  };
}

function makeChannels(index: number, texts: readonly string[]): GuildChannel[] {
  let made = 0;
  const common = () => {
    const position = made;
    made += 1;
    return {
      id: idIn(index, 'channel', position),
      position,
      permission_overwrites: [],
      nsfw: false,
      flags: noFlags,
    };
  };
  const category: GuildChannel = { ...common(), type: channelTypes.category, name: 'Community', parent_id: null };
  const parent_id = category.id;
  const text = (name: string): GuildChannel => ({
    ...common(),
    type: channelTypes.text,
    name,
    parent_id,
    topic: null,
    last_message_id: null,
    rate_limit_per_user: 0,
  });
  const spoken = { parent_id, bitrate: 64_000, user_limit: 0, rtc_region: null, last_message_id: null };
  return [
    category,
    ...texts.map(text),
    {
      ...common(),
      type: channelTypes.announcement,
      name: 'announcements',
      parent_id,
      topic: 'News',
      last_message_id: null,
    },
    { ...common(), type: channelTypes.voice, name: 'Lounge', ...spoken, rate_limit_per_user: 0 },
    { ...common(), type: channelTypes.stage, name: 'Stage', ...spoken, rate_limit_per_user: 0 },
    {
      ...common(),
      type: channelTypes.forum,
      name: 'help',
      parent_id,
      topic: null,
      last_message_id: null,
      rate_limit_per_user: 0,
      available_tags: [],
      default_reaction_emoji: null,
      default_sort_order: null,
      default_forum_layout: 0,
    },
  ];
}

function makeThread(index: number, parentId: string, ownerId: string): GuildThread {
  return {
    id: idIn(index, 'thread'),
    type: channelTypes.publicThread,
    guild_id: idIn(index, 'guild'),
    parent_id: parentId,
    owner_id: ownerId,
    name: 'introductions',
    last_message_id: null,
    rate_limit_per_user: 0,
    message_count: 0,
    member_count: 1,
    total_message_sent: 0,
    flags: noFlags,
    thread_metadata: {
      archived: false,
      auto_archive_duration: 1440,
      archive_timestamp: joinedAt,
      locked: false,
      create_timestamp: joinedAt,
    },
  };
}

function makeRoles(index: number, botId: string): APIRole[] {
  const role = (number: number, name: string, color: number, more: Partial<APIRole> = {}): APIRole => ({
    id: number === 0 ? idIn(index, 'guild') : idIn(index, 'role', number),
    name,
    color,
    colors: { primary_color: color, secondary_color: null, tertiary_color: null },
    hoist: number > 2,
    icon: null,
    unicode_emoji: null,
    position: number,
    permissions: memberPermissions,
    managed: false,
    mentionable: number > 0,
    flags: noFlags,
    ...more,
  });
  return [
    role(0, '@everyone', 0),
    role(1, 'Newcomer', 0x2e_cc_71),
    role(2, 'Regular', 0x34_98_db),
    role(3, 'Moderator', 0xe9_1e_63),
    role(4, 'emulated-bot', 0, {
      managed: true,
      mentionable: false,
      permissions: administrator,
      tags: { bot_id: botId },
    }),
  ];
}

/** The roles that ordinary members may have, and the bot's own. */
export function rolesOfMembers(index: number): { members: string[]; bot: string[] } {
  return { members: [1, 2, 3].map((number) => idIn(index, 'role', number)), bot: [idIn(index, 'role', 4)] };
}

function makeScheduledEvent(index: number, channelId: string, creatorId: string): APIGuildScheduledEvent {
  return {
    id: idIn(index, 'event'),
    guild_id: idIn(index, 'guild'),
    channel_id: channelId,
    creator_id: creatorId,
    name: 'Town hall',
    description: 'Everybody is welcome',
    scheduled_start_time: '2030-01-01T18:00:00.000000+00:00',
    scheduled_end_time: null,
    privacy_level: 2,
    status: 1,
    entity_type: 1,
    entity_id: null,
    entity_metadata: null,
    user_count: 1,
    image: null,
    recurrence_rule: null,
  };
}
