/**
 * What people do with the bot's commands, components and modals: each use is an interaction that the bot is to answer.
 * What people could not do in Discord's client (a choice that is not offered, a button that is disabled) is refused
 * with `DSO_EMULATOR_BAD_REQUEST`.
 */
import type { APIApplicationCommand, APIMessage } from 'discord-api-types/v10';
import type { TrafficEvent } from '../core/dispatch.js';
import { badRequest } from '../errors.js';
import { allComponents, componentTypes, isSelect, type Component } from './components.js';
import type { Guild } from './guild.js';
import { somebody, type EventMeta } from './member-events.js';
import { commandData, interactionEvent } from './interaction-events.js';
import type { Interaction, InteractionType } from './interactions.js';
import { chooseValues } from './menu-values.js';
import { fillModal, type ModalValues } from './modals.js';
import { fillOptions, focusedType, type Focus, type OptionValues } from './option-values.js';
import { optionsByChance } from './options-by-chance.js';
import { Places, type Place, type Setting, type Stage } from './stage.js';
import { Resolved } from './resolved.js';
import { pick } from './chance.js';

/** Of commands, by Discord's numbers. */
const commandTypes = { chatInput: 1, user: 2, message: 3 } as const;
type CommandType = keyof typeof commandTypes;
const commandKinds: Record<CommandType, string> = {
  chatInput: 'slash command',
  user: 'user command',
  message: 'message command',
};

type About = Partial<Pick<Interaction, 'source' | 'optionType' | 'trigger'>>;

