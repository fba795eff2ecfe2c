/**
 * What people do when a test or a developer says so: each call changes the world and sends the bot the event of it.
 * Throws `DSO_EMULATOR_BAD_REQUEST` for guilds, channels, members and commands that are not there.
 */
import type { APIMessage } from 'discord-api-types/v10';
import { badRequest } from '../errors.js';
import type { TrafficEvent } from '../core/dispatch.js';
import { intentsOf } from './event-intents.js';
import { editGuild, EditRefused, type GuildEdit } from './guild-edits.js';
import type { Guild } from './guild.js';
import type { EventMeta } from './member-events.js';
import { memberJoins, memberLeaves, newcomer, presenceChanges, reactionAdded, voiceChanges } from './member-events.js';
import { statusOf, type InteractionStatus } from './interaction-status.js';
import type { Interaction } from './interactions.js';
import { messageEvent } from './message-events.js';
import { messageOf, readMessageBody } from './message-body.js';
import type { ModalValues } from './modals.js';
import type { Focus, OptionValues } from './option-values.js';
import { Places, type Place, type Stage } from './stage.js';
import { RestError } from './rest-error.js';
import { Uses } from './uses.js';
import type { Member, Status } from './users.js';

export class People {
  readonly #stage: Stage;
  readonly #places: Places;
  readonly #uses: Uses;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#places = new Places(stage);
    this.#uses = new Uses(stage);
  }

  /** A message. Direct ones go to the first direct channel. */
  say(content: string, place: Place = {}): APIMessage {
    const { world, messages, emit } = this.#stage;
    const { guild, channelId, user } = this.#places.find(place);
    const { id, now } = this.#places.meta();
    // As the traffic has it: programs follow a channel by these numbers.
    const nonce = `${channelId}:${world.nextMessageNumber(channelId, id)}`;
    const body = understood(() => readMessageBody({ content, nonce }));
    const message = messageOf(body, { id, channelId, guild, author: user, at: now, referenced: null });
    messages.keep({ message, guildId: guild?.id ?? null, ephemeral: false });
    emit(messageEvent('MESSAGE_CREATE', message, guild, { id, botId: world.userId }));
    return message;
  }

  /** A slash command that the bot has registered. Ids are looked up, choices and bounds are kept to. */
  useCommand(name: string, options: OptionValues = {}, place: Place = {}): Interaction {
    return this.#uses.command(name, options, place);
  }

  /** A command of the menu of a user, or of a message the bot can be asked about. */
  useContextMenu(name: string, target: { userId: string } | { messageId: string }, place: Place = {}): Interaction {
    return this.#uses.contextMenu(name, target, place);
  }

  /** Somebody types in an option of a slash command: the bot answers with choices. `options`: filled in already. */
  autocomplete(name: string, focus: Focus, options: OptionValues = {}, place: Place = {}): Interaction {
    return this.#uses.autocomplete(name, focus, options, place);
  }

  /** A button of a message. By default it is pressed by the user whom the message answered, else by anybody. */
  press(customId: string, messageId: string, place: Place = {}): Interaction {
    return this.#uses.press(customId, messageId, place);
  }

  /** Chooses in a select menu of a message: values of a string select, or ids of users, roles and channels. */
  choose(customId: string, messageId: string, values: readonly string[], place: Place = {}): Interaction {
    return this.#uses.choose(customId, messageId, values, place);
  }

  /** Submits the modal that the bot has shown in answer to an interaction. Others stay as the bot filled them in. */
  submit(interactionId: string, values: ModalValues = {}): Interaction {
    return this.#uses.submit(interactionId, values);
  }

  /** How an interaction stands, with what the bot said of it. */
  interaction(id: string): InteractionStatus {
    const { interactions, posted, clock } = this.#stage;
    const interaction = interactions.get(id);
    if (interaction === null) throw badRequest(`there is no interaction ${id}`);
    return statusOf(interaction, posted, clock.now());
  }

  /** Somebody new, or somebody who had left (`userId`). */
  join(guildId: string, { name, userId }: { name?: string; userId?: string } = {}): Member {
    const guild = this.#places.guild(guildId);
    const meta = this.#places.meta();
    const back = userId === undefined ? null : guild.generatedById(userId);
    if (userId !== undefined && back === null) throw badRequest(`${userId} was never a member of guild ${guildId}`);
    if (userId !== undefined && guild.member(userId) !== null)
      throw badRequest(`${userId} is a member of guild ${guildId} already`);
    const member = { ...(back ?? newcomer(meta, name)), joinedAt: new Date(meta.now).toISOString() };
    this.#stage.emit(memberJoins(guild, member, meta));
    return member;
  }

  leave(guildId: string, userId: string): void {
    const event = memberLeaves(this.#places.guild(guildId), userId, this.#places.meta());
    if (event === null) throw badRequest(`${userId} is not a member of guild ${guildId} that could leave`);
    this.#stage.emit(event);
  }

  react(emoji: string, messageId: string, place: Place): void {
    const { guild, channelId, user } = this.#places.find(place);
    if (guild === null) throw badRequest('reactions to direct messages are not made');
    const member = guild.member(user.id) ?? guild.botMember;
    this.#stage.emit(reactionAdded(guild, { channelId, messageId, member, emoji }, this.#places.meta()));
  }

  setStatus(guildId: string, userId: string, status: Status): void {
    this.#stage.emit(presenceChanges(this.#places.memberGuild(guildId, userId), userId, status, this.#places.meta()));
  }

  /** `channelId` null: hangs up. */
  moveVoice(guildId: string, userId: string, channelId: string | null): void {
    const guild = this.#places.memberGuild(guildId, userId);
    if (channelId !== null && !guild.hasVoiceChannel(channelId)) {
      throw badRequest(
        `${channelId} is no voice channel of guild ${guildId}; they are ${guild.voiceChannelIds().join(', ')}`,
      );
    }
    this.#stage.emit(voiceChanges(guild, userId, channelId, this.#places.meta()));
  }

  /** Somebody who runs a guild changes it, or one of its parts. */
  edit(guildId: string, edit: GuildEdit): void {
    const guild = this.#places.guild(guildId);
    try {
      editGuild(guild, edit, this.#places.meta()).forEach(this.#stage.emit);
    } catch (error) {
      throw error instanceof EditRefused ? badRequest(error.message) : error;
    }
  }

  /** Any event as it stands. `guildId` decides the shard, null: shard 0; its `intents` follow from its type. */
  event(type: string, data: object, { guildId, intents }: { guildId: string | null; intents?: number }): string {
    const { id } = this.#places.meta();
    const route = guildId === null ? null : this.#places.guild(guildId).route;
    const needed = intents ?? intentsOf(type, guildId !== null);
    this.#stage.emit({ id, type, json: JSON.stringify(data), route, intents: needed });
    return id;
  }

  /** Somebody uses one of the bot's commands, by chance: for the traffic. Null when it has none. */
  readonly byChance = (guild: Guild, meta: EventMeta): TrafficEvent | null => this.#uses.byChance(guild, meta);
}

function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RestError) throw badRequest(`it is no message: ${JSON.stringify(error.body)}`);
    throw error;
  }
}
