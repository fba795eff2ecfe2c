/** What an operator does to sessions: the faults every bot has to live with, on demand. Each returns how many it hit. */
import type { Ms } from '@dshard/transport';
import { closeCodes } from './discord.js';
import type { Effect } from './effects.js';
import { heartbeatRequestText, invalidSessionText, reconnectText } from './payloads.js';
import type { Connection, GatewayState, Session } from './state.js';
import { closeConnection, destroySession, detach } from './state.js';

/** Which sessions: those of the given shards and ids; without either, all. */
export type SessionSelector = { shards?: readonly number[]; sessionId?: string };

export type FaultResult = { effects: Effect[]; affected: number };

/** RECONNECT (op 7). Sockets that stay are closed after the grace period; sessions are kept. */
export function askToReconnect(state: GatewayState, selector: SessionSelector, now: Ms): FaultResult {
  return onAttached(state, selector, (connection, _session, out) => {
    out.push({ kind: 'send', connection: connection.id, text: reconnectText });
    connection.leaveBy = now + state.rules.reconnectGraceMs;
  });
}

/** INVALID_SESSION (op 9). `resumable: false` ends the session, `true` takes it off its socket, ready for RESUME. */
export function invalidate(state: GatewayState, selector: SessionSelector, resumable: boolean, now: Ms): FaultResult {
  return onAttached(state, selector, (connection, session, out) => {
    if (resumable) detach(state, connection, null, now, out);
    else destroySession(state, session, { reason: 'invalidated', code: null }, now, out);
    out.push({ kind: 'send', connection: connection.id, text: invalidSessionText(resumable) });
  });
}

/** Closes sockets with `code`, or cuts them without a close frame when it is null. Sessions are kept. */
export function drop(state: GatewayState, selector: SessionSelector, code: number | null, now: Ms): FaultResult {
  return onAttached(state, selector, (connection, _session, out) => {
    if (code !== null) {
      closeConnection(state, connection, code, 'Dropped by the operator.', now, out);
      return;
    }
    detach(state, connection, 1006, now, out);
    connection.phase = { kind: 'closing' };
    out.push({ kind: 'cut', connection: connection.id });
  });
}

/** Ends sessions as if nobody had resumed them in time. Sockets that held one are closed with 4009. */
export function expire(state: GatewayState, selector: SessionSelector, now: Ms): FaultResult {
  const effects: Effect[] = [];
  const sessions = select(state, selector);
  for (const session of sessions) {
    const holder = session.attachment.kind === 'attached' ? session.attachment.connection : null;
    if (holder !== null) closeConnection(state, holder, closeCodes.sessionTimedOut, 'Session timed out.', now, effects);
    destroySession(state, session, { reason: 'expired by the operator', code: null }, now, effects);
  }
  return { effects, affected: sessions.length };
}

/** Asks for a heartbeat at once (op 1). */
export function requestHeartbeat(state: GatewayState, selector: SessionSelector): FaultResult {
  return onAttached(state, selector, (connection, _session, out) => {
    out.push({ kind: 'send', connection: connection.id, text: heartbeatRequestText });
  });
}

function onAttached(
  state: GatewayState,
  selector: SessionSelector,
  act: (connection: Connection, session: Session, out: Effect[]) => void,
): FaultResult {
  const effects: Effect[] = [];
  let affected = 0;
  for (const session of select(state, selector)) {
    if (session.attachment.kind !== 'attached') continue;
    act(session.attachment.connection, session, effects);
    affected += 1;
  }
  return { effects, affected };
}

function select(state: GatewayState, selector: SessionSelector): Session[] {
  const { shards, sessionId } = selector;
  return [...state.sessions.values()].filter(
    (session) =>
      (shards === undefined || shards.includes(session.shard)) && (sessionId === undefined || session.id === sessionId),
  );
}
