/**
 * MessagePack from a peer, read without trusting it. The bytes are walked once before anything is made of them:
 * every length must be covered by bytes that are there, nesting and the number of values are bounded, and nothing may
 * follow. Only then does the library build values, so what it allocates is bounded by what the peer really sent.
 */
import { decode, type ExtensionCodecType } from '@msgpack/msgpack';
import { ProtocolError, messageOf } from './errors.js';
import { MessagePackExtension } from './msgpack-extension.js';
import { narrow } from './numbers.js';
import { MAX_DEPTH, MAX_VALUES } from './limits.js';

/**
 * The value of `bytes`. Integers become numbers when these hold them exactly, else bigints; byte strings are views of
 * `bytes`; a map with a key that is no text becomes a Map, a timestamp a Date if it has no part of a millisecond, and
 * any other extension a `MessagePackExtension`. Throws `DSO_BODY_MALFORMED` or `DSO_BODY_TOO_COMPLEX`; `what` names the
 * message in the sentence.
 */
export function readMessagePack(bytes: Uint8Array, what: string): unknown {
  checkStructure(bytes, what);
  let value: unknown;
  const keys: unknown[] = [];
  try {
    value = decode(bytes, {
      useBigInt64: true,
      maxArrayLength: MAX_VALUES,
      maxMapLength: MAX_VALUES,
      extensionCodec: EXTENSIONS,
      mapKeyConverter: (key) => (typeof key === 'string' ? writtenKey(key) : `${OTHER_KEY}${keys.push(key) - 1}`),
    });
  } catch (cause) {
    const reason = messageOf(cause);
    throw new ProtocolError('DSO_BODY_MALFORMED', `The body of ${what} cannot be decoded: ${reason}.`, { cause });
  }
  return restored(value, keys);
}

const EXTENSIONS: ExtensionCodecType<undefined> = {
  tryToEncode: () => null,
  decode: (data, type) => new MessagePackExtension(type, data).asDate() ?? new MessagePackExtension(type, data),
};

/** The library makes objects, which have keys of text only: another key stands as its place among those. */
const OTHER_KEY = '\0#';

/** Text that could be taken for such a place is told apart. */
function writtenKey(key: string): string {
  return key.startsWith('\0') ? `\0${key}` : key;
}

/**
 * Bigints that fit a number become one, and keys what they were; in place where that can be. The recursion is bounded:
 * `checkStructure` saw the nesting.
 */
function restored(value: unknown, keys: readonly unknown[]): unknown {
  if (typeof value === 'bigint') return narrow(value);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (value instanceof Date || value instanceof MessagePackExtension) return value;
  const container = value as Record<string | number, unknown>;
  const names = Object.keys(container);
  for (const key of names) {
    const inner = container[key];
    const now = restored(inner, keys);
    if (now !== inner) container[key] = now;
  }
  const isPlain = Array.isArray(value) || !names.some((name) => name.startsWith('\0'));
  return isPlain ? value : withKeys(names, container, keys);
}

function withKeys(names: readonly string[], container: Record<string, unknown>, keys: readonly unknown[]): unknown {
  const entries = names.map((name): [key: unknown, value: unknown] => {
    if (!name.startsWith('\0')) return [name, container[name]];
    const isText = !name.startsWith(OTHER_KEY);
    return [isText ? name.slice(1) : restored(keys[Number(name.slice(2))], keys), container[name]];
  });
  const isText = entries.every((entry): entry is [string, unknown] => typeof entry[0] === 'string');
  return isText ? Object.fromEntries(entries) : new Map(entries);
}

/** What a first byte announces: how many bytes of payload follow it, and how many values after those. */
type Head = { payload: number; values: number };

