/** The moves of voice sessions and their connections: who has whom, what ends, and what is said to whom. */
import type { Ms } from '@dshard/transport';
import { bufferedSince, voiceCloseCodes, voiceOpcodes } from './voice-protocol.js';
import type { VoiceConnection, VoiceEffect, VoiceSession, VoiceState } from './voice-state.js';

export function sendVoice(connection: VoiceConnection, op: number, d: unknown, out: VoiceEffect[]): void {
  out.push({ kind: 'send', connection: connection.id, text: JSON.stringify({ op, d }) });
}

/** A message that a RESUME brings again when it was missed: numbered, from version 8 on. */
function sendNumbered(state: VoiceState, session: VoiceSession, op: number, d: unknown, out: VoiceEffect[]): void {
  const isNumbered = session.version >= bufferedSince;
  if (isNumbered) session.seq += 1;
  const text = JSON.stringify({ op, d, ...(isNumbered ? { seq: session.seq } : {}) });
  if (isNumbered) session.buffer.push({ seq: session.seq, text });
  if (session.buffer.length > state.rules.bufferSize) session.buffer.shift();
  if (session.attachment.kind === 'attached')
    out.push({ kind: 'send', connection: session.attachment.connection.id, text });
}

export function attachVoice(session: VoiceSession, connection: VoiceConnection): void {
  session.attachment = { kind: 'attached', connection };
  connection.session = session;
}

/** The socket is gone, or was taken away: the session waits for a RESUME. */
export function detachVoice(state: VoiceState, connection: VoiceConnection, now: Ms): void {
  const { session } = connection;
  connection.session = null;
  if (session === null) return;
  session.attachment = { kind: 'detached', expiresAt: now + state.rules.sessionTtlMs };
}

export function closeVoice(
  state: VoiceState,
  connection: VoiceConnection,
  { code, reason }: { code: number; reason: string },
  now: Ms,
  out: VoiceEffect[],
): void {
  if (connection.isClosing) return;
  detachVoice(state, connection, now);
  connection.isClosing = true;
  out.push({ kind: 'close', connection: connection.id, code, reason });
}

function cutVoice(state: VoiceState, connection: VoiceConnection, now: Ms, out: VoiceEffect[]): void {
  if (connection.isClosing) return;
  detachVoice(state, connection, now);
  connection.isClosing = true;
  out.push({ kind: 'cut', connection: connection.id });
}

/** For good. A socket that holds it is closed. */
export function endVoiceSession(
  state: VoiceState,
  session: VoiceSession,
  end: { code: number; reason: string },
  now: Ms,
  out: VoiceEffect[],
): void {
  if (state.sessions.get(session.guildId) === session) state.sessions.delete(session.guildId);
  if (session.attachment.kind === 'attached') closeVoice(state, session.attachment.connection, end, now, out);
}

/** Whether the bot is still where it was when the session began. */
export function isCurrent({ places }: VoiceState, session: VoiceSession): boolean {
  const place = places.placeIn(session.guildId);
  return place !== null && place.token === session.token && place.sessionId === session.sessionId;
}

const left = { code: voiceCloseCodes.disconnected, reason: 'Disconnected.' };

/**
 * What falls due with time, and what has changed at the main gateway meanwhile: bots that left are disconnected, others
 * in the channel came or went, heartbeats stayed away, nobody resumed.
 */
export function voiceTick(state: VoiceState, now: Ms): VoiceEffect[] {
  const out: VoiceEffect[] = [];
  for (const session of state.sessions.values()) {
    const { attachment, guildId } = session;
    if (state.places.placeIn(guildId) === null) endVoiceSession(state, session, left, now, out);
    else if (attachment.kind === 'detached' && attachment.expiresAt <= now) state.sessions.delete(guildId);
    else if (isCurrent(state, session)) tellOthers(state, session, out);
    else if (session.staleSince === null) session.staleSince = now;
    else if (now - session.staleSince >= state.rules.staleMs) endVoiceSession(state, session, left, now, out);
  }
  for (const connection of state.connections.values()) {
    if (!connection.isClosing && connection.heartbeatDueAt <= now)
      closeVoice(state, connection, { code: voiceCloseCodes.sessionTimedOut, reason: 'Session timed out.' }, now, out);
  }
  return out;
}

/** The operator closes voice sockets, with a code or without a close frame. Returns how many. */
export function dropVoice(
  state: VoiceState,
  { guilds, code }: { guilds: readonly string[] | null; code: number | null },
  now: Ms,
): { effects: VoiceEffect[]; affected: number } {
  const effects: VoiceEffect[] = [];
  for (const { guildId, attachment } of state.sessions.values()) {
    if (attachment.kind !== 'attached' || guilds?.includes(guildId) === false) continue;
    if (code === null) cutVoice(state, attachment.connection, now, effects);
    else closeVoice(state, attachment.connection, { code, reason: 'Dropped by the operator.' }, now, effects);
  }
  return { effects, affected: effects.length };
}

/** Who is in the channel, as far as the client does not know. */
export function tellOthers(state: VoiceState, session: VoiceSession, out: VoiceEffect[]): void {
  const there = new Set(state.places.othersIn(session.guildId, session.channelId));
  const came = [...there].filter((userId) => !session.others.has(userId));
  const gone = [...session.others].filter((userId) => !there.has(userId));
  session.others = there;
  if (came.length > 0) sendNumbered(state, session, voiceOpcodes.clientsConnect, { user_ids: came }, out);
  for (const user_id of gone) sendNumbered(state, session, voiceOpcodes.clientDisconnect, { user_id }, out);
}
