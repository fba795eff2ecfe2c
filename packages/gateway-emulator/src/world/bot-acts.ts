/**
 * What the bot does by REST, with what follows from it: events to its own gateway sessions, and an entry in
 * `RestActions`. Throws RestError.
 */
import type { APIMessage } from 'discord-api-types/v10';
import type { Guild } from './guild.js';
import { reactionAdded } from './member-events.js';
import { readChoices } from './command-options.js';
import { objectField } from './fields.js';
import { callbacksOf, interactionTypes, type Interaction } from './interactions.js';
import { ephemeralFlag, messageOf, readMessageBody, type MessageBody, type UploadedFile } from './message-body.js';
import { messageDeleted, messageEvent } from './message-events.js';
import type { KeptMessage } from './message-book.js';
import { channelTypes } from './guild-parts.js';
import { readModal } from './modals.js';
import { RestError, invalidField } from './rest-error.js';
import type { Stage } from './stage.js';
import { userJson } from './users.js';

/** A JSON body and what was uploaded beside it. */
export type Sent = { json: unknown; files: readonly UploadedFile[] };

type Origin = { interaction: Interaction; more: Partial<APIMessage> } | null;

export class BotActs {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  createMessage(channelId: string, sent: Sent): APIMessage {
    const guild = this.#textChannel(channelId);
    return this.#post(channelId, guild, readMessageBody(sent.json, sent.files), null);
  }

