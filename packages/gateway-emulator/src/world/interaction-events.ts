/** INTERACTION_CREATE: a command with its options, an option that is being typed in, a component, a modal. */
import type { APIApplicationCommand, APIInteraction, APIMessage } from 'discord-api-types/v10';
import type { TrafficEvent } from '../core/dispatch.js';
import type { Guild } from './guild.js';
import { interactionTypes, type Interaction } from './interactions.js';
import { botPermissions, memberPermissions } from './resolved.js';
import { memberJson, userJson } from './users.js';

const attachmentLimit = 10 * 1024 * 1024;

/** The `data` of a command; `more`: options, target, what their ids stand for. */
export function commandData(command: APIApplicationCommand, more: object): object {
  const { id, name, type, guild_id } = command;
  return { id, name, type, ...(guild_id === undefined ? {} : { guild_id }), ...more };
}

export function interactionEvent(
  interaction: Interaction,
  guild: Guild | null,
  data: object,
  applicationId: string,
): TrafficEvent {
  const { id, token, channelId, user, source, type } = interaction;
  const member = guild?.member(user.id) ?? null;
  const channel = guild?.channel(channelId) ?? { id: channelId, type: 1 };
  const about: { data: object; message?: APIMessage } = { data, ...(source === null ? {} : { message: source }) };
  const d = {
    ...about,
    type: interactionTypes[type],
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
