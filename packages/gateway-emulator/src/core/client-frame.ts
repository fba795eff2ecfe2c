/**
 * What a client sent, read without trusting a byte of it: either a frame of known shape, or the close code that its
 * fault earns. Nothing here throws, whatever the input.
 */
import { readRequest, plainPresence, readPresence, type ClientRequest, type Presence } from './client-requests.js';
import { closeCodes, opcodes } from './discord.js';
import { isCount, isInteger, isObject, parseObject } from './json.js';

/** `[shard_id, num_shards]` as sent in IDENTIFY, both known to be sensible. */
export type ShardTuple = readonly [shard: number, count: number];

export type IdentifyFrame = {
  kind: 'identify';
  token: string;
  /** `invalid`: missing or not a non-negative integer. */
  intents: number | 'invalid';
  /** `[0, 1]` when the client sent none. */
  shard: ShardTuple | 'invalid';
  /** 50 to 250, default 50 ("Gateway Events: Identify Structure"). */
  largeThreshold: number;
  /** Asks for payload compression. */
  compress: boolean;
  presence: Presence;
};

export type ResumeFrame = { kind: 'resume'; token: string; sessionId: string; seq: number };

export type ClientFrame =
  | { kind: 'heartbeat'; seq: number | null }
  | IdentifyFrame
  | ResumeFrame
  /** Presence, voice state, guild members and the like, from an identified client. */
  | { kind: 'request'; request: ClientRequest };

export type FrameFault = { kind: 'fault'; code: number; reason: string };

/** The most shards a tuple may name; beyond it the tuple is taken for a mistake (4010). */
const maxShardCount = 100_000;

const decodeError = (reason: string): FrameFault => ({ kind: 'fault', code: closeCodes.decodeError, reason });
const badPayload = (reason: string): FrameFault => ({ kind: 'fault', code: closeCodes.unknownOpcode, reason });

/** Reads one websocket message. `maxBytes`: Discord's limit (4096; "Gateway: Sending Events"), beyond it 4002. */
export function readClientFrame(data: Uint8Array, maxBytes: number): ClientFrame | FrameFault {
  if (data.byteLength > maxBytes) return decodeError(`The payload has more than ${maxBytes} bytes.`);
  const payload = parseObject(data);
  if (payload === null) return decodeError('The payload is not a JSON object.');
  const op = payload['op'];
  if (!isInteger(op)) return decodeError('The payload has no opcode.');
  const d = payload['d'];
  switch (op) {
    case opcodes.heartbeat:
      return readHeartbeat(d);
    case opcodes.identify:
      return readIdentify(d);
    case opcodes.resume:
      return readResume(d);
    default:
      break;
  }
  const request = readRequest(op, d);
  return request === null ? badPayload(`Clients do not send opcode ${op}.`) : { kind: 'request', request };
}

function readHeartbeat(d: unknown): ClientFrame | FrameFault {
  if (d === null || d === undefined) return { kind: 'heartbeat', seq: null };
  if (!isCount(d)) return badPayload('A heartbeat carries the last sequence or null.');
  return { kind: 'heartbeat', seq: d };
}

function readIdentify(d: unknown): ClientFrame | FrameFault {
  if (!isObject(d)) return badPayload('IDENTIFY needs an object.');
  if (typeof d['token'] !== 'string') return badPayload('IDENTIFY needs a token.');
  if (!isObject(d['properties'])) return badPayload('IDENTIFY needs properties.');
  const presence = d['presence'] === undefined || d['presence'] === null ? plainPresence : readPresence(d['presence']);
  if (presence === null) return badPayload('The presence of IDENTIFY is none.');
  return {
    kind: 'identify',
    token: d['token'],
    intents: isCount(d['intents']) ? d['intents'] : 'invalid',
    shard: readShardTuple(d['shard']),
    largeThreshold: readLargeThreshold(d['large_threshold']),
    compress: d['compress'] === true,
    presence,
  };
}

function readResume(d: unknown): ClientFrame | FrameFault {
  if (!isObject(d)) return badPayload('RESUME needs an object.');
  const { token, session_id: sessionId, seq } = d;
  if (typeof token !== 'string' || typeof sessionId !== 'string')
    return badPayload('RESUME needs token and session_id.');
  if (!isCount(seq)) return badPayload('RESUME needs the last sequence.');
  return { kind: 'resume', token, sessionId, seq };
}

function readShardTuple(value: unknown): ShardTuple | 'invalid' {
  if (value === undefined || value === null) return [0, 1];
  if (!Array.isArray(value) || value.length !== 2) return 'invalid';
  const [shard, count]: unknown[] = value;
  if (!isCount(shard) || !isCount(count)) return 'invalid';
  return shard < count && count <= maxShardCount ? [shard, count] : 'invalid';
}

/** Out of its bounds it is taken for the nearest of them. */
function readLargeThreshold(value: unknown): number {
  return isCount(value) ? Math.min(250, Math.max(50, value)) : 50;
}
