/**
 * Guilds that come and go. An outage is GUILD_DELETE with `unavailable: true`, its end GUILD_CREATE; the bot's own
 * coming and going are GUILD_CREATE and GUILD_DELETE without it ("Gateway Events: Guild Create", "Guild Delete").
 */
import { intents } from './discord.js';
import { answer, sessionsOf, tellGuild, wants } from './dispatch.js';
import type { Effect } from './effects.js';
import type { FaultResult } from './faults.js';
import type { GatewayState } from './state.js';
import { ownVoiceState } from './voice.js';
import type { GuildView } from './world-view.js';

/** Takes guilds out of service. `affected`: how many were in service. Unknown ids are left out. */
export function beginOutage(state: GatewayState, guildIds: readonly string[]): FaultResult {
  return eachGuild(state, guildIds, (guild, out) => {
    if (state.unavailable.has(guild.route)) return false;
    state.unavailable.set(guild.route, guild.id);
    tellGuild(
      state,
      { type: 'GUILD_DELETE', json: unavailableJson(guild.id), route: guild.route, intents: intents.guilds },
      out,
    );
    return true;
  });
}

/** Puts guilds back into service. */
export function endOutage(state: GatewayState, guildIds: readonly string[]): FaultResult {
  return eachGuild(state, guildIds, (guild, out) => {
    if (!state.unavailable.delete(guild.route)) return false;
    guildJoined(state, guild, out);
    return true;
  });
}

/** Shows a guild to every session that has it: each as its intents allow. */
function guildJoined(state: GatewayState, guild: GuildView, out: Effect[]): void {
  for (const session of sessionsOf(state, guild.route)) {
    if (wants(session, intents.guilds))
      answer(session, 'GUILD_CREATE', guild.createJson(session, ownVoiceState(state, guild)), out);
  }
}

/** What a session is told of its guild after READY. */
export function greetGuild(
  state: GatewayState,
  guild: GuildView,
  reader: Parameters<GuildView['createJson']>[0],
): { type: string; json: string } {
  return state.unavailable.has(guild.route)
    ? { type: 'GUILD_DELETE', json: unavailableJson(guild.id) }
    : { type: 'GUILD_CREATE', json: guild.createJson(reader, ownVoiceState(state, guild)) };
}

function unavailableJson(id: string): string {
  return JSON.stringify({ id, unavailable: true });
}

function eachGuild(
  state: GatewayState,
  guildIds: readonly string[],
  act: (guild: GuildView, out: Effect[]) => boolean,
): FaultResult {
  const effects: Effect[] = [];
  let affected = 0;
  for (const id of new Set(guildIds)) {
    const guild = state.world.guild(id);
    if (guild !== null && act(guild, effects)) affected += 1;
  }
  return { effects, affected };
}
