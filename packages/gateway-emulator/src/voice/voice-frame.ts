/**
 * What a voice client sent, read without trusting a byte of it: a frame of known shape, or the close code that its
 * fault earns. Never throws.
 */
import { isCount, isInteger, isObject, parseObject } from '../core/json.js';
import { ignoredVoiceOpcodes, voiceCloseCodes, voiceOpcodes } from './voice-protocol.js';

export type VoiceIdentifyFrame = {
  kind: 'identify';
  guildId: string;
  userId: string;
  sessionId: string;
  token: string;
};

export type VoiceFrame =
  | VoiceIdentifyFrame
  | { kind: 'resume'; guildId: string; sessionId: string; token: string; seqAck: number }
  /** `nonce`: as it came, to be sent back. */
  | { kind: 'heartbeat'; nonce: unknown; seqAck: number }
  | { kind: 'select'; protocol: string; address: string; port: number; mode: string }
  | { kind: 'speaking'; speaking: number; ssrc: number | null }
  | { kind: 'ignored' };

export type VoiceFrameFault = { kind: 'fault'; code: number; reason: string };

/** No message was numbered yet. */
const nothingHeard = -1;

export function readVoiceFrame(data: Uint8Array): VoiceFrame | VoiceFrameFault {
  const payload = parseObject(data);
  if (payload === null) return fault('The payload is not a JSON object.');
  const { op, d } = payload;
  if (!isInteger(op)) return fault('The payload has no opcode.');
  if (op === voiceOpcodes.heartbeat) return readHeartbeat(d);
  if (ignoredVoiceOpcodes.includes(op)) return { kind: 'ignored' };
  const read = readers.get(op);
  if (read === undefined)
    return { kind: 'fault', code: voiceCloseCodes.unknownOpcode, reason: `Clients do not send opcode ${op}.` };
  return isObject(d) ? read(d) : fault(`Opcode ${op} needs an object.`);
}

const readers: ReadonlyMap<number, (d: Record<string, unknown>) => VoiceFrame | VoiceFrameFault> = new Map([
  [voiceOpcodes.identify, readIdentify],
  [voiceOpcodes.resume, readResume],
  [voiceOpcodes.selectProtocol, readSelect],
  [voiceOpcodes.speaking, readSpeaking],
]);

function readIdentify(d: Record<string, unknown>): VoiceFrame | VoiceFrameFault {
  const { server_id: guildId, user_id: userId, session_id: sessionId, token } = d;
  if (isText(guildId) && isText(userId) && isText(sessionId) && isText(token))
    return { kind: 'identify', guildId, userId, sessionId, token };
  return fault('IDENTIFY needs server_id, user_id, session_id and token.');
}

function readResume(d: Record<string, unknown>): VoiceFrame | VoiceFrameFault {
  const { server_id: guildId, session_id: sessionId, token } = d;
  if (isText(guildId) && isText(sessionId) && isText(token))
    return { kind: 'resume', guildId, sessionId, token, seqAck: seqAckOf(d) };
  return fault('RESUME needs server_id, session_id and token.');
}

/** Until version 7 the nonce itself, from 8 on an object with the nonce and what was heard last. */
function readHeartbeat(d: unknown): VoiceFrame | VoiceFrameFault {
  if (isObject(d)) return { kind: 'heartbeat', nonce: d['t'] ?? null, seqAck: seqAckOf(d) };
  if (typeof d === 'number' || typeof d === 'string' || d === null)
    return { kind: 'heartbeat', nonce: d, seqAck: nothingHeard };
  return fault('A heartbeat carries a nonce.');
}

function readSelect(d: Record<string, unknown>): VoiceFrame | VoiceFrameFault {
  const { protocol, data } = d;
  if (!isText(protocol) || !isObject(data)) return fault('SELECT PROTOCOL needs protocol and data.');
  const { address, port, mode } = data;
  if (isText(address) && isCount(port) && isText(mode)) return { kind: 'select', protocol, address, port, mode };
  return fault('The data of SELECT PROTOCOL has address, port and mode.');
}

function readSpeaking(d: Record<string, unknown>): VoiceFrame | VoiceFrameFault {
  const { speaking, ssrc = null } = d;
  const flags = speaking === true ? 1 : speaking === false ? 0 : speaking;
  if (isCount(flags) && (ssrc === null || isCount(ssrc))) return { kind: 'speaking', speaking: flags, ssrc };
  return fault('SPEAKING needs its flags.');
}

function seqAckOf({ seq_ack: seqAck }: Record<string, unknown>): number {
  return isInteger(seqAck) && seqAck >= nothingHeard ? seqAck : nothingHeard;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function fault(reason: string): VoiceFrameFault {
  return { kind: 'fault', code: voiceCloseCodes.decodeError, reason };
}
