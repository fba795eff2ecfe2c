/**
 * A value of a type that MessagePack itself does not have, as bytes: Go's `time.Time`, say. It goes on as it came.
 * Type −1 is the timestamp: https://github.com/msgpack/msgpack/blob/master/spec.md, "Timestamp extension type".
 */
const TIMESTAMP = -1;
const NANOS_PER_MS = 1_000_000;
/** What a Date can hold, in seconds from 1970. */
const MAX_SECONDS = 8_640_000_000_000n;
/** 64-bit timestamps have 34 bits of seconds. */
const SECONDS_BITS = 34n;

export class MessagePackExtension {
  /** −128 to 127; below 0 the types of the specification. */
  readonly type: number;
  readonly data: Uint8Array;

  constructor(type: number, data: Uint8Array) {
    this.type = type;
    this.data = data;
  }

  /** A timestamp of whole milliseconds; null: it is none, or holds more than a Date does. */
  asDate(): Date | null {
    const { type, data } = this;
    if (type !== TIMESTAMP) return null;
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    if (data.length === 4) return new Date(view.getUint32(0) * 1000);
    if (data.length === 8) {
      const both = view.getBigUint64(0);
      return dateOf(both & (2n ** SECONDS_BITS - 1n), Number(both >> SECONDS_BITS));
    }
    return data.length === 12 ? dateOf(view.getBigInt64(4), view.getUint32(0)) : null;
  }
}

function dateOf(seconds: bigint, nanos: number): Date | null {
  const isExact = nanos % NANOS_PER_MS === 0 && nanos < 1000 * NANOS_PER_MS;
  if (!isExact || seconds < -MAX_SECONDS || seconds >= MAX_SECONDS) return null;
  return new Date(Number(seconds) * 1000 + nanos / NANOS_PER_MS);
}

/** The shortest form, as other writers have it. null: it is no time. */
export function timestampOf(date: Date): MessagePackExtension | null {
  const ms = date.getTime();
  if (Number.isNaN(ms)) return null;
  const seconds = Math.floor(ms / 1000);
  const nanos = (ms - seconds * 1000) * NANOS_PER_MS;
  const isShort = seconds >= 0 && BigInt(seconds) < 2n ** SECONDS_BITS;
  const view = new DataView(new ArrayBuffer(isShort ? (nanos === 0 && seconds < 2 ** 32 ? 4 : 8) : 12));
  if (view.byteLength === 4) view.setUint32(0, seconds);
  else if (isShort) view.setBigUint64(0, (BigInt(nanos) << SECONDS_BITS) | BigInt(seconds));
  else {
    view.setUint32(0, nanos);
    view.setBigInt64(4, BigInt(seconds));
  }
  return new MessagePackExtension(TIMESTAMP, new Uint8Array(view.buffer));
}
