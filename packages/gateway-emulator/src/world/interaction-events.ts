/** INTERACTION_CREATE: a command with its options, a pressed button. */
import type {
  APIApplicationCommand,
  APIApplicationCommandOption,
  APIInteraction,
  APIMessage,
} from 'discord-api-types/v10';
import type { TrafficEvent } from '../core/dispatch.js';
import type { Guild } from './guild.js';
import type { Interaction } from './interactions.js';
import { memberJson, userJson } from './users.js';

/** What an option may be given as; a subcommand's are an object of their own. */
export type OptionValues = { [name: string]: string | number | boolean | OptionValues };

const subcommand = 1;
const subcommandGroup = 2;
/** What everybody may do; the bot is an administrator. */
const memberPermissions = '2248473465835073';
const botPermissions = '9007199254740991';
const attachmentLimit = 10 * 1024 * 1024;

/** `command` null: one that was never registered, called by its name alone. */
export function commandUsed(
  interaction: Interaction,
  guild: Guild | null,
  command: APIApplicationCommand | null,
  options: OptionValues,
  applicationId: string,
): TrafficEvent {
  const given = optionsJson(command?.options ?? [], options);
  const data = {
    id: command?.id ?? interaction.id,
    name: interaction.name,
    type: command?.type ?? 1,
    ...(command?.guild_id === undefined ? {} : { guild_id: command.guild_id }),
    ...(given.length === 0 ? {} : { options: given }),
  };
  return interactionEvent(interaction, guild, { type: 2, data }, applicationId);
}

export function buttonPressed(
  interaction: Interaction,
  guild: Guild | null,
  message: APIMessage,
  applicationId: string,
): TrafficEvent {
  const data = { component_type: 2, custom_id: interaction.name, id: 1 };
  return interactionEvent(interaction, guild, { type: 3, data, message }, applicationId);
}

function interactionEvent(
  interaction: Interaction,
  guild: Guild | null,
  about: { type: number; data: object; message?: APIMessage },
  applicationId: string,
): TrafficEvent {
  const { id, token, channelId, user } = interaction;
  const member = guild?.member(user.id) ?? null;
  const channel = guild?.channel(channelId) ?? { id: channelId, type: 1 };
  const d = {
    ...about,
    id,
    application_id: applicationId,
    token,
    version: 1,
    channel_id: channelId,
    channel: { ...channel, permissions: memberPermissions },
    locale: 'en-US',
    app_permissions: botPermissions,
    entitlements: [],
    attachment_size_limit: attachmentLimit,
    ...(guild === null
      ? { user: userJson(user), context: 1, authorizing_integration_owners: { 1: user.id } }
      : {
          guild_id: guild.id,
          guild: { id: guild.id, locale: 'en-US', features: [] },
          guild_locale: 'en-US',
          member: { ...(member === null ? { user } : memberJson(member)), permissions: memberPermissions },
          context: 0,
          authorizing_integration_owners: { 0: guild.id },
        }),
  };
  return {
    id,
    type: 'INTERACTION_CREATE',
    json: JSON.stringify(d satisfies { [field in keyof APIInteraction]?: unknown }),
    route: guild?.route ?? null,
    intents: 0,
  };
}

/** Option values as Discord sends them, with the types the command was registered with. */
function optionsJson(known: readonly APIApplicationCommandOption[], values: OptionValues): object[] {
  return Object.entries(values).map(([name, value]) => {
    const option = known.find((candidate) => candidate.name === name);
    if (typeof value !== 'object') return { name, type: option?.type ?? typeOf(value), value };
    const inner = option !== undefined && 'options' in option ? (option.options ?? []) : [];
    const type =
      option?.type ?? (Object.values(value).some((deep) => typeof deep === 'object') ? subcommandGroup : subcommand);
    return { name, type, options: optionsJson(inner, value) };
  });
}

function typeOf(value: string | number | boolean): number {
  if (typeof value === 'string') return 3;
  if (typeof value === 'boolean') return 5;
  return Number.isInteger(value) ? 4 : 10;
}
