/**
 * Cached messages, as Discord sends them, with what discord.js knows of them besides: who reacted, who voted, whose
 * message was replied to.
 *
 * Not taken along: `resolved` of select menus' messages, and the application of an activity's invitation.
 */
import type { Attachment, Message, MessageInteractionMetadata, MessageReaction, Poll, Sticker } from 'discord.js';
import { answerEmojiOf, integrationOwnersOf, reactionEmojiOf } from './structures.js';
import { fieldsOf, isoDate, snakeCased, type Payload, type Table } from './fields.js';
import { userPayload } from './people.js';

export type MessageRecord = {
  message: Payload & { id: string };
  repliedUser?: Payload;
  /** By reaction, in their order. */
  reacted: readonly (readonly Payload[])[];
  /** By answer, in their order. */
  voted: readonly (readonly Payload[])[];
  snapshots: readonly MessageRecord[];
};

const MESSAGE: Table<Message> = [
  ['channel_id', 'channelId'],
  ['guild_id', 'guildId'],
  ['type', 'type'],
  ['content', 'content'],
  ['pinned', 'pinned'],
  ['tts', 'tts'],
  ['nonce', 'nonce'],
  ['position', 'position'],
  ['webhook_id', 'webhookId'],
  ['application_id', 'applicationId'],
  ['edited_timestamp', 'editedTimestamp', 'time'],
  ['flags', 'flags', 'flags'],
];

const ATTACHMENT: Table<Attachment> = [
  ['id', 'id'],
  ['filename', 'name'],
  ['title', 'title'],
  ['description', 'description'],
  ['content_type', 'contentType'],
  ['size', 'size'],
  ['url', 'url'],
  ['proxy_url', 'proxyURL'],
  ['height', 'height'],
  ['width', 'width'],
  ['ephemeral', 'ephemeral'],
  ['duration_secs', 'duration'],
  ['waveform', 'waveform'],
  ['flags', 'flags', 'flags'],
];

const STICKER_ITEM: Table<Sticker> = [
  ['id', 'id'],
  ['name', 'name'],
  ['format_type', 'format'],
];

export function messageRecord(message: Message): MessageRecord {
  const { repliedUser } = message.mentions;
  return {
    message: { ...messagePayload(message), id: message.id },
    ...(repliedUser !== null && { repliedUser: userPayload(repliedUser) }),
    reacted: message.reactions.cache.map(({ users }) => users.cache.map(userPayload)),
    voted: message.poll?.answers.map(({ voters }) => voters.cache.map(userPayload)) ?? [],
    snapshots: snapshotsOf(message),
  };
}

/** discord.js before 14.16 has none. */
function snapshotsOf({ messageSnapshots }: Partial<Pick<Message, 'messageSnapshots'>>): readonly MessageRecord[] {
  return messageSnapshots?.map((snapshot) => messageRecord(snapshot as unknown as Message)) ?? [];
}

function messagePayload(message: Message): Payload {
  const { activity, interactionMetadata, mentions, poll, reference, roleSubscriptionData } = message;
  // Only partial messages have none.
  const author = message.author as Message['author'] | null;
  return {
    ...said(fieldsOf(message, MESSAGE)),
    ...said({
      activity: snakeCased(activity),
      author: author && userPayload(author),
      interaction: interactionPayload(message),
      interaction_metadata: interactionMetadata && metadataPayload(interactionMetadata),
      message_reference: snakeCased(reference),
      poll: poll && pollPayload(poll),
      role_subscription_data: snakeCased(roleSubscriptionData),
    }),
    attachments: message.attachments.map((each) => said(fieldsOf(each, ATTACHMENT))),
    components: message.components.map((each) => each.toJSON()),
    embeds: message.embeds.map(({ data }) => data),
    mention_channels: mentions.crosspostedChannels.map(({ channelId: id, ...channel }) => ({
      id,
      ...snakeCased(channel),
    })),
    mention_everyone: mentions.everyone,
    mention_roles: [...mentions.roles.keys()],
    mentions: mentions.users.map(userPayload),
    reactions: message.reactions.cache.map(reactionPayload),
    sticker_items: message.stickers.map((each) => said(fieldsOf(each, STICKER_ITEM))),
  };
}

function interactionPayload({ interaction }: Message): Payload | null {
  if (interaction === null) return null;
  const { id, type, commandName: name, user } = interaction;
  return { id, type, name, user: userPayload(user) };
}

function metadataPayload(metadata: MessageInteractionMetadata): Payload {
  const { id, type, user, triggeringInteractionMetadata: triggering } = metadata;
  return {
    id,
    type,
    user: userPayload(user),
    authorizing_integration_owners: integrationOwnersOf(metadata),
    original_response_message_id: metadata.originalResponseMessageId,
    interacted_message_id: metadata.interactedMessageId,
    triggering_interaction_metadata: triggering && metadataPayload(triggering),
  };
}

function pollPayload(poll: Poll): Payload {
  const answers = [...poll.answers.values()];
  return {
    ...said({ allow_multiselect: poll.allowMultiselect, layout_type: poll.layoutType }),
    ...(poll.question.text !== null && { question: { text: poll.question.text } }),
    expiry: isoDate(poll.expiresTimestamp),
    answers: answers.map((answer) => ({
      answer_id: answer.id,
      poll_media: said({ text: answer.text, emoji: answerEmojiOf(answer) }),
    })),
    results: {
      is_finalized: poll.resultsFinalized,
      answer_counts: answers.map(({ id, voteCount: count }) => ({ id, count })),
    },
  };
}

function reactionPayload(reaction: MessageReaction): Payload {
  const { count, countDetails, burstColors, me, meBurst } = reaction;
  const { id, name, animated } = reactionEmojiOf(reaction);
  return {
    emoji: { id, name, animated },
    count,
    count_details: countDetails,
    me,
    me_burst: meBurst,
    burst_colors: burstColors,
  };
}

/** What discord.js has as null was not said. */
function said(payload: Payload): Payload {
  return Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== null && value !== undefined));
}