export class Uses {
  readonly #stage: Stage;
  readonly #places: Places;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#places = new Places(stage);
  }

  command(name: string, options: OptionValues, place: Place): Interaction {
    const setting = this.#places.find(place);
    const command = this.#commandOf(name, 'chatInput', setting);
    const resolved = this.#resolved(setting.guild);
    const filled = fillOptions(command.options, options, { path: `/${name}`, resolved });
    const data = commandData(command, { ...(filled.length === 0 ? {} : { options: filled }), ...resolved.json() });
    return this.#begin('command', name, setting, {}, data);
  }

  contextMenu(name: string, target: { userId: string } | { messageId: string }, place: Place): Interaction {
    const kept = 'messageId' in target ? this.#messageOf(target.messageId, place) : null;
    const setting = this.#places.find(kept === null ? place : { ...place, channelId: kept.channel_id });
    const command = this.#commandOf(name, kept === null ? 'user' : 'message', setting);
    const resolved = this.#resolved(setting.guild);
    if (kept !== null) resolved.takeMessage(kept);
    if ('userId' in target && !resolved.take('user', target.userId))
      throw badRequest(`${target.userId} is nobody that can be seen there`);
    const targetId = 'userId' in target ? target.userId : target.messageId;
    return this.#begin('command', name, setting, {}, commandData(command, { target_id: targetId, ...resolved.json() }));
  }

  /** `focus`: the option that is typed in, with the text so far; `options`: those that are filled in already. */
  autocomplete(name: string, focus: Focus, options: OptionValues, place: Place): Interaction {
    const setting = this.#places.find(place);
    const command = this.#commandOf(name, 'chatInput', setting);
    const resolved = this.#resolved(setting.guild);
    const filled = fillOptions(command.options, options, { path: `/${name}`, resolved, focus });
    const data = commandData(command, { options: filled, ...resolved.json() });
    return this.#begin('autocomplete', name, setting, { optionType: focusedType(filled) }, data);
  }

  press(customId: string, messageId: string, place: Place): Interaction {
    const { message, component, setting } = this.#componentOf(customId, messageId, place);
    if (component.type !== componentTypes.button)
      throw badRequest(`"${customId}" is no button; choose in it with values`);
    return this.#begin('component', customId, setting, { source: message }, componentData(component));
  }

  choose(customId: string, messageId: string, values: readonly string[], place: Place): Interaction {
    const { message, component, setting } = this.#componentOf(customId, messageId, place);
    if (!isSelect(component)) throw badRequest(`"${customId}" is no select menu; press it`);
    const resolved = this.#resolved(setting.guild);
    const chosen = chooseValues(component, values, resolved);
    const data = { ...componentData(component), values: chosen, ...resolved.json() };
    return this.#begin('component', customId, setting, { source: message }, data);
  }

  /** Who was shown the modal submits it. Again only if nobody answered the time before. */
  submit(interactionId: string, values: ModalValues): Interaction {
    const trigger = this.#stage.interactions.get(interactionId);
    if (trigger === null) throw badRequest(`there is no interaction ${interactionId}`);
    const { state, guildId, channelId, user, source } = trigger;
    if (state.kind !== 'modal')
      throw badRequest(`interaction ${interactionId} was not answered with a modal, but is ${state.kind}`);
    if (state.submission !== null && state.submission.state.kind !== 'open')
      throw badRequest(`the modal "${state.modal.customId}" was submitted, and closed with the answer`);
    const guild = guildId === null ? null : this.#places.guild(guildId);
    const resolved = this.#resolved(guild);
    const { customId } = state.modal;
    const components = fillModal(state.modal, values, resolved);
    const data = { custom_id: customId, components, ...resolved.json() };
    const submission = this.#begin('modal', customId, { guild, channelId, user }, { source, trigger }, data);
    state.submission = submission;
    return submission;
  }

  /** Somebody uses one of the bot's commands, by chance. Null when it has none. */
  byChance(guild: Guild, meta: EventMeta): TrafficEvent | null {
    const { commands, random, world } = this.#stage;
    const usable = commands.usableIn(guild.id);
    if (usable.length === 0) return null;
    const command = pick(random, usable);
    const setting = { guild, channelId: pick(random, guild.textChannels).id, user: somebody(guild, random).user };
    const resolved = this.#resolved(guild);
    const values = optionsByChance(command.options, guild, random);
    const filled = fillOptions(command.options, values, { path: `/${command.name}`, resolved });
    const data = commandData(command, { ...(filled.length === 0 ? {} : { options: filled }), ...resolved.json() });
    const interaction = this.#interaction('command', command.name, setting, {}, meta);
    return interactionEvent(interaction, guild, data, world.applicationId);
  }

  #begin(type: InteractionType, name: string, setting: Setting, about: About, data: object): Interaction {
    const { world, emit } = this.#stage;
    const interaction = this.#interaction(type, name, setting, about, this.#places.meta());
    emit(interactionEvent(interaction, setting.guild, data, world.applicationId));
    return interaction;
  }

  #interaction(type: InteractionType, name: string, setting: Setting, about: About, meta: EventMeta): Interaction {
    const { guild, channelId, user } = setting;
    const { id, now: at } = meta;
    const token = Buffer.from(`interaction:${id}:${this.#stage.random.next()}`).toString('base64url');
    const { source = null, optionType = null, trigger = null } = about;
    const where = { guildId: guild?.id ?? null, channelId, user };
    const interaction: Interaction = {
      id,
      token,
      ...where,
      name,
      type,
      source,
      optionType,
      trigger,
      at,
      state: { kind: 'open' },
    };
    this.#stage.interactions.add(interaction);
    return interaction;
  }

  #commandOf(name: string, type: CommandType, { guild }: Setting): APIApplicationCommand {
    const { commands } = this.#stage;
    const guildId = guild?.id ?? null;
    const there = [...(guildId === null ? [] : commands.list(guildId)), ...commands.list(null)];
    const fits = (command: APIApplicationCommand): boolean => (command.type as number) === commandTypes[type];
    const command = there.find((candidate) => candidate.name === name && fits(candidate));
    if (command !== undefined) return command;
    const other = there.find((candidate) => candidate.name === name);
    if (other !== undefined)
      throw badRequest(`"${name}" is no ${commandKinds[type]}, but a command of type ${other.type}`);
    const sign = type === 'chatInput' ? '/' : '';
    const known = there.filter(fits).map((candidate) => `${sign}${candidate.name}`);
    throw badRequest(
      `the bot has not registered ${sign}${name}; ${known.length === 0 ? 'it has registered no command yet' : `it has ${known.join(', ')}`}`,
    );
  }

  /** By default whoever the message was an answer to uses it: the bot may refuse others. */
  #componentOf(
    customId: string,
    messageId: string,
    place: Place,
  ): { message: APIMessage; component: Component; setting: Setting } {
    const message = this.#messageOf(messageId, place);
    const interactive = allComponents(message.components ?? []).filter((one) => one['custom_id'] !== undefined);
    const component = interactive.find((one) => one['custom_id'] === customId);
    if (component === undefined) {
      const names = interactive.map((one) => String(one['custom_id']));
      throw badRequest(
        `message ${messageId} has no component "${customId}"; ${names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`}`,
      );
    }
    if (component['disabled'] === true) throw badRequest(`"${customId}" is disabled`);
    const asked = message.interaction_metadata?.user.id;
    const userId = place.userId ?? asked;
    const setting = this.#places.find({
      ...place,
      channelId: message.channel_id,
      ...(userId === undefined ? {} : { userId }),
    });
    return { message, component, setting };
  }

  #messageOf(messageId: string, { channelId }: Place): APIMessage {
    const { messages } = this.#stage;
    const kept = channelId === undefined ? messages.find(messageId) : messages.get(channelId, messageId);
    if (kept !== null) return kept.message;
    throw badRequest(`there is no message ${messageId}${channelId === undefined ? '' : ` in channel ${channelId}`}`);
  }

  #resolved(guild: Guild | null): Resolved {
    const { world, nextId, clock } = this.#stage;
    return new Resolved({ world, guild, newId: () => nextId(clock.now()) });
  }
}

function componentData({ type, id, custom_id }: Component): object {
  return { component_type: type, custom_id, id };
}
