/** What an operator does to sessions: faults every bot has to live with, on demand. Each returns how many it hit. */
import type { Ms } from '@dshard/transport';
import { closeCodes } from './discord.js';
import { heartbeatRequestText, invalidSessionText, reconnectText, sendText, type Effect } from './effects.js';
import { closeConnection, cutConnection, destroySession, detach } from './sessions.js';
import type { Connection, GatewayState, Session } from './state.js';

/** Which sessions: those of the given shards and ids; without either, all. */
export type SessionSelector = { shards?: readonly number[]; sessionId?: string };

export type FaultResult = { effects: Effect[]; affected: number };

/** RECONNECT (op 7, "Gateway Events: Reconnect"). Sockets that stay are closed after the grace; sessions are kept. */
export function askToReconnect(state: GatewayState, selector: SessionSelector, now: Ms): FaultResult {
  return onAttached(state, selector, (connection, _session, out) => {
    sendText(connection, reconnectText, out);
    connection.leaveBy = now + state.rules.reconnectGraceMs;
  });
}

/**
 * INVALID_SESSION (op 9, "Gateway Events: Invalid Session"; the socket may live on: discord-api-docs#1805). `resumable:
 * false` ends the session, `true` takes it off its socket, ready for RESUME.
 */
export function invalidate(state: GatewayState, selector: SessionSelector, resumable: boolean, now: Ms): FaultResult {
  return onAttached(state, selector, (connection, session, out) => {
    if (resumable) detach(state, connection, null, now, out);
    else destroySession(state, session, { reason: 'invalidated', code: null }, now, out);
    sendText(connection, invalidSessionText(resumable), out);
  });
}

/** Closes sockets with `code`; null: without a close frame; `reset`: with a TCP reset. Sessions are kept. */
export function drop(
  state: GatewayState,
  selector: SessionSelector,
  code: number | 'reset' | null,
  now: Ms,
): FaultResult {
  return onAttached(state, selector, (connection, _session, out) => {
    if (typeof code === 'number') closeConnection(state, connection, code, 'Dropped by the operator.', now, out);
    else cutConnection(state, connection, { reset: code === 'reset' }, now, out);
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

/** Sockets that stay, with their heartbeats acknowledged, and get no event any more. A RESUME ends it. */
export function deafen(state: GatewayState, selector: SessionSelector): FaultResult {
  return onAttached(state, selector, (connection) => {
    connection.deaf = true;
  });
}

/** Asks for a heartbeat at once (op 1). */
export function requestHeartbeat(state: GatewayState, selector: SessionSelector): FaultResult {
  return onAttached(state, selector, (connection, _session, out) => {
    sendText(connection, heartbeatRequestText, out);
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

/** The connections whose sessions are selected: for faults of the line, which the core does not know. */
export function connectionsOf(state: GatewayState, selector: SessionSelector): number[] {
  return select(state, selector).flatMap(({ attachment }) =>
    attachment.kind === 'attached' ? [attachment.connection.id] : [],
  );
}

function select(state: GatewayState, selector: SessionSelector): Session[] {
  const { shards, sessionId } = selector;
  return [...state.sessions.values()].filter(
    (session) =>
      (shards === undefined || shards.includes(session.shard)) && (sessionId === undefined || session.id === sessionId),
  );
}

/**
 * While Discord recovers from an outage it may answer IDENTIFY and RESUME with op 9 on sockets that live on, to slow
 * clients down (unofficial documentation). The client keeps its socket and tries again; its session is kept. It costs
 * no session start (our reading).
 */
export function isThrottled(state: GatewayState, now: Ms): boolean {
  return state.throttledUntil !== null && now < state.throttledUntil;
}

/** Null ends it. */
export function throttleStarts(state: GatewayState, until: Ms | null): void {
  state.throttledUntil = until;
}
