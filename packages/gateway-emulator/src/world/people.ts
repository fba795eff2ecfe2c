/**
 * What people do when a test or a developer says so: each call changes the world and sends the bot the event of it. Throws
 * `DSO_EMULATOR_BAD_REQUEST` for guilds, channels, members and commands that are not there.
 */
import type { APIMessage } from 'discord-api-types/v10';
import { EmulatorError } from '../errors.js';
import type { TrafficEvent } from '../core/dispatch.js';
import { intentsOf } from './event-intents.js';
import type { GuildEdit } from './guild-edits.js';
import { editGuild, EditRefused } from './guild-edits.js';
import type { Guild } from './guild.js';
import type { Occasion } from './happenings.js';
import {
  memberJoins,
  memberLeaves,
  newcomer,
  presenceChanges,
  reactionAdded,
  somebody,
  voiceChanges,
} from './happenings.js';
import type { OptionValues } from './interaction-events.js';
import { buttonPressed, commandUsed } from './interaction-events.js';
import type { Interaction } from './interactions.js';
import { messageEvent } from './message-events.js';
import { messageOf, readMessageBody } from './message-body.js';
import { RestError } from './rest-error.js';
import { pick } from './seeded-random.js';
import type { Stage } from './stage.js';
import type { Member, Status, User } from './users.js';

/** Where, and who: what is left out is the first guild, its first text channel, somebody by chance. */
export type Place = { guildId?: string; channelId?: string; userId?: string; direct?: boolean };

type Resolved = { guild: Guild | null; channelId: string; user: User };

export class People {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** A message. Direct ones go to the first direct channel. */
  say(content: string, place: Place = {}): APIMessage {
    const { world, messages, emit } = this.#stage;
    const { guild, channelId, user } = this.#resolve(place);
    const { id, now } = this.#occasion();
    // As the traffic has it: programs follow a channel by these numbers.
    const nonce = `${channelId}:${world.nextMessageNumber(channelId, id)}`;
    const body = understood(() => readMessageBody({ content, nonce }));
    const message = messageOf(body, { id, channelId, guild, author: user, at: now, referenced: null });
    messages.keep({ message, guildId: guild?.id ?? null, ephemeral: false });
    emit(messageEvent('MESSAGE_CREATE', message, guild, { id, botId: world.userId }));
    return message;
  }

  /** A slash command. It must be registered. */
  useCommand(name: string, options: OptionValues = {}, place: Place = {}): Interaction {
    const { commands, world, emit } = this.#stage;
    const resolved = this.#resolve(place);
    const guildId = resolved.guild?.id ?? null;
    const command = commands.find(name, guildId);
    if (command === null) {
      const known = [...commands.list(null), ...(guildId === null ? [] : commands.list(guildId))].map(
        (other) => `/${other.name}`,
      );
      throw badRequest(
        `the bot has not registered /${name}; ${known.length === 0 ? 'it has registered no command yet' : `it has ${known.join(', ')}`}`,
      );
    }
    const interaction = this.#begin('command', name, resolved, null);
    emit(commandUsed(interaction, resolved.guild, command, options, world.applicationId));
    return interaction;
  }

  /** A button, or another component by its `custom_id`, of a message the bot has posted. */
  press(customId: string, messageId: string, place: Place): Interaction {
    const { messages, world, emit } = this.#stage;
    const resolved = this.#resolve(place);
    const kept = messages.get(resolved.channelId, messageId);
    if (kept === null) throw badRequest(`there is no message ${messageId} in channel ${resolved.channelId}`);
    const interaction = this.#begin('component', customId, resolved, kept.message);
    emit(buttonPressed(interaction, resolved.guild, kept.message, world.applicationId));
    return interaction;
  }

  /** Somebody new, or somebody who had left (`userId`). */
  join(guildId: string, { name, userId }: { name?: string; userId?: string } = {}): Member {
    const guild = this.#guild(guildId);
    const occasion = this.#occasion();
    const back = userId === undefined ? null : guild.generatedById(userId);
    if (userId !== undefined && back === null) throw badRequest(`${userId} was never a member of guild ${guildId}`);
    if (userId !== undefined && guild.member(userId) !== null)
      throw badRequest(`${userId} is a member of guild ${guildId} already`);
    const member = { ...(back ?? newcomer(occasion, name)), joinedAt: new Date(occasion.now).toISOString() };
    this.#stage.emit(memberJoins(guild, member, occasion));
    return member;
  }

