/** Which intents an event needs, by its type: a session gets it with any one of them ("Gateway: List of Intents"). */
import { intents } from '../core/discord.js';

const guildAndDirect: Record<string, readonly [guild: number, direct: number]> = {
  MESSAGE_CREATE: [intents.guildMessages, intents.directMessages],
  MESSAGE_UPDATE: [intents.guildMessages, intents.directMessages],
  MESSAGE_DELETE: [intents.guildMessages, intents.directMessages],
  MESSAGE_REACTION_ADD: [intents.guildMessageReactions, intents.directMessageReactions],
  MESSAGE_REACTION_REMOVE: [intents.guildMessageReactions, intents.directMessageReactions],
  MESSAGE_REACTION_REMOVE_ALL: [intents.guildMessageReactions, intents.directMessageReactions],
  MESSAGE_REACTION_REMOVE_EMOJI: [intents.guildMessageReactions, intents.directMessageReactions],
  MESSAGE_POLL_VOTE_ADD: [intents.guildMessagePolls, intents.directMessagePolls],
  MESSAGE_POLL_VOTE_REMOVE: [intents.guildMessagePolls, intents.directMessagePolls],
  TYPING_START: [intents.guildMessageTyping, intents.directMessageTyping],
  CHANNEL_PINS_UPDATE: [intents.guilds, intents.directMessages],
};

const byPrefix: readonly (readonly [prefix: string, needed: number])[] = [
  ['GUILD_MEMBER_', intents.guildMembers],
  ['THREAD_MEMBERS_', intents.guilds | intents.guildMembers],
  ['GUILD_BAN_', intents.guildModeration],
  ['GUILD_AUDIT_LOG_', intents.guildModeration],
  ['GUILD_EMOJIS_', intents.guildExpressions],
  ['GUILD_STICKERS_', intents.guildExpressions],
  ['GUILD_SOUNDBOARD_', intents.guildExpressions],
  ['GUILD_INTEGRATIONS_', intents.guildIntegrations],
  ['INTEGRATION_', intents.guildIntegrations],
  ['WEBHOOKS_', intents.guildWebhooks],
  ['INVITE_', intents.guildInvites],
  ['VOICE_STATE_', intents.guildVoiceStates],
  ['VOICE_CHANNEL_EFFECT_', intents.guildVoiceStates],
  ['PRESENCE_', intents.guildPresences],
  ['GUILD_SCHEDULED_EVENT_', intents.guildScheduledEvents],
  ['AUTO_MODERATION_RULE_', intents.autoModerationConfiguration],
  ['AUTO_MODERATION_ACTION_', intents.autoModerationExecution],
  ['GUILD_', intents.guilds],
  ['CHANNEL_', intents.guilds],
  ['THREAD_', intents.guilds],
  ['STAGE_INSTANCE_', intents.guilds],
];

/** 0: every session gets it. */
export function intentsOf(type: string, inGuild: boolean): number {
  const both = guildAndDirect[type];
  if (both !== undefined) return both[inGuild ? 0 : 1];
  return byPrefix.find(([prefix]) => type.startsWith(prefix))?.[1] ?? 0;
}