  editMessage(channelId: string, id: string, sent: Sent): APIMessage {
    this.#textChannel(channelId);
    const kept = this.message(channelId, id);
    if (kept.message.author.id !== this.#stage.world.userId) throw new RestError('notYours');
    return this.#edit(kept, sent, null);
  }

  deleteMessage(channelId: string, id: string, interactionId: string | null = null): void {
    const { messages, posted, emit, world, clock } = this.#stage;
    const { message, guildId, ephemeral } = this.message(channelId, id);
    messages.delete(id);
    if (!ephemeral) emit(messageDeleted(message, guildId === null ? null : world.guild(guildId), this.#newId()));
    const origin = interactionId === null ? {} : { interactionId };
    posted.add({ at: clock.now(), kind: 'delete', channelId, message, ...origin });
  }

  /** A message that is kept: the bot's own, or one said through the admin interface. */
  message(channelId: string, id: string): KeptMessage {
    const kept = this.#stage.messages.get(channelId, id);
    if (kept === null) throw new RestError('unknownMessage');
    return kept;
  }

  /** To any message, also of the traffic, which is not kept. */
  react(channelId: string, messageId: string, emoji: string): void {
    const { emit, posted, clock } = this.#stage;
    const guild = this.#textChannel(channelId);
    const now = clock.now();
    if (guild !== null) {
      const reaction = { channelId, messageId, member: guild.botMember, emoji };
      emit(reactionAdded(guild, reaction, { id: this.#newId(), now }));
    }
    posted.add({ at: now, kind: 'reaction', channelId, messageId, emoji });
  }

  type(channelId: string): void {
    this.#textChannel(channelId);
    this.#stage.posted.add({ at: this.#stage.clock.now(), kind: 'typing', channelId });
  }

  /** The first answer to an interaction, by Discord's callback types. Returns the message it made, if it made one. */
  answer(
    id: string,
    token: string,
    callback: { type: number; data: unknown; files: readonly UploadedFile[] },
  ): APIMessage | null {
    const { interactions, posted, clock } = this.#stage;
    const interaction = interactions.toAnswer(id, token, clock.now());
    if (interaction === null) throw new RestError('unknownInteraction');
    if (interaction.state.kind !== 'open') throw new RestError('alreadyAcknowledged');
    const allowed = callbacksOf(interaction);
    if (!allowed.includes(callback.type))
      throw invalidField(['type'], 'BASE_TYPE_CHOICES', `Value must be one of {${allowed.join(', ')}}.`);
    const { channelId, source } = interaction;
    const data = callback.data ?? {};
    const note = (kind: 'deferral' | 'choices' | 'modal'): null => {
      posted.add({ at: clock.now(), kind, channelId, interactionId: id, ...(kind === 'deferral' ? {} : { data }) });
      return null;
    };
    switch (callback.type) {
      case 4:
        return this.#answered(interaction, readMessageBody(data, callback.files));
      case 5:
        interaction.state = { kind: 'deferred', ephemeral: (flagsOf(data) & ephemeralFlag) !== 0 };
        return note('deferral');
      case 6:
        interaction.state =
          source === null ? { kind: 'deferred', ephemeral: false } : { kind: 'answered', message: source };
        return note('deferral');
      case 7: {
        if (source === null) throw new RestError('unknownMessage');
        const kept = this.message(channelId, source.id);
        const message = this.#edit(kept, { json: data, files: callback.files }, id);
        interaction.state = { kind: 'answered', message };
        return message;
      }
      case 8: {
        const { choices } = objectField(data, ['data']);
        const read = readChoices(choices, interaction.optionType ?? 0, ['data', 'choices']);
        interaction.state = { kind: 'choices', choices: read };
        return note('choices');
      }
      case 9:
        interaction.state = { kind: 'modal', modal: readModal(data), submission: null };
        return note('modal');
      default:
        return null;
    }
  }

  followUp(token: string, sent: Sent): APIMessage {
    const interaction = this.#toFollowUp(token);
    const body = readMessageBody(sent.json, sent.files);
    // The first follow-up to a deferred interaction is its answer.
    if (interaction.state.kind === 'deferred') return this.#answered(interaction, body);
    return this.#post(interaction.channelId, this.#guildOf(interaction), body, {
      interaction,
      more: answerFields(this.#stage, interaction),
    });
  }

  /** `id` is a message of the interaction, or `@original`. */
  editAnswer(token: string, id: string, sent: Sent): APIMessage {
    const interaction = this.#toFollowUp(token);
    if (id === '@original' && interaction.state.kind === 'deferred') {
      return this.#answered(interaction, readMessageBody(sent.json, sent.files));
    }
    const message = this.#edit(this.message(interaction.channelId, originalId(interaction, id)), sent, interaction.id);
    if (id === '@original') interaction.state = { kind: 'answered', message };
    return message;
  }

  readAnswer(token: string, id: string): APIMessage {
    const interaction = this.#toFollowUp(token);
    return this.message(interaction.channelId, originalId(interaction, id)).message;
  }

  deleteAnswer(token: string, id: string): void {
    const interaction = this.#toFollowUp(token);
    this.deleteMessage(interaction.channelId, originalId(interaction, id), interaction.id);
  }

  #answered(interaction: Interaction, body: MessageBody): APIMessage {
    const ephemeral = interaction.state.kind === 'deferred' && interaction.state.ephemeral ? ephemeralFlag : 0;
    const spoken = { ...body, flags: body.flags | ephemeral };
    const origin = { interaction, more: { ...answerFields(this.#stage, interaction), type: 20 as APIMessage['type'] } };
    const message = this.#post(interaction.channelId, this.#guildOf(interaction), spoken, origin);
    interaction.state = { kind: 'answered', message };
    return message;
  }

  #post(channelId: string, guild: Guild | null, body: MessageBody, origin: Origin): APIMessage {
    const { world, clock, messages, posted, emit } = this.#stage;
    const at = clock.now();
    const id = this.#newId();
    const referenced = body.replyTo === null ? null : (messages.get(channelId, body.replyTo)?.message ?? null);
    const author = world.user;
    const message = messageOf(body, {
      id,
      channelId,
      guild,
      author,
      at,
      referenced,
      ...(origin === null ? {} : { more: origin.more }),
    });
    const ephemeral = (body.flags & ephemeralFlag) !== 0 && origin !== null;
    messages.keep({ message, guildId: guild?.id ?? null, ephemeral });
    if (!ephemeral) world.nextMessageNumber(channelId, id);
    posted.add({
      at,
      kind: 'message',
      channelId,
      message,
      ...(origin === null ? {} : { interactionId: origin.interaction.id }),
    });
    if (!ephemeral) emit(messageEvent('MESSAGE_CREATE', message, guild, { id, botId: world.userId }));
    return message;
  }

  #edit(kept: KeptMessage, sent: Sent, interactionId: string | null): APIMessage {
    const { world, clock, messages, posted, emit } = this.#stage;
    const guild = kept.guildId === null ? null : world.guild(kept.guildId);
    const body = readMessageBody(sent.json, sent.files, { mayBeEmpty: true });
    const said = typeof sent.json === 'object' && sent.json !== null ? sent.json : {};
    const message: APIMessage = {
      ...kept.message,
      ...('content' in said ? { content: body.content } : {}),
      ...('embeds' in said ? { embeds: body.embeds as APIMessage['embeds'] } : {}),
      ...('components' in said ? { components: body.components as NonNullable<APIMessage['components']> } : {}),
      edited_timestamp: new Date(clock.now()).toISOString(),
    };
    messages.keep({ ...kept, message });
    const origin = interactionId === null ? {} : { interactionId };
    posted.add({ at: clock.now(), kind: 'edit', channelId: message.channel_id, message, ...origin });
    if (!kept.ephemeral)
      emit(messageEvent('MESSAGE_UPDATE', message, guild, { id: this.#newId(), botId: world.userId }));
    return message;
  }

  #toFollowUp(token: string): Interaction {
    const interaction = this.#stage.interactions.toFollowUp(token, this.#stage.clock.now());
    if (interaction === null) throw new RestError('unknownWebhook');
    return interaction;
  }

  #guildOf({ guildId }: Interaction): Guild | null {
    return guildId === null ? null : this.#stage.world.guild(guildId);
  }

  /** The guild of a channel that can be written in; null for a direct one. */
  #textChannel(channelId: string): Guild | null {
    const { world } = this.#stage;
    if (world.directChannel(channelId) !== null) return null;
    const place = world.channel(channelId);
    if (place === null) throw new RestError('unknownChannel');
    const { type } = place.channel;
    if (type === channelTypes.category || type === channelTypes.forum) throw new RestError('notText');
    return place.guild;
  }

  #newId(): string {
    return this.#stage.nextId(this.#stage.clock.now());
  }
}

function originalId(interaction: Interaction, id: string): string {
  if (id !== '@original') return id;
  if (interaction.state.kind !== 'answered') throw new RestError('unknownMessage');
  return interaction.state.message.id;
}

function flagsOf(data: unknown): number {
  const flags = typeof data === 'object' && data !== null && 'flags' in data ? data.flags : 0;
  return typeof flags === 'number' ? flags : 0;
}

function answerFields({ world }: Stage, interaction: Interaction): Partial<APIMessage> {
  return {
    application_id: world.applicationId,
    webhook_id: world.applicationId,
    interaction_metadata: metadataOf(interaction) as NonNullable<APIMessage['interaction_metadata']>,
  };
}

function metadataOf({ id, user, type, name, source, trigger }: Interaction): object {
  return {
    id,
    type: interactionTypes[type],
    user: userJson(user),
    authorizing_integration_owners: {},
    ...(type === 'command' ? { name } : {}),
    ...(type === 'component' && source !== null ? { interacted_message_id: source.id } : {}),
    ...(trigger === null ? {} : { triggering_interaction_metadata: metadataOf(trigger) }),
  };
}
