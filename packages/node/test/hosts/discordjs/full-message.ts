/** What happens in a channel, in every field of a message that discord.js 14.28 reads. */
const GUILD_ID = '700000000000000000';
const CHANNEL_ID = '700000000000000021';
const REPLIED_TO = '800000000000000001';
const MESSAGE_ID = '800000000000000002';
const POLL_ID = '800000000000000003';
const FORWARD_ID = '800000000000000004';
const OLDER_ID = '799999999999999999';

const author = (number: number): object => ({
  id: `91000000000000000${number}`,
  username: `author-${number}`,
  // discord.js makes users of its own of those who vote, without this name.
  global_name: number === 1 ? null : `Author ${number}`,
  discriminator: '0',
  avatar: null,
  bot: false,
});

const plain = (id: string, content: string): Record<string, unknown> => ({
  id,
  channel_id: CHANNEL_ID,
  guild_id: GUILD_ID,
  type: 0,
  content,
  author: author(1),
  pinned: false,
  tts: false,
  timestamp: '2026-01-02T03:04:05.678000+00:00',
  edited_timestamp: null,
  flags: 0,
  embeds: [],
  components: [],
  attachments: [],
  mentions: [],
  mention_roles: [],
  mention_everyone: false,
});

const full = {
  ...plain(MESSAGE_ID, 'everything'),
  type: 19,
  pinned: true,
  tts: true,
  nonce: 'a nonce',
  position: 7,
  application_id: '900000000000000003',
  edited_timestamp: '2026-01-02T04:05:06.789000+00:00',
  flags: 4,
  embeds: [{ type: 'rich', title: 'A title', color: 255, fields: [{ name: 'n', value: 'v', inline: true }] }],
  components: [
    {
      type: 1,
      id: 1,
      components: [{ type: 2, id: 2, style: 1, custom_id: 'press', label: 'Press', emoji: { name: '🌱' } }],
    },
    { type: 17, id: 3, accent_color: 1, components: [{ type: 10, id: 4, content: 'text' }] },
  ],
  attachments: [
    {
      id: '800000000000000101',
      filename: 'picture.png',
      title: 'Picture',
      description: 'of something',
      content_type: 'image/png',
      size: 1234,
      url: 'https://cdn.example/picture.png',
      proxy_url: 'https://proxy.example/picture.png',
      height: 10,
      width: 20,
      ephemeral: true,
      duration_secs: 1.5,
      waveform: 'AAAA',
      flags: 4,
    },
    { id: '800000000000000102', filename: 'notes.txt', size: 1, url: 'https://cdn.example/n', proxy_url: 'https://p' },
  ],
  sticker_items: [{ id: '800000000000000103', name: 'sticker', format_type: 1 }],
  mentions: [author(2)],
  mention_roles: ['700000000000000011'],
  mention_everyone: true,
  mention_channels: [{ id: '800000000000000104', guild_id: '800000000000000105', type: 0, name: 'elsewhere' }],
  activity: { type: 3, party_id: 'a party' },
  role_subscription_data: {
    role_subscription_listing_id: '800000000000000106',
    tier_name: 'gold',
    total_months_subscribed: 3,
    is_renewal: true,
  },
  message_reference: { type: 0, channel_id: CHANNEL_ID, guild_id: GUILD_ID, message_id: REPLIED_TO },
  referenced_message: { ...plain(REPLIED_TO, 'before'), author: author(3) },
  interaction: { id: '800000000000000107', type: 2, name: 'command', user: author(4) },
  interaction_metadata: {
    id: '800000000000000107',
    type: 3,
    user: author(4),
    authorizing_integration_owners: { 0: GUILD_ID },
    original_response_message_id: '800000000000000108',
    interacted_message_id: '800000000000000109',
    triggering_interaction_metadata: {
      id: '800000000000000110',
      type: 2,
      user: author(5),
      authorizing_integration_owners: { 1: '910000000000000005' },
    },
  },
  reactions: [
    {
      emoji: { id: null, name: '🌻' },
      count: 3,
      count_details: { burst: 1, normal: 2 },
      me: false,
      me_burst: false,
      burst_colors: ['#fff'],
    },
  ],
};

const poll = {
  ...plain(POLL_ID, ''),
  poll: {
    question: { text: 'Which?' },
    answers: [
      { answer_id: 1, poll_media: { text: 'this', emoji: { id: null, name: '🌱' } } },
      { answer_id: 2, poll_media: { text: 'that' } },
    ],
    results: { is_finalized: false, answer_counts: [{ id: 1, count: 4, me_voted: false }] },
    allow_multiselect: true,
    layout_type: 1,
    expiry: '2026-02-02T03:04:05.678000+00:00',
  },
};

const forward = {
  ...plain(FORWARD_ID, ''),
  message_reference: {
    type: 1,
    channel_id: '800000000000000104',
    guild_id: '800000000000000105',
    message_id: '800000000000000111',
  },
  message_snapshots: [
    { message: { type: 0, content: 'forwarded', embeds: [], attachments: [], flags: 0, mentions: [] } },
  ],
};

const reaction = (user: number, name: string): object => ({
  user_id: `91000000000000000${user}`,
  message_id: MESSAGE_ID,
  channel_id: CHANNEL_ID,
  guild_id: GUILD_ID,
  emoji: { id: null, name },
  member: { user: author(user), roles: [], joined_at: '2023-01-02T03:04:05.678000+00:00', flags: 0 },
  burst: false,
  type: 0,
});

export const MESSAGES: { first: string; older: string; full: string; poll: string } = {
  first: REPLIED_TO,
  older: OLDER_ID,
  full: MESSAGE_ID,
  poll: POLL_ID,
};

/** Packets, in order. */
export const SCHEDULEDS: readonly (readonly [type: string, data: object])[] = [
  ['MESSAGE_CREATE', full],
  ['MESSAGE_CREATE', poll],
  ['MESSAGE_CREATE', forward],
  ['MESSAGE_REACTION_ADD', reaction(1, '🌻')],
  ['MESSAGE_REACTION_ADD', reaction(2, '🌵')],
  [
    'MESSAGE_POLL_VOTE_ADD',
    { user_id: '910000000000000001', message_id: POLL_ID, channel_id: CHANNEL_ID, guild_id: GUILD_ID, answer_id: 2 },
  ],
];

export const LATER: readonly (readonly [type: string, data: object])[] = [
  ['MESSAGE_UPDATE', { ...plain(MESSAGE_ID, 'edited'), edited_timestamp: '2026-01-02T05:06:07.890000+00:00' }],
  ['MESSAGE_DELETE', { id: POLL_ID, channel_id: CHANNEL_ID, guild_id: GUILD_ID }],
  ['MESSAGE_REACTION_ADD', { ...reaction(1, '🌵'), message_id: REPLIED_TO }],
  [
    'MESSAGE_CREATE',
    {
      ...plain('800000000000000005', 'the last'),
      type: 19,
      message_reference: { type: 0, channel_id: CHANNEL_ID, guild_id: GUILD_ID, message_id: OLDER_ID },
      referenced_message: plain(OLDER_ID, 'older than the cache'),
    },
  ],
];
