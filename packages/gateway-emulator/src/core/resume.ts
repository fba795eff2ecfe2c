/**
 * RESUME ("Gateway: Resuming"): replays what came after the client's sequence, in order, then RESUMED. Free of any
 * identify limit (discord-api-docs#1369).
 *
 * Wrong token, unknown, expired or overrun session → op 9 false, on a socket that lives on (#1209, #1805). Sequence
 * never reached → 4007 (#1209). An operator can have it answered otherwise (`start-answers.ts`). What becomes of a
 * socket that still holds the session is not known: `doubleAttach` has what was seen.
 */
import type { Ms } from '@dshard/transport';
import { bareToken, isBotToken } from './token.js';
import type { ResumeFrame } from './client-frame.js';
import { closeCodes } from './discord.js';
import { dispatchText, invalidSessionText, sendText, recordViolation, type Effect } from './effects.js';
import { replayAfter } from './replay-buffer.js';
import type { Connection, GatewayState, Session } from './state.js';
import { attach, becomeEcho, closeConnection, destroySession, detach } from './sessions.js';
import { startAnswer } from './start-answers.js';
import { isThrottled } from './faults.js';

export function resume(state: GatewayState, connection: Connection, frame: ResumeFrame, now: Ms, out: Effect[]): void {
  state.asked.resume += 1;
  const shard = state.sessions.get(frame.sessionId)?.shard ?? null;
  const answer = startAnswer(state.answers, 'resume', shard, now);
  if (answer === 'never') {
    connection.phase = { kind: 'silenced' };
    return;
  }
  const session = findSession(state, frame, now, out);
  if (session === null) {
    sendText(connection, invalidSessionText(false), out);
    return;
  }
  if (answer === 'resumable' || isThrottled(state, now)) {
    sendText(connection, invalidSessionText(true), out);
    return;
  }
  if (answer === 'refuse') {
    destroySession(state, session, { reason: 'RESUME refused by the operator', code: null }, now, out);
    sendText(connection, invalidSessionText(false), out);
    return;
  }
  if (frame.seq > session.seq) {
    const message = `Shard ${session.shard} resumed from ${frame.seq}, but its session is at ${session.seq}.`;
    recordViolation(connection, 'bad-resume', message, now, out, session.shard);
    closeConnection(state, connection, closeCodes.invalidSeq, 'Invalid seq.', now, out);
    return;
  }
  const replay = replayAfter(session.replay, frame.seq);
  if (replay === null) {
    const message = `Shard ${session.shard} resumed from ${frame.seq}, but its replay buffer begins after ${session.replay.evictedThrough}.`;
    recordViolation(connection, 'bad-resume', message, now, out, session.shard);
    destroySession(state, session, { reason: 'replay buffer overrun', code: null }, now, out);
    sendText(connection, invalidSessionText(false), out);
    return;
  }
  if (session.attachment.kind === 'attached')
    takeFromOldSocket(state, session, session.attachment.connection, now, out);
  attach(session, connection);
  for (const entry of replay) {
    sendText(connection, dispatchText(entry.type, entry.s, entry.json), out);
  }
  // Whether RESUMED takes a sequence number of its own is not documented; libraries expect one in it, so it takes the
  // next.
  session.seq += 1;
  sendText(connection, dispatchText('RESUMED', session.seq, '{"_trace":[]}'), out);
  out.push({
    kind: 'record',
    record: {
      kind: 'attached',
      at: now,
      sessionId: session.id,
      shard: session.shard,
      count: session.count,
      connection: connection.id,
      resumedFrom: frame.seq,
      replayed: replay.length,
    },
  });
}

/** Most libraries resume with `Bot ` before the token; in 2019 one that did was refused (discord-api-docs#1209). */
function findSession(state: GatewayState, frame: ResumeFrame, now: Ms, out: Effect[]): Session | null {
  const session = state.sessions.get(frame.sessionId);
  const token = state.rules.resumeToken === 'either' ? bareToken(frame.token) : frame.token;
  if (session === undefined || !isBotToken(state, token)) return null;
  if (session.attachment.kind === 'detached' && session.attachment.expiresAt <= now) {
    destroySession(state, session, { reason: 'expired', code: null }, now, out);
    return null;
  }
  return session;
}

function takeFromOldSocket(state: GatewayState, session: Session, old: Connection, now: Ms, out: Effect[]): void {
  const message = `Shard ${session.shard} was resumed while connection ${old.id} still held its session.`;
  recordViolation(old, 'double-attach', message, now, out);
  switch (state.rules.doubleAttach) {
    case 'close-old':
      closeConnection(state, old, state.rules.doubleAttachCloseCode, 'The session was resumed elsewhere.', now, out);
      return;
    case 'silence-old':
      detach(state, old, null, now, out);
      old.phase = { kind: 'silenced' };
      return;
    case 'keep-both':
      detach(state, old, null, now, out);
      becomeEcho(old, session);
  }
}
