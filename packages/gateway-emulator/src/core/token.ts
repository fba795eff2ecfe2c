/**
 * A reset token: every session ends with 4003 and no IDENTIFY succeeds until a new token is issued. It is what Discord
 * does to a bot that uses up its session starts.
 */
import type { Ms } from '@dshard/transport';
import { closeCodes } from './discord.js';
import type { Effect } from './effects.js';
import type { GatewayState } from './state.js';
import { closeConnection, destroySession } from './state.js';

export function revokeToken(state: GatewayState, now: Ms, out: Effect[]): void {
  state.token = null;
  for (const session of state.sessions.values()) {
    const holder = session.attachment.kind === 'attached' ? session.attachment.connection : null;
    if (holder !== null) closeConnection(state, holder, closeCodes.notAuthenticated, 'Not authenticated.', now, out);
    destroySession(state, session, { reason: 'token reset', code: closeCodes.notAuthenticated }, now, out);
  }
}
