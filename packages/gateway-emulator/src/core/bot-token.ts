/**
 * The bot's token. Discord's has three parts of base64url, of which the first is the bot's user id; some libraries read
 * that id from it (discordeno, seyfert), so the default one is made likewise. Any other token is taken as well.
 */
import type { GatewayState } from './state.js';

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