function checkStructure(bytes: Uint8Array, what: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  /** How many values are still to come on each level; the outermost is the body itself. */
  const open: number[] = [1];
  let at = 0;
  let seen = 0;
  for (;;) {
    while (open.length > 0 && open[open.length - 1] === 0) open.pop();
    if (open.length === 0) break;
    open[open.length - 1] = (open[open.length - 1] ?? 0) - 1;

    if (++seen > MAX_VALUES) throw tooComplex(what, `holds more than ${MAX_VALUES} values`);
    const { payload, values } = readHead(view, at, what);
    at += payload + 1;
    // Each value takes a byte at least, so a count beyond the bytes that are left is a lie, whatever its size.
    if (at > bytes.length || values > bytes.length - at) throw malformed(what, `ends in the middle of a value`);
    if (values === 0) continue;
    if (open.length > MAX_DEPTH) throw tooComplex(what, `is nested more than ${MAX_DEPTH} levels deep`);
    open.push(values);
  }
  if (at !== bytes.length) throw malformed(what, `has ${bytes.length - at} bytes too many`);
}

const CONTAINERS_END = 0xa0;

/** https://github.com/msgpack/msgpack/blob/master/spec.md, "Formats". */
function readHead(view: DataView, at: number, what: string): Head {
  const head = byteAt(view, at, what);
  if (head < 0x80 || head >= 0xe0) return { payload: 0, values: 0 };
  if (head < 0x90) return { payload: 0, values: 2 * (head & 0x0f) };
  if (head < CONTAINERS_END) return { payload: 0, values: head & 0x0f };
  if (head < 0xc0) return { payload: head & 0x1f, values: 0 };
  return readLongHead(view, at, head, what);
}

function readLongHead(view: DataView, at: number, head: number, what: string): Head {
  switch (head) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return { payload: 0, values: 0 };
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return { payload: 1 + length(view, at + 1, 1, what), values: 0 };
    case 0xc5: // bin 16
    case 0xda: // str 16
      return { payload: 2 + length(view, at + 1, 2, what), values: 0 };
    case 0xc6: // bin 32
    case 0xdb: // str 32
      return { payload: 4 + length(view, at + 1, 4, what), values: 0 };
    case 0xc7: // ext 8
      return { payload: 2 + length(view, at + 1, 1, what), values: 0 };
    case 0xc8: // ext 16
      return { payload: 3 + length(view, at + 1, 2, what), values: 0 };
    case 0xc9: // ext 32
      return { payload: 5 + length(view, at + 1, 4, what), values: 0 };
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return { payload: 1, values: 0 };
    case 0xcd: // uint 16
    case 0xd1: // int 16
    case 0xd4: // fixext 1
      return { payload: 2, values: 0 };
    case 0xd5: // fixext 2
      return { payload: 3, values: 0 };
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return { payload: 4, values: 0 };
    case 0xd6: // fixext 4
      return { payload: 5, values: 0 };
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return { payload: 8, values: 0 };
    case 0xd7: // fixext 8
      return { payload: 9, values: 0 };
    case 0xd8: // fixext 16
      return { payload: 17, values: 0 };
    case 0xdc: // array 16
      return { payload: 2, values: length(view, at + 1, 2, what) };
    case 0xdd: // array 32
      return { payload: 4, values: length(view, at + 1, 4, what) };
    case 0xde: // map 16
      return { payload: 2, values: 2 * length(view, at + 1, 2, what) };
    case 0xdf: // map 32
      return { payload: 4, values: 2 * length(view, at + 1, 4, what) };
    default:
      throw malformed(what, `holds the byte 0x${head.toString(16)}, which MessagePack does not use`);
  }
}

function byteAt(view: DataView, at: number, what: string): number {
  if (at >= view.byteLength) throw malformed(what, 'ends in the middle of a value');
  return view.getUint8(at);
}

function length(view: DataView, at: number, width: 1 | 2 | 4, what: string): number {
  if (at + width > view.byteLength) throw malformed(what, 'ends in the middle of a value');
  if (width === 1) return view.getUint8(at);
  return width === 2 ? view.getUint16(at) : view.getUint32(at);
}

function malformed(what: string, fault: string): ProtocolError {
  return new ProtocolError('DSO_BODY_MALFORMED', `The body of ${what} ${fault}.`);
}

function tooComplex(what: string, fault: string): ProtocolError {
  return new ProtocolError('DSO_BODY_TOO_COMPLEX', `The body of ${what} ${fault}.`);
}
