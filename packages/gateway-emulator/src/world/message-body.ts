/** What somebody says: the body of Discord's "Create Message" read without trust, and the message it becomes. */
import type { APIMessage } from 'discord-api-types/v10';
import { readComponents } from './components.js';
import { listField, objectField } from './fields.js';
import type { Guild } from './guild.js';
import { RestError, invalidField } from './rest-error.js';
import { userJson, type User } from './users.js';

/** The part of a message that its author decides. Embeds and components are passed on as they came. */
export type MessageBody = {
  content: string;
  tts: boolean;
  embeds: unknown[];
  components: unknown[];
  flags: number;
  nonce: string | number | null;
  replyTo: string | null;
  stickerIds: string[];
  files: { id: string; filename: string; size: number }[];
  poll: unknown;
};

export const ephemeralFlag: number = 1 << 6;
const maxContent = 2_000;
const maxEmbeds = 10;
/** What clients may set: SUPPRESS_EMBEDS, EPHEMERAL, SUPPRESS_NOTIFICATIONS, IS_VOICE_MESSAGE, IS_COMPONENTS_V2. */
const settableFlags = (1 << 2) | ephemeralFlag | (1 << 12) | (1 << 13) | (1 << 15);

export type UploadedFile = { filename: string; size: number };

/** Throws RestError with the field that is wrong. `mayBeEmpty`: an edit need not say anything. */
export function readMessageBody(
  value: unknown,
  files: readonly UploadedFile[] = [],
  { mayBeEmpty = false }: { mayBeEmpty?: boolean } = {},
): MessageBody {
  const given = objectField(value, []);
  const body: MessageBody = {
    content: readContent(given['content']),
    tts: given['tts'] === true,
    embeds: listField(given['embeds'], ['embeds'], maxEmbeds),
    components: readComponents(given['components']),
    flags: typeof given['flags'] === 'number' ? given['flags'] & settableFlags : 0,
    nonce: typeof given['nonce'] === 'string' || typeof given['nonce'] === 'number' ? given['nonce'] : null,
    replyTo: readReference(given['message_reference']),
    stickerIds: listField(given['sticker_ids'], ['sticker_ids'], 3).map(String),
    files: files.map((file, index) => ({ id: String(index), ...file })),
    poll: given['poll'] ?? null,
  };
  const says = body.content !== '' || body.poll !== null;
  const shows = [body.embeds, body.components, body.stickerIds, body.files].some((list) => list.length > 0);
  if (!says && !shows && !mayBeEmpty) throw new RestError('emptyMessage');
  return body;
}

export type Placed = {
  id: string;
  channelId: string;
  guild: Guild | null;
  author: User;
  at: number;
  /** The message it answers, when it is known. */
  referenced: APIMessage | null;
  more?: Partial<APIMessage>;
};

export function messageOf(body: MessageBody, placed: Placed): APIMessage {
  const { id, channelId, guild, author, at, referenced } = placed;
  const mentioned = [...body.content.matchAll(/<@!?(\d{1,20})>/g)].flatMap(
    ([, userId]) => guild?.member(userId ?? '')?.user ?? [],
  );
  const guildId = guild === null ? {} : { guild_id: guild.id };
  return {
    id,
    type: body.replyTo === null ? 0 : 19,
    channel_id: channelId,
    author: userJson(author),
    content: body.content,
    timestamp: new Date(at).toISOString(),
    edited_timestamp: null,
    tts: body.tts,
    mention_everyone: /@everyone|@here/.test(body.content),
    mentions: mentioned.map(userJson),
    mention_roles: [],
    attachments: body.files.map((file) => ({
      ...file,
      url: `https://cdn.invalid/${channelId}/${id}/${file.filename}`,
      proxy_url: `https://media.invalid/${channelId}/${id}/${file.filename}`,
    })),
    embeds: body.embeds.map((embed) => ({ type: 'rich', ...(embed as object) })) as APIMessage['embeds'],
    components: body.components as NonNullable<APIMessage['components']>,
    pinned: false,
    flags: body.flags,
    ...(body.nonce === null ? {} : { nonce: body.nonce }),
    ...(body.replyTo === null
      ? {}
      : {
          message_reference: { type: 0, message_id: body.replyTo, channel_id: channelId, ...guildId },
          referenced_message: referenced,
        }),
    ...placed.more,
  };
}

function readContent(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw invalidField(['content'], 'STRING_TYPE_CONVERT', `Could not interpret "${JSON.stringify(value)}" as string.`);
  }
  const content = String(value);
  if (content.length > maxContent) {
    throw invalidField(['content'], 'BASE_TYPE_MAX_LENGTH', `Must be ${maxContent} or fewer in length.`);
  }
  return content.trim();
}

function readReference(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const { message_id } = value as { message_id?: unknown };
  return typeof message_id === 'string' ? message_id : null;
}
