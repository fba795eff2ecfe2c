/**
 * The frame of `transferData`, written and read without a map between: tens of thousands of them a second carry the
 * state of a shard. The bytes are those that `message-table.ts` gives; a test compares the two. What does not look as
 * expected here, though it may be right, is left to the table, which also has the sentence for what is wrong.
 */
import { MAX_EVENT_ID, MAX_NAME_LENGTH, MAX_SHARDS } from './limits.js';
import { FIRST_USER_EVENT_ID } from './messages.js';
import type { TransferData } from './transfer-messages.js';

const MAP_OF_FIVE = 0x85;
const KEYS = ['MigrationID', 'ShardID', 'Index', 'EventID', 'Body'].map((key) =>
  Buffer.concat([Buffer.from([0xa0 | key.length]), Buffer.from(key)]),
) as [Buffer, Buffer, Buffer, Buffer, Buffer];
const [ID_KEY, SHARD_KEY, INDEX_KEY, EVENT_KEY, BODY_KEY] = KEYS;
const KEYS_BYTES = KEYS.reduce((sum, key) => sum + key.length, 0);

/** The frame but for its header, for which `headroom` bytes are left free; null: the table knows better. */
export function writeTransferData(message: TransferData, headroom: number): Uint8Array | null {
  const { migrationId, shardId, index, eventId, body } = message;
  const isUsual =
    isPlain(migrationId) &&
    isWithin(shardId, 0, MAX_SHARDS - 1) &&
    isWithin(index, 0, 0xffff_ffff) &&
    isWithin(eventId, FIRST_USER_EVENT_ID, MAX_EVENT_ID) &&
    body instanceof Uint8Array;
  if (!isUsual) return null;
  const idBytes = (migrationId.length < 32 ? 1 : 2) + migrationId.length;
  const numbers = widthOf(shardId) + widthOf(index) + widthOf(eventId);
  const bodyHead = body.length < 0x100 ? 2 : body.length < 0x1_0000 ? 3 : 5;
  const frame = Buffer.allocUnsafe(headroom + 1 + KEYS_BYTES + idBytes + numbers + bodyHead + body.length);
  let at = headroom;
  frame[at++] = MAP_OF_FIVE;
  at = putKey(frame, at, ID_KEY);
  if (migrationId.length < 32) frame[at++] = 0xa0 | migrationId.length;
  else {
    frame[at++] = 0xd9;
    frame[at++] = migrationId.length;
  }
  at += frame.write(migrationId, at, 'latin1');
  at = putNumber(frame, putKey(frame, at, SHARD_KEY), shardId);
  at = putNumber(frame, putKey(frame, at, INDEX_KEY), index);
  at = putNumber(frame, putKey(frame, at, EVENT_KEY), eventId);
  at = putKey(frame, at, BODY_KEY);
  if (bodyHead === 2) {
    frame[at++] = 0xc4;
    frame[at++] = body.length;
  } else if (bodyHead === 3) {
    frame[at++] = 0xc5;
    at = frame.writeUInt16BE(body.length, at);
  } else {
    frame[at++] = 0xc6;
    at = frame.writeUInt32BE(body.length, at);
  }
  frame.set(body, at);
  return new Uint8Array(frame.buffer, frame.byteOffset, frame.length);
}

/** The message of a body that is written as above; null: let the table read. */
export function readTransferData(bytes: Uint8Array): TransferData | null {
  const from: Place = { bytes, at: 1 };
  if (bytes[0] !== MAP_OF_FIVE || !passKey(from, ID_KEY)) return null;
  const migrationId = takeText(from);
  if (migrationId === null || !passKey(from, SHARD_KEY)) return null;
  const shardId = takeNumber(from);
  if (!isWithin(shardId, 0, MAX_SHARDS - 1) || !passKey(from, INDEX_KEY)) return null;
  const index = takeNumber(from);
  if (index === -1 || !passKey(from, EVENT_KEY)) return null;
  const eventId = takeNumber(from);
  if (!isWithin(eventId, FIRST_USER_EVENT_ID, MAX_EVENT_ID) || !passKey(from, BODY_KEY)) return null;
  const body = takeRest(from);
  return body === null ? null : { kind: 'transferData', migrationId, shardId, index, eventId, body };
}

type Place = { readonly bytes: Uint8Array; at: number };

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max && !Object.is(value, -0);
}

/** Printable, and a byte for each character. */
function isPlain(text: string): boolean {
  if (typeof text !== 'string' || text.length === 0 || text.length > Math.min(MAX_NAME_LENGTH, 0xff)) return false;
  for (let at = 0; at < text.length; at += 1) if (!isPlainCode(text.charCodeAt(at))) return false;
  return true;
}

function isPlainCode(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}

function widthOf(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x100) return 2;
  return value < 0x1_0000 ? 3 : 5;
}

function putKey(into: Buffer, at: number, key: Buffer): number {
  for (let index = 0; index < key.length; index += 1) into[at + index] = key[index] as number;
  return at + key.length;
}

function putNumber(into: Buffer, at: number, value: number): number {
  if (value < 0x80) {
    into[at] = value;
    return at + 1;
  }
  if (value < 0x100) {
    into[at] = 0xcc;
    into[at + 1] = value;
    return at + 2;
  }
  if (value < 0x1_0000) {
    into[at] = 0xcd;
    return into.writeUInt16BE(value, at + 1);
  }
  into[at] = 0xce;
  return into.writeUInt32BE(value, at + 1);
}

function passKey(from: Place, key: Buffer): boolean {
  const { bytes, at } = from;
  for (let index = 0; index < key.length; index += 1) if (bytes[at + index] !== key[index]) return false;
  from.at = at + key.length;
  return true;
}

function takeText(from: Place): string | null {
  const { bytes } = from;
  const head = bytes[from.at] ?? 0;
  const isShort = (head & 0xe0) === 0xa0;
  if (!isShort && head !== 0xd9) return null;
  const length = isShort ? head & 0x1f : (bytes[from.at + 1] ?? 0);
  const start = from.at + (isShort ? 1 : 2);
  const end = start + length;
  if (length === 0 || length > MAX_NAME_LENGTH || end > bytes.length) return null;
  let text = '';
  for (let at = start; at < end; at += 1) {
    const code = bytes[at] as number;
    if (!isPlainCode(code)) return null;
    text += String.fromCharCode(code);
  }
  from.at = end;
  return text;
}

/** An integer of up to 32 bits, or -1. */
function takeNumber(from: Place): number {
  const { bytes, at } = from;
  const head = bytes[at] ?? 0xc1;
  const width = head < 0x80 ? 0 : head === 0xcc ? 1 : head === 0xcd ? 2 : head === 0xce ? 4 : -1;
  if (width === -1 || at + 1 + width > bytes.length) return -1;
  from.at = at + 1 + width;
  return width === 0 ? head : bigEndian(bytes, at + 1, width);
}

/** What is left is one byte string, and nothing after it. */
function takeRest({ bytes, at }: Place): Uint8Array | null {
  const head = bytes[at] ?? 0;
  const width = head === 0xc4 ? 1 : head === 0xc5 ? 2 : head === 0xc6 ? 4 : 0;
  const start = at + 1 + width;
  if (width === 0 || start > bytes.length || start + bigEndian(bytes, at + 1, width) !== bytes.length) return null;
  return bytes.subarray(start);
}

function bigEndian(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let index = at; index < at + width; index += 1) value = value * 0x100 + (bytes[index] ?? 0);
  return value;
}
