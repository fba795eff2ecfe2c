/** What happens on one connection of the voice gateway: it opens, it says something, it is gone. */
import type { Ms, Random } from '@dshard/transport';
import { readVoiceFrame, type VoiceFrame, type VoiceIdentifyFrame } from './voice-frame.js';
import { daveVersion, servedVoiceVersions, voiceCloseCodes, voiceModes, voiceOpcodes } from './voice-protocol.js';
import {
  attachVoice,
  closeVoice,
  detachVoice,
  endVoiceSession,
  isCurrent,
  sendVoice,
  tellOthers,
} from './voice-sessions.js';
import type { VoiceConnection, VoiceEffect, VoiceSession, VoiceState } from './voice-state.js';

const defaultVersion = 0;
const keyBytes = 32;

/** A socket was accepted. `version`: the `v` of its URL. */
export function voiceOpened(state: VoiceState, id: number, version: string | null, now: Ms): VoiceEffect[] {
  const out: VoiceEffect[] = [];
  const connection: VoiceConnection = {
    id,
    version: version === null ? defaultVersion : Number(version),
    session: null,
    isClosing: false,
    heartbeatDueAt: now + state.rules.heartbeatTimeoutMs,
  };
  state.connections.set(id, connection);
  if (!servedVoiceVersions.includes(connection.version)) {
    const reason = `Voice gateway versions are ${servedVoiceVersions.join(', ')}: "?v=8".`;
    closeVoice(state, connection, { code: voiceCloseCodes.unknownProtocol, reason }, now, out);
    return out;
  }
  const hello = { v: connection.version, heartbeat_interval: state.rules.heartbeatIntervalMs };
  sendVoice(connection, voiceOpcodes.hello, hello, out);
  return out;
}

/** A text message arrived. Binary ones belong to DAVE, which is not spoken. */
export function voiceReceived(state: VoiceState, id: number, data: Uint8Array, now: Ms): VoiceEffect[] {
  const out: VoiceEffect[] = [];
  const connection = state.connections.get(id);
  if (connection === undefined || connection.isClosing) return out;
  const frame = readVoiceFrame(data);
  if (frame.kind === 'fault') closeVoice(state, connection, frame, now, out);
  else handle(state, connection, frame, now, out);
  return out;
}

/** A socket is gone, whatever its code: the session waits. The bot leaves a channel by op 4 of the main gateway. */
export function voiceClosed(state: VoiceState, id: number, now: Ms): void {
  const connection = state.connections.get(id);
  if (connection === undefined) return;
  state.connections.delete(id);
  detachVoice(state, connection, now);
}

function handle(state: VoiceState, connection: VoiceConnection, frame: VoiceFrame, now: Ms, out: VoiceEffect[]): void {
  const { session } = connection;
  switch (frame.kind) {
    case 'heartbeat':
      connection.heartbeatDueAt = now + state.rules.heartbeatTimeoutMs;
      if (session !== null) forget(session, frame.seqAck);
      sendVoice(connection, voiceOpcodes.heartbeatAck, connection.version >= 8 ? { t: frame.nonce } : frame.nonce, out);
      return;
    case 'identify':
    case 'resume':
      if (session !== null) {
        const reason = 'Already authenticated.';
        closeVoice(state, connection, { code: voiceCloseCodes.alreadyAuthenticated, reason }, now, out);
      } else if (frame.kind === 'identify') identify(state, connection, frame, now, out);
      else resume(state, connection, frame, now, out);
      return;
    case 'select':
    case 'speaking':
      if (session === null) {
        const reason = 'Not authenticated.';
        closeVoice(state, connection, { code: voiceCloseCodes.notAuthenticated, reason }, now, out);
      } else if (frame.kind === 'select') select(state, connection, session, frame, now, out);
      else session.speaking = frame.speaking;
      return;
    case 'ignored':
  }
}

