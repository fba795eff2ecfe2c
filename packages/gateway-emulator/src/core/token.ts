/**
 * What ends every session at once, with 4003 (discord-api-docs#6970, #7059): a reset token, after which no IDENTIFY succeeds until a new one
 * is issued, and intents that were taken away. Discord resets the token of a bot that uses up its session starts ("Gateway: Session
 * Start Limit").
 */
import type { Ms } from '@dshard/transport';
import { closeCodes } from './discord.js';
import type { Effect } from './effects.js';
import { closeConnection, destroySession } from './sessions.js';
import type { GatewayState } from './state.js';

export function revokeToken(state: GatewayState, now: Ms, out: Effect[]): void {
  state.token = null;
  endAll(state, { reason: 'token reset', code: closeCodes.notAuthenticated }, now, out);
}

/**
 * Takes intents away (the portal's switches): IDENTIFY with one of them is 4014 from now on. `code`: what ends the
 * sessions there are.
 */
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
