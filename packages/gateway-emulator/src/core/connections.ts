/** What happens on one connection: it opens, it says something, it is gone. */
import type { Ms } from '@dshard/transport';
import type { ViolationKind } from './records.js';
import { readClientFrame, type ClientFrame } from './client-frame.js';
import type { ClientRequest } from './client-requests.js';
import { closeCodes, defaultVersion, servedVersions } from './discord.js';
import { heartbeatAckText, helloText, reconnectText, sendText, recordViolation, type Effect } from './effects.js';
import { identify } from './identify.js';
import { carryOut } from './requests.js';
import { resume } from './resume.js';
import { countSend, createSendLimit } from './limits.js';
import type { Connection, GatewayState } from './state.js';
import { closeConnection, cutConnection, destroySession, detach, stopEcho } from './sessions.js';

/** Transport compressions ("Gateway: Compression"). */
const compressions: readonly string[] = ['zlib-stream', 'zstd-stream'];

/** The query of the websocket's URL, as sent. */
export type ConnectionQuery = { v: string | null; encoding: string | null; compress: string | null };

/**
 * A socket was accepted. Greets it, or closes it when it asks for what is not served: 4012 for the version ("Gateway
 * Close Event Codes"), 4002 else.
 */
export function connectionOpened(state: GatewayState, id: number, query: ConnectionQuery, now: Ms): Effect[] {
  const out: Effect[] = [];
  const connection: Connection = {
    id,
    version: query.v === null ? defaultVersion : Number(query.v),
    compressed: query.compress !== null && query.compress !== '',
    phase: { kind: 'unidentified' },
    sends: createSendLimit(state.rules.maxSends, state.rules.sendPeriodMs),
    heartbeatDueAt: now + state.rules.heartbeatTimeoutMs,
    deaf: false,
    leaveBy: null,
  };
  state.connections.set(id, connection);
  const refusal = refuseQuery(query);
  if (refusal !== null) closeConnection(state, connection, refusal.code, refusal.reason, now, out);
  else greet(state, connection, now, out);
  return out;
}

/** A websocket message arrived. */
export function frameReceived(state: GatewayState, id: number, data: Uint8Array, now: Ms): Effect[] {
  const out: Effect[] = [];
  const connection = state.connections.get(id);
  if (connection === undefined || connection.phase.kind === 'closing') return out;
  if (!countSend(connection.sends, now)) {
    const reason = `More than ${state.rules.maxSends} payloads in ${state.rules.sendPeriodMs / 1000} s.`;
    fault(state, connection, 'send-rate', closeCodes.rateLimited, reason, now, out);
    return out;
  }
  const frame = readClientFrame(data, state.rules.maxPayloadBytes);
  if (frame.kind === 'fault') fault(state, connection, 'bad-payload', frame.code, frame.reason, now, out);
  else handleFrame(state, connection, frame, now, out);
  return out;
}

/**
 * A socket is gone. 1000 and 1001 from the client end its session, any other code keeps it ("Gateway: Initiating a
 * Disconnect", discord-api-docs#1472). `code` is that of the close frame, 1005 without one in it, 1006 without a close
 * frame. Called once, as soon as the close frame or the end of the stream was read, so that a RESUME sent after it
 * never finds the session taken.
 */
export function connectionClosed(state: GatewayState, id: number, code: number, now: Ms): Effect[] {
  const out: Effect[] = [];
  const connection = state.connections.get(id);
  if (connection === undefined) return out;
  state.connections.delete(id);
  stopEcho(connection);
  if (connection.phase.kind !== 'attached') return out;
  const { session } = connection.phase;
  if (code !== 1000 && code !== 1001) {
    detach(state, connection, code, now, out);
    return out;
  }
  recordViolation(
    connection,
    'session-closed-for-good',
    `The client closed shard ${session.shard} with ${code}.`,
    now,
    out,
  );
  destroySession(state, session, { reason: `closed by the client with ${code}`, code }, now, out);
  return out;
}

/** The client does not read what it is sent: its socket is cut, its session waits for a RESUME. */
export function connectionStalled(state: GatewayState, id: number, waitingBytes: number, now: Ms): Effect[] {
  const out: Effect[] = [];
  const connection = state.connections.get(id);
  if (connection === undefined || connection.phase.kind === 'closing') return out;
  recordViolation(
    connection,
    'slow-reader',
    `${waitingBytes} bytes were waiting for the client to read them.`,
    now,
    out,
  );
  cutConnection(state, connection, { reset: false }, now, out);
  return out;
}

/** HELLO, unless the operator wants something else for the next sockets. */
function greet(state: GatewayState, connection: Connection, now: Ms, out: Effect[]): void {
  const { greeting } = state;
  if (greeting !== null) {
    greeting.left -= 1;
    if (greeting.left <= 0) state.greeting = null;
    sendText(connection, reconnectText, out);
    connection.leaveBy = now + state.rules.reconnectGraceMs;
    if (greeting.kind === 'reconnect-instead-of-hello') return;
  }
  sendText(connection, helloText(state.rules.heartbeatIntervalMs), out);
}

function handleFrame(state: GatewayState, connection: Connection, frame: ClientFrame, now: Ms, out: Effect[]): void {
  if (frame.kind === 'heartbeat') {
    connection.heartbeatDueAt = now + state.rules.heartbeatTimeoutMs;
    sendText(connection, heartbeatAckText, out);
    return;
  }
  const known = connection.phase.kind !== 'unidentified';
  if (frame.kind === 'request') {
    handleRequest(state, connection, frame.request, now, out);
    return;
  }
  if (known) {
    fault(state, connection, 'bad-payload', closeCodes.alreadyAuthenticated, 'Already identified.', now, out);
    return;
  }
  if (frame.kind === 'identify') identify(state, connection, frame, now, out);
  else resume(state, connection, frame, now, out);
}

function handleRequest(
  state: GatewayState,
  connection: Connection,
  request: ClientRequest,
  now: Ms,
  out: Effect[],
): void {
  const { phase } = connection;
  if (phase.kind === 'unidentified')
    fault(state, connection, 'bad-payload', closeCodes.notAuthenticated, 'Identify first.', now, out);
  else if (request.kind === 'malformed')
    fault(state, connection, 'bad-payload', closeCodes.unknownOpcode, request.reason, now, out);
  else if (phase.kind === 'attached') carryOut(state, connection, phase.session, request, now, out);
}

function fault(
  state: GatewayState,
  connection: Connection,
  kind: ViolationKind,
  code: number,
  reason: string,
  now: Ms,
  out: Effect[],
): void {
  recordViolation(connection, kind, `${reason} Closed with ${code}.`, now, out);
  closeConnection(state, connection, code, reason, now, out);
}

function refuseQuery(query: ConnectionQuery): { code: number; reason: string } | null {
  if (query.v !== null && !servedVersions.includes(Number(query.v))) {
    return { code: closeCodes.invalidApiVersion, reason: 'This gateway version is not served.' };
  }
  if (query.encoding !== null && query.encoding !== 'json') {
    return { code: closeCodes.decodeError, reason: 'The emulator speaks encoding=json only.' };
  }
  if (query.compress !== null && query.compress !== '' && !compressions.includes(query.compress)) {
    return { code: closeCodes.decodeError, reason: `compress is one of ${compressions.join(', ')}.` };
  }
  return null;
}
