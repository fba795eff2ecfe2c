/** The moves of sessions and connections: who has whom, and what ends. See `state.ts` for the picture. */
import type { Ms } from '@dshard/transport';
import type { Effect } from './effects.js';
import type { Connection, GatewayState, Session } from './state.js';
import { leaveVoice } from './voice.js';

/** Adds a session to the routes. */
export function addSession(state: GatewayState, session: Session): void {
  state.sessions.set(session.id, session);
  let shards = state.routes.get(session.count);
  if (shards === undefined) state.routes.set(session.count, (shards = new Map()));
  const sessions = shards.get(session.shard);
  if (sessions === undefined) shards.set(session.shard, [session]);
  else sessions.push(session);
}

/** Puts a session on a connection that has none. */
export function attach(session: Session, connection: Connection): void {
  session.attachment = { kind: 'attached', connection };
  connection.phase = { kind: 'attached', session };
  session.replay.keepsAll = false;
}

/** Takes the session off its connection: it waits for a RESUME. `code`: what ended the socket; null: it lives on. */
export function detach(state: GatewayState, connection: Connection, code: number | null, now: Ms, out: Effect[]): void {
  if (connection.phase.kind !== 'attached') return;
  const { session } = connection.phase;
  session.attachment = { kind: 'detached', expiresAt: state.sessionsHeld ? Infinity : now + state.rules.sessionTtlMs };
  session.replay.keepsAll = state.sessionsHeld;
  connection.phase = { kind: 'unidentified' };
  out.push({
    kind: 'record',
    record: {
      kind: 'detached',
      at: now,
      sessionId: session.id,
      shard: session.shard,
      count: session.count,
      connection: connection.id,
      code,
    },
  });
}

/** From now on sessions wait for a RESUME without end, and nothing they are sent is pushed out of their buffers. */
export function holdSessions(state: GatewayState): void {
  state.sessionsHeld = true;
  for (const session of state.sessions.values()) {
    session.replay.keepsAll = true;
    if (session.attachment.kind === 'detached') session.attachment = { kind: 'detached', expiresAt: Infinity };
  }
}

/** The time of sessions that wait begins now. Their buffers keep everything until each is resumed. */
export function releaseSessions(state: GatewayState, now: Ms): void {
  if (!state.sessionsHeld) return;
  state.sessionsHeld = false;
  const expiresAt = now + state.rules.sessionTtlMs;
  for (const session of state.sessions.values()) {
    if (session.attachment.kind === 'detached') session.attachment = { kind: 'detached', expiresAt };
    else session.replay.keepsAll = false;
  }
}

/** Ends a session for good. A connection that held it is unidentified afterwards. */
export function destroySession(
  state: GatewayState,
  session: Session,
  end: { reason: string; code: number | null },
  now: Ms,
  out: Effect[],
): void {
  if (session.attachment.kind === 'attached') detach(state, session.attachment.connection, end.code, now, out);
  for (const echo of session.echoes.splice(0)) echo.phase = { kind: 'unidentified' };
  state.sessions.delete(session.id);
  const sessions = state.routes.get(session.count)?.get(session.shard);
  const index = sessions?.indexOf(session) ?? -1;
  if (index >= 0) sessions?.splice(index, 1);
  out.push({
    kind: 'record',
    record: {
      kind: 'ended',
      at: now,
      sessionId: session.id,
      shard: session.shard,
      count: session.count,
      reason: end.reason,
    },
  });
  leaveVoice(state, session, out);
}

/** Closes a connection from our side. Its session, if it still has one, waits for a RESUME. */
export function closeConnection(
  state: GatewayState,
  connection: Connection,
  code: number,
  reason: string,
  now: Ms,
  out: Effect[],
): void {
  if (connection.phase.kind === 'closing') return;
  detach(state, connection, code, now, out);
  stopEcho(connection);
  connection.phase = { kind: 'closing' };
  out.push({ kind: 'close', connection: connection.id, code, reason });
}

/** Ends a connection without a close frame; `reset`: with a TCP reset. Its session, if any, waits for a RESUME. */
export function cutConnection(
  state: GatewayState,
  connection: Connection,
  { reset }: { reset: boolean },
  now: Ms,
  out: Effect[],
): void {
  if (connection.phase.kind === 'closing') return;
  detach(state, connection, 1006, now, out);
  stopEcho(connection);
  connection.phase = { kind: 'closing' };
  out.push({ kind: 'cut', connection: connection.id, reset });
}

/** Leaves a session that another connection took over, on a connection that goes on hearing what it is sent. */
export function becomeEcho(connection: Connection, session: Session): void {
  connection.phase = { kind: 'echo', session };
  session.echoes.push(connection);
}

export function stopEcho(connection: Connection): void {
  if (connection.phase.kind !== 'echo') return;
  const { echoes } = connection.phase.session;
  echoes.splice(echoes.indexOf(connection), 1);
  connection.phase = { kind: 'unidentified' };
}
