/** The bot's token and its intents: how it is made and read, and what ends every session when one is taken away. */
import type { Ms } from '@dshard/transport';
import { closeCodes } from './discord.js';
import type { Effect } from './effects.js';
import { closeConnection, destroySession } from './sessions.js';
import type { GatewayState } from './state.js';

// The bot's token. Discord's has three parts of base64url, of which the first is the bot's user id; some libraries read
// that id from it (discordeno, seyfert), so the default one is made likewise. Any other token is taken as well.

/**
 * Its parts: the id of the world's bot, and two that say what it is. They are not as long as a real token's, which
 * keeps secret scanners quiet.
 */
export const defaultToken = 'NjYxNzIwMjQyNTgxNDA1Njk2.emulator.not-a-secret';
/** The default until 0.1.0. Bots that have it written in them go on working, unless the emulator is given a token. */
const formerDefaultToken = 'emulator-token';

/** Whether a token, without `Bot ` before it, names our bot. */
export function isBotToken(state: GatewayState, token: string): boolean {
  if (state.token === null) return false;
  return token === state.token || (state.token === defaultToken && token === formerDefaultToken);
}

/** As sent in IDENTIFY, in RESUME and by REST: with `Bot ` before it or not. */
export function bareToken(token: string): string {
  return token.replace(/^Bot /, '');
}

/** The user id that a token names; null when it is not made like Discord's. */
export function botIdIn(token: string): string | null {
  const [first = '', ...others] = token.split('.');
  const id = Buffer.from(first, 'base64url').toString('latin1');
  return others.length === 2 && /^\d{15,20}$/.test(id) ? id : null;
}

/**
 * What ends every session at once, with 4003 (discord-api-docs#6970, #7059): a reset token, after which no IDENTIFY
 * succeeds until a new one is issued, and intents that were taken away. Discord resets the token of a bot that uses up
 * its session starts ("Gateway: Session Start Limit").
 */
export function revokeToken(state: GatewayState, now: Ms, out: Effect[]): void {
  state.token = null;
  endAll(state, { reason: 'token reset', code: closeCodes.notAuthenticated }, now, out);
}

/** Takes intents away (the portal's switches): IDENTIFY with one is 4014. `code`: what ends the sessions. */
export function revokeIntents(state: GatewayState, bits: number, code: number, now: Ms, out: Effect[]): void {
  state.disallowedIntents |= bits;
  endAll(state, { reason: 'intents revoked', code }, now, out);
}

/** Gives intents back. */
export function grantIntents(state: GatewayState, bits: number): void {
  state.disallowedIntents &= ~bits;
}

function endAll(state: GatewayState, end: { reason: string; code: number }, now: Ms, out: Effect[]): void {
  const said = end.code === closeCodes.disallowedIntents ? 'Disallowed intent(s).' : 'Not authenticated.';
  for (const session of state.sessions.values()) {
    const holder = session.attachment.kind === 'attached' ? session.attachment.connection : null;
    if (holder !== null) closeConnection(state, holder, end.code, said, now, out);
    destroySession(state, session, end, now, out);
  }
}