  leave(guildId: string, userId: string): void {
    const event = memberLeaves(this.#guild(guildId), userId, this.#occasion());
    if (event === null) throw badRequest(`${userId} is not a member of guild ${guildId} that could leave`);
    this.#stage.emit(event);
  }

  react(emoji: string, messageId: string, place: Place): void {
    const { guild, channelId, user } = this.#resolve(place);
    if (guild === null) throw badRequest('reactions to direct messages are not made');
    const member = guild.member(user.id) ?? guild.botMember;
    this.#stage.emit(reactionAdded(guild, { channelId, messageId, member, emoji }, this.#occasion()));
  }

  setStatus(guildId: string, userId: string, status: Status): void {
    this.#stage.emit(presenceChanges(this.#memberGuild(guildId, userId), userId, status, this.#occasion()));
  }

  /** `channelId` null: hangs up. */
  moveVoice(guildId: string, userId: string, channelId: string | null): void {
    const guild = this.#memberGuild(guildId, userId);
    if (channelId !== null && !guild.hasVoiceChannel(channelId)) {
      throw badRequest(
        `${channelId} is no voice channel of guild ${guildId}; they are ${guild.voiceChannelIds().join(', ')}`,
      );
    }
    this.#stage.emit(voiceChanges(guild, userId, channelId, this.#occasion()));
  }

  /** Somebody who runs a guild changes it, or one of its parts. */
  edit(guildId: string, edit: GuildEdit): void {
    const guild = this.#guild(guildId);
    try {
      editGuild(guild, edit, this.#occasion()).forEach(this.#stage.emit);
    } catch (error) {
      throw error instanceof EditRefused ? badRequest(error.message) : error;
    }
  }

  /** Any event as it stands. `guildId` decides the shard, null means shard 0; which `intents` it needs follows from its type. */
  event(type: string, data: object, { guildId, intents }: { guildId: string | null; intents?: number }): string {
    const { id } = this.#occasion();
    const route = guildId === null ? null : this.#guild(guildId).route;
    const needed = intents ?? intentsOf(type, guildId !== null);
    this.#stage.emit({ id, type, json: JSON.stringify(data), route, intents: needed });
    return id;
  }

  /** Somebody uses one of the bot's commands, by chance: for the traffic. Null when it has none. */
  readonly byChance = (guild: Guild, occasion: Occasion): TrafficEvent | null => {
    const { commands, random, world } = this.#stage;
    const usable = commands.usableIn(guild.id);
    if (usable.length === 0) return null;
    const command = pick(random, usable);
    const resolved = { guild, channelId: pick(random, guild.textChannels).id, user: somebody(guild, random).user };
    const interaction = this.#begin('command', command.name, resolved, null, occasion);
    return commandUsed(interaction, guild, command, {}, world.applicationId);
  };

  #begin(
    type: Interaction['type'],
    name: string,
    { guild, channelId, user }: Resolved,
    source: APIMessage | null,
    occasion: Occasion = this.#occasion(),
  ): Interaction {
    const { id, now: at } = occasion;
    const token = Buffer.from(`interaction:${id}:${this.#stage.random.next()}`).toString('base64url');
    const guildId = guild?.id ?? null;
    const interaction: Interaction = {
      id,
      token,
      guildId,
      channelId,
      user,
      name,
      type,
      source,
      at,
      state: { kind: 'open' },
    };
    this.#stage.interactions.add(interaction);
    return interaction;
  }

  #occasion(): Occasion {
    const now = this.#stage.clock.now();
    return { id: this.#stage.nextId(now), now };
  }

  #guild(guildId: string): Guild {
    const guild = this.#stage.world.guild(guildId);
    if (guild === null) throw badRequest(`there is no guild ${guildId}`);
    return guild;
  }

  #memberGuild(guildId: string, userId: string): Guild {
    const guild = this.#guild(guildId);
    if (guild.member(userId) === null) throw badRequest(`${userId} is not a member of guild ${guildId}`);
    return guild;
  }

  #resolve({ guildId, channelId, userId, direct }: Place): Resolved {
    const { world, random } = this.#stage;
    const conversation = channelId === undefined ? world.directChannels[0] : world.directChannel(channelId);
    if (
      conversation !== undefined &&
      conversation !== null &&
      (direct === true || channelId !== undefined || world.guildCount === 0)
    ) {
      return { guild: null, channelId: conversation.id, user: conversation.user };
    }
    const place = channelId === undefined ? null : world.channel(channelId);
    if (channelId !== undefined && place === null) throw badRequest(`there is no channel ${channelId}`);
    const guild = place?.guild ?? (guildId === undefined ? world.guildAt(0) : this.#guild(guildId));
    if (guildId !== undefined && guild.id !== guildId)
      throw badRequest(`channel ${channelId} is not in guild ${guildId}`);
    const member = userId === undefined ? somebody(guild, random) : guild.member(userId);
    if (member === null) throw badRequest(`${userId} is not a member of guild ${guild.id}`);
    const place0 = place?.channel.id ?? guild.textChannels[0]?.id;
    if (place0 === undefined) throw badRequest(`guild ${guild.id} has no text channel`);
    return { guild, channelId: place0, user: member.user };
  }
}

function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RestError) throw badRequest(`it is no message: ${JSON.stringify(error.body)}`);
    throw error;
  }
}

function badRequest(problem: string): EmulatorError {
  return new EmulatorError('DSO_EMULATOR_BAD_REQUEST', `The request is refused: ${problem}.`);
}
