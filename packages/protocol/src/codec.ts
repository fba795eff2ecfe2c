/**
 * Messages to frames and back. A frame is `u32 LE event id | u32 LE body length | body`; a body is a MessagePack map
 * after `message-table.ts`, or nothing. What stands here has no state: cutting a stream of bytes into frames is the
 * frame reader's work.
 */
import { ProtocolError, UnknownEventError } from './errors.js';
import { isWireMap, readFields, writeFields, type Fields, type WireMap } from './fields.js';
import { MAX_EVENT_ID } from './limits.js';
import { MESSAGE_TABLE, type TableKind } from './message-table.js';
import { EVENT_IDS } from './message-traits.js';
import { FIRST_USER_EVENT_ID, type Message, type UserEvent } from './messages.js';
import { readMessagePack } from './msgpack-read.js';
import { writeMessagePack } from './msgpack-write.js';
import { readTransferData, writeTransferData } from './transfer-data.js';

/** Bytes before the body. */
export const FRAME_HEADER_BYTES = 8;

const KINDS_BY_ID: ReadonlyMap<number, TableKind> = new Map(
  (Object.keys(EVENT_IDS) as TableKind[]).map((kind) => [EVENT_IDS[kind], kind]),
);

/**
 * The whole frame of a message, in memory of its own. Throws a `ProtocolError` that names the field when the message
 * breaks a bound: what we send is held to the same rules as what we receive.
 */
export function encodeMessage(message: Message): Uint8Array {
  if (message.kind === 'userEvent') return encodeUserEvent(message);
  if (message.kind === 'transferData') {
    const frame = writeTransferData(message, FRAME_HEADER_BYTES);
    if (frame !== null) return withHeader(frame, EVENT_IDS.transferData);
  }
  const map: WireMap = {};
  writeFields(fieldsOf(message.kind), message, map, message.kind);
  const hasBody = Object.keys(map).length > 0;
  const frame = hasBody ? writeMessagePack(map, FRAME_HEADER_BYTES) : new Uint8Array(FRAME_HEADER_BYTES);
  return withHeader(frame, EVENT_IDS[message.kind]);
}

/**
 * The message of a frame. Fields that are not known are ignored. Byte strings in the result, and the body of a user
 * event, are views of `body`.
 *
 * Throws `UnknownEventError` for an id below 100 that is not known (log and ignore it), and another `ProtocolError` for
 * anything else that is wrong.
 */
export function decodeMessage(eventId: number, body: Uint8Array): Message {
  if (eventId >= FIRST_USER_EVENT_ID) return { kind: 'userEvent', eventId, body };
  const kind = KINDS_BY_ID.get(eventId);
  if (kind === undefined) throw new UnknownEventError(eventId);
  const state = kind === 'transferData' ? readTransferData(body) : null;
  if (state !== null) return state;
  const fields = readFields(fieldsOf(kind), bodyMap(kind, body), kind);
  return { kind, ...fields } as Message;
}

/** The table is checked kind by kind where it stands; here any of its rows will do. */
function fieldsOf(kind: TableKind): Fields<Record<string, unknown>> {
  return MESSAGE_TABLE[kind];
}

function bodyMap(kind: TableKind, body: Uint8Array): Readonly<WireMap> {
  const value = body.length === 0 ? null : readMessagePack(body, kind);
  if (value === null) return {};
  if (!isWireMap(value)) throw new ProtocolError('DSO_BODY_MALFORMED', `The body of ${kind} is not a map.`);
  return value;
}

function encodeUserEvent({ eventId, body }: UserEvent): Uint8Array {
  if (!Number.isInteger(eventId) || eventId < FIRST_USER_EVENT_ID || eventId > MAX_EVENT_ID) {
    throw new ProtocolError(
      'DSO_FIELD_RANGE',
      `The user event id ${eventId} is not an integer from 100 to ${MAX_EVENT_ID}.`,
    );
  }
  const frame = new Uint8Array(FRAME_HEADER_BYTES + body.length);
  frame.set(body, FRAME_HEADER_BYTES);
  return withHeader(frame, eventId);
}

function withHeader(frame: Uint8Array, eventId: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, FRAME_HEADER_BYTES);
  view.setUint32(0, eventId, true);
  view.setUint32(4, frame.length - FRAME_HEADER_BYTES, true);
  return frame;
}
