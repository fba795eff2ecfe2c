/**
 * What falls due with time alone: refusals, heartbeat timeouts ("Gateway: Heartbeat Interval": who stops is closed and
 * has to resume; how long Discord waits is not documented), sockets told to leave ("Gateway Events: Reconnect"),
 * sessions nobody resumed ("Gateway: Initiating a Disconnect": a few minutes).
 */
import type { Ms } from '@dshard/transport';
import { closeCodes } from './discord.js';
import { invalidSessionText, sendText, recordViolation, type Effect } from './effects.js';
import { closeConnection, destroySession } from './sessions.js';
import type { Connection, GatewayState } from './state.js';

/** Call it every few dozen milliseconds: it compares what is due with `now`, so a late call loses nothing. */
export function tick(state: GatewayState, now: Ms): Effect[] {
  const out: Effect[] = [];
  for (const connection of state.connections.values()) tickConnection(state, connection, now, out);
  for (const session of state.sessions.values()) {
    if (session.attachment.kind === 'detached' && session.attachment.expiresAt <= now) {
      destroySession(state, session, { reason: 'expired', code: null }, now, out);
    }
  }
  return out;
}

function tickConnection(state: GatewayState, connection: Connection, now: Ms, out: Effect[]): void {
  if (connection.phase.kind === 'closing') return;
  if (connection.phase.kind === 'refused' && connection.phase.answerAt <= now) {
    connection.phase = { kind: 'unidentified' };
    sendText(connection, invalidSessionText(false), out);
  }
  if (connection.heartbeatDueAt <= now) {
    recordViolation(
      connection,
      'heartbeat-timeout',
      `No heartbeat for ${state.rules.heartbeatTimeoutMs} ms.`,
      now,
      out,
    );
    closeConnection(state, connection, closeCodes.sessionTimedOut, 'Session timed out.', now, out);
    return;
  }
  if (connection.leaveBy !== null && connection.leaveBy <= now) {
    const message = `It stayed ${state.rules.reconnectGraceMs} ms after op 7.`;
    recordViolation(connection, 'ignored-reconnect', message, now, out);
    closeConnection(state, connection, closeCodes.unknownError, 'Told to reconnect, and did not.', now, out);
  }
}