function identify(
  state: VoiceState,
  connection: VoiceConnection,
  frame: VoiceIdentifyFrame,
  now: Ms,
  out: VoiceEffect[],
): void {
  const place = state.places.placeIn(frame.guildId);
  const refusal =
    place === null
      ? { code: voiceCloseCodes.serverNotFound, reason: 'Server not found.' }
      : frame.token !== place.token || frame.userId !== state.places.userId
        ? { code: voiceCloseCodes.authenticationFailed, reason: 'Authentication failed.' }
        : frame.sessionId === place.sessionId
          ? null
          : { code: voiceCloseCodes.sessionInvalid, reason: 'Session is no longer valid.' };
  if (place === null || refusal !== null) {
    if (refusal !== null) closeVoice(state, connection, refusal, now, out);
    return;
  }
  const before = state.sessions.get(frame.guildId);
  const replaced = { code: voiceCloseCodes.sessionInvalid, reason: 'Session is no longer valid.' };
  if (before !== undefined) endVoiceSession(state, before, replaced, now, out);
  const session: VoiceSession = {
    guildId: frame.guildId,
    channelId: place.channelId,
    sessionId: place.sessionId,
    token: place.token,
    ssrc: newSsrc(state),
    version: connection.version,
    transport: null,
    speaking: 0,
    seq: -1,
    buffer: [],
    others: new Set(),
    staleSince: null,
    attachment: { kind: 'attached', connection },
    received: { packets: 0, bytes: 0 },
    resumes: 0,
  };
  state.sessions.set(frame.guildId, session);
  attachVoice(session, connection);
  const { address: ip, port } = state.udp;
  const ready = { ssrc: session.ssrc, ip, port, modes: voiceModes, streams: [], experiments: [] };
  sendVoice(connection, voiceOpcodes.ready, ready, out);
  tellOthers(state, session, out);
}

function resume(
  state: VoiceState,
  connection: VoiceConnection,
  frame: Extract<VoiceFrame, { kind: 'resume' }>,
  now: Ms,
  out: VoiceEffect[],
): void {
  const session = state.sessions.get(frame.guildId);
  const isSame = session !== undefined && session.token === frame.token && session.sessionId === frame.sessionId;
  const missed = session?.buffer.filter(({ seq }) => seq > frame.seqAck) ?? [];
  const isWhole = session !== undefined && missed.length === Math.max(0, session.seq - frame.seqAck);
  if (session === undefined || !isSame || !isWhole || !isCurrent(state, session)) {
    const reason = 'Session is no longer valid.';
    closeVoice(state, connection, { code: voiceCloseCodes.sessionInvalid, reason }, now, out);
    return;
  }
  if (session.attachment.kind === 'attached') {
    const reason = 'The session was resumed elsewhere.';
    closeVoice(state, session.attachment.connection, { code: voiceCloseCodes.sessionInvalid, reason }, now, out);
  }
  attachVoice(session, connection);
  session.resumes += 1;
  sendVoice(connection, voiceOpcodes.resumed, null, out);
  for (const { text } of missed) out.push({ kind: 'send', connection: connection.id, text });
}

function select(
  state: VoiceState,
  connection: VoiceConnection,
  session: VoiceSession,
  { protocol, mode, address, port }: Extract<VoiceFrame, { kind: 'select' }>,
  now: Ms,
  out: VoiceEffect[],
): void {
  if (protocol !== 'udp') {
    const reason = `"${protocol}" is not spoken: udp.`;
    closeVoice(state, connection, { code: voiceCloseCodes.unknownProtocol, reason }, now, out);
    return;
  }
  if (!voiceModes.includes(mode)) {
    const reason = `"${mode}" is not offered: ${voiceModes.join(', ')}.`;
    closeVoice(state, connection, { code: voiceCloseCodes.unknownMode, reason }, now, out);
    return;
  }
  const secretKey = session.transport?.secretKey ?? newKey(state.random);
  session.transport = { mode, secretKey, address, port };
  const description = {
    mode,
    secret_key: secretKey,
    dave_protocol_version: daveVersion,
    audio_codec: 'opus',
    video_codec: 'H264',
    media_session_id: session.token,
  };
  sendVoice(connection, voiceOpcodes.sessionDescription, description, out);
}

/** What the client has heard needs not be kept for it. */
function forget(session: VoiceSession, seqAck: number): void {
  const heard = session.buffer.findLastIndex(({ seq }) => seq <= seqAck);
  if (heard >= 0) session.buffer.splice(0, heard + 1);
}

function newSsrc(state: VoiceState): number {
  const taken = new Set([...state.sessions.values()].map(({ ssrc }) => ssrc));
  let ssrc = 0;
  do ssrc = 1 + Math.floor(state.random.next() * 0xffff_fffe);
  while (taken.has(ssrc));
  return ssrc;
}

function newKey(random: Random): number[] {
  return Array.from({ length: keyBytes }, () => Math.floor(random.next() * 256));
}
