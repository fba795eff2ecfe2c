/**
 * MessagePack for a peer. Written here and not by the library, because Go peers read 64-bit fields as signed: the
 * library turns a positive bigint into a uint64 and, once bigints are on, a number beyond 2^32 into a float.
 */
import { ProtocolError } from './errors.js';
import { MessagePackExtension, timestampOf } from './msgpack-extension.js';
import { isInt64, isUint64 } from './numbers.js';
import { MAX_DEPTH } from './limits.js';

const INITIAL_BYTES = 256;
/** Lengths that have a head of their own, from 0xd4 on. */
const FIXED_EXTENSIONS: readonly number[] = [1, 2, 4, 8, 16];
/** What fits the shortest head of a string. */
const SHORT_TEXT = 31;
const textEncoder = new TextEncoder();

/**
 * Plain data as MessagePack: numbers as the shortest integer or as float 64, bigints as int64 (beyond that as uint64),
 * bytes as bin, undefined map values left out; a Map as a map with its keys, a Date as a timestamp. The first
 * `headroom` bytes are left free for a header. Throws `DSO_VALUE_NOT_ENCODABLE`.
 */
export function writeMessagePack(value: unknown, headroom = 0): Uint8Array {
  const writer = new Writer(headroom);
  writer.value(value, 0);
  return writer.finish();
}

class Writer {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length: number;

  constructor(headroom: number) {
    this.#length = headroom;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  value(value: unknown, depth: number): void {
    if (value === null || value === undefined) this.#uint8(0xc0);
    else if (typeof value === 'boolean') this.#uint8(value ? 0xc3 : 0xc2);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'bigint') this.#bigint(value);
    else if (typeof value === 'string') this.#string(value);
    else if (typeof value === 'object') this.#object(value, depth);
    else throw notEncodable(`a ${typeof value}`);
  }

  #object(value: object, depth: number): void {
    if (value instanceof Uint8Array) return this.#binary(value);
    const extension = value instanceof Date ? timestampOf(value) : value;
    if (extension instanceof MessagePackExtension) return this.#extension(extension);
    // Also what ends the walk of a value that contains itself.
    if (depth >= MAX_DEPTH) throw notEncodable(`a value nested more than ${MAX_DEPTH} levels deep`);
    if (Array.isArray(value)) {
      this.#head(value.length, 0x90, 15, null, 0xdc, 0xdd);
      for (const item of value) this.value(item, depth + 1);
      return;
    }
    if (value instanceof Map) {
      this.#head(value.size, 0x80, 15, null, 0xde, 0xdf);
      for (const [key, inner] of value) {
        this.value(key, depth + 1);
        this.value(inner, depth + 1);
      }
      return;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) throw notEncodable('an object that is not plain');
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    this.#head(entries.length, 0x80, 15, null, 0xde, 0xdf);
    for (const [key, inner] of entries) {
      this.#string(key);
      this.value(inner, depth + 1);
    }
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#reserve(9);
      this.#uint8(0xcb);
      this.#view.setFloat64(this.#advance(8), value);
    } else if (value >= 0) this.#positive(value);
    else this.#negative(value);
  }

  #positive(value: number): void {
    this.#reserve(9);
    if (value < 0x80) this.#uint8(value);
    else if (value < 0x100) {
      this.#uint8(0xcc);
      this.#uint8(value);
    } else if (value < 0x1_0000) {
      this.#uint8(0xcd);
      this.#view.setUint16(this.#advance(2), value);
    } else if (value < 0x1_0000_0000) {
      this.#uint8(0xce);
      this.#view.setUint32(this.#advance(4), value);
    } else this.#bigint(BigInt(value));
  }

  #negative(value: number): void {
    this.#reserve(9);
    if (value >= -0x20) this.#uint8(value & 0xff);
    else if (value >= -0x80) {
      this.#uint8(0xd0);
      this.#view.setInt8(this.#advance(1), value);
    } else if (value >= -0x8000) {
      this.#uint8(0xd1);
      this.#view.setInt16(this.#advance(2), value);
    } else if (value >= -0x8000_0000) {
      this.#uint8(0xd2);
      this.#view.setInt32(this.#advance(4), value);
    } else this.#bigint(BigInt(value));
  }

  #bigint(value: bigint): void {
    const isSigned = isInt64(value);
    if (!isSigned && !isUint64(value)) throw notEncodable('an integer beyond 64 bits');
    this.#reserve(9);
    this.#uint8(isSigned ? 0xd3 : 0xcf);
    this.#view.setBigUint64(this.#advance(8), BigInt.asUintN(64, value));
  }

  #string(value: string): void {
    // Names and most values are short and of one byte a character: written on the spot.
    if (value.length <= SHORT_TEXT && this.#ascii(value)) return;
    const length = Buffer.byteLength(value);
    this.#head(length, 0xa0, 31, 0xd9, 0xda, 0xdb);
    this.#reserve(length);
    textEncoder.encodeInto(value, this.#bytes.subarray(this.#advance(length)));
  }

  /** False, and nothing is written, when a character takes more than a byte. */
  #ascii(value: string): boolean {
    this.#reserve(1 + SHORT_TEXT);
    const start = this.#length + 1;
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return false;
      this.#bytes[start + index] = code;
    }
    this.#bytes[this.#length] = 0xa0 | value.length;
    this.#length = start + value.length;
    return true;
  }

  #binary(value: Uint8Array): void {
    this.#head(value.length, null, -1, 0xc4, 0xc5, 0xc6);
    this.#append(value);
  }

  #extension({ type, data }: MessagePackExtension): void {
    const fixed = FIXED_EXTENSIONS.indexOf(data.length);
    if (fixed === -1) this.#head(data.length, null, -1, 0xc7, 0xc8, 0xc9);
    else this.#uint8(0xd4 + fixed);
    this.#uint8(type & 0xff);
    this.#append(data);
  }

  /** The first bytes of a container or a string: the length in the shortest form the kind has. */
  #head(length: number, fixed: number | null, fixedMax: number, one: number | null, two: number, four: number): void {
    this.#reserve(5);
    if (fixed !== null && length <= fixedMax) this.#uint8(fixed | length);
    else if (one !== null && length < 0x100) {
      this.#uint8(one);
      this.#uint8(length);
    } else if (length < 0x1_0000) {
      this.#uint8(two);
      this.#view.setUint16(this.#advance(2), length);
    } else {
      this.#uint8(four);
      this.#view.setUint32(this.#advance(4), length);
    }
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#advance(bytes.length));
  }

  #uint8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Claims the next `count` bytes and says where they begin. */
  #advance(count: number): number {
    const at = this.#length;
    this.#length += count;
    return at;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function notEncodable(what: string): ProtocolError {
  return new ProtocolError('DSO_VALUE_NOT_ENCODABLE', `MessagePack has no form for ${what}, so it cannot be sent.`);
}
