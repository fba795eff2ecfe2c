/**
 * The types a field can have on the wire. Each checks in both directions, so that a message of ours is never one that
 * a peer of ours would refuse. `at` names the field in the sentence of the error.
 */
import { ProtocolError } from './errors.js';
import { MAX_SHARDS, MAX_TEXT_LENGTH } from './limits.js';
import { isInt64 } from './numbers.js';
import { isPrintable, printable, printableJson } from './printable.js';

export type WireType<T> = {
  toWire(value: T, at: string): unknown;
  fromWire(value: unknown, at: string): T;
};

const SHOWN_CHARACTERS = 60;

/** The value as a log may show it: quoted, one line, short. */
function show(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Uint8Array) return 'bytes';
  if (typeof value === 'object' && value !== null) return 'a map';
  if (value === undefined) return 'undefined';
  const text = printableJson(typeof value === 'string' ? value.slice(0, SHOWN_CHARACTERS) : value);
  return typeof value === 'string' && value.length > SHOWN_CHARACTERS ? `${text}…` : text;
}

function wrongType(at: string, value: unknown, wanted: string): ProtocolError {
  return new ProtocolError('DSO_FIELD_TYPE', `${at} is ${show(value)}, but must be ${wanted}.`);
}

function outOfRange(at: string, value: unknown, wanted: string): ProtocolError {
  return new ProtocolError('DSO_FIELD_RANGE', `${at} is ${show(value)}, but must be ${wanted}.`);
}

/** A type whose values look the same on both sides. */
function same<T>(check: (value: unknown, at: string) => T): WireType<T> {
  return { toWire: check, fromWire: check };
}

export function integer(min: number, max: number): WireType<number> {
  const wanted = `an integer from ${min} to ${max}`;
  return same((value, at) => {
    if (typeof value === 'bigint') throw outOfRange(at, value, wanted);
    if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(at, value, wanted);
    if (value < min || value > max) throw outOfRange(at, value, wanted);
    // Not -0, which is not an integer on the wire.
    return value + 0;
  });
}

export const shardId: WireType<number> = integer(0, MAX_SHARDS - 1);
export const shardCount: WireType<number> = integer(0, MAX_SHARDS);
export const count: WireType<number> = integer(0, Number.MAX_SAFE_INTEGER);

/** Any 64-bit signed integer; a bigint only where a number would not be exact. */
export const int64: WireType<number | bigint> = same((value, at) => {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw wrongType(at, value, 'an integer of 64 bits');
  if (!isInt64(value)) throw outOfRange(at, value, 'an integer of 64 bits');
  return value;
});

export const real: WireType<number> = same((value, at) => {
  if (typeof value !== 'number') throw wrongType(at, value, 'a number');
  if (!Number.isFinite(value)) throw outOfRange(at, value, 'a finite number');
  return value;
});

export const flag: WireType<boolean> = same((value, at) => {
  if (typeof value !== 'boolean') throw wrongType(at, value, 'true or false');
  return value;
});

export const bytes: WireType<Uint8Array> = same((value, at) => {
  if (!(value instanceof Uint8Array)) throw wrongType(at, value, 'bytes');
  return value;
});

/** Bytes, so many at most. */
export function boundedBytes(max: number): WireType<Uint8Array> {
  return same((value, at) => {
    const { length } = bytes.fromWire(value, at);
    if (length > max) throw new ProtocolError('DSO_FIELD_RANGE', `${at} has ${length} bytes; ${max} are allowed.`);
    return bytes.fromWire(value, at);
  });
}

/** Bytes, exactly so many. */
export function bytesOf(length: number): WireType<Uint8Array> {
  return same((value, at) => {
    const found = bytes.fromWire(value, at);
    if (found.length === length) return found;
    throw new ProtocolError('DSO_FIELD_RANGE', `${at} has ${found.length} bytes; it must have ${length}.`);
  });
}

/** A string that means something to a program: never changed, refused when it is too long or cannot be shown. */
export function name(min: number, max: number): WireType<string> {
  const wanted = `a string of ${min} to ${max} printable characters`;
  return same((value, at) => {
    if (typeof value !== 'string') throw wrongType(at, value, wanted);
    if (value.length < min || value.length > max || !isPrintable(value)) throw outOfRange(at, value, wanted);
    return value;
  });
}

/**
 * Where a session may be resumed, or nothing: a WebSocket URL as Discord gives it. What is none is nothing, for a
 * session can be resumed at the generic URL as well. Whether its host may be told the bot's token is for the node to
 * judge.
 */
export function resumeUrl(max: number): WireType<string> {
  const type = name(0, max);
  return {
    toWire: (value, at) => type.toWire(isGatewayUrl(value) ? value : '', at),
    fromWire: (value, at) => type.fromWire(typeof value === 'string' && !isGatewayUrl(value) ? '' : value, at),
  };
}

function isGatewayUrl(text: string): boolean {
  if (!isPrintable(text) || text.includes('#') || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'wss:' || protocol === 'ws:') && username === '' && password === '';
}

/** A word for people, such as a version or a host: made printable, refused when it is too long. */
export function label(max: number): WireType<string> {
  const type = name(0, max);
  return {
    toWire: (value, at) => type.toWire(printable(value), at),
    fromWire: (value, at) => type.fromWire(typeof value === 'string' ? printable(value) : value, at),
  };
}

/**
 * A sentence for people: made printable, and cut rather than refused when it is too long, so that a report of trouble
 * makes none.
 */
export const text: WireType<string> = {
  toWire: (value) => printable(value.slice(0, MAX_TEXT_LENGTH)),
  fromWire: (value, at) => {
    if (typeof value !== 'string') throw wrongType(at, value, 'a string');
    return printable(value.slice(0, MAX_TEXT_LENGTH));
  },
};

export const nodeId: WireType<string> = same((value, at) => {
  if (typeof value !== 'string') throw wrongType(at, value, 'a node id');
  if (!isNodeId(value)) throw outOfRange(at, value, '1 to 128 printable characters without spaces or path separators');
  return value;
});

/** In Identify, the empty id asks for one to be given. */
export const nodeIdOrEmpty: WireType<string> = same((value, at) => (value === '' ? '' : nodeId.fromWire(value, at)));

export function oneOf<const T extends string>(values: readonly T[]): WireType<T> {
  const known: ReadonlySet<unknown> = new Set(values);
  const isKnown = (value: unknown): value is T => known.has(value);
  return same((value, at) => {
    if (typeof value !== 'string') throw wrongType(at, value, 'a string');
    if (!isKnown(value)) throw outOfRange(at, value, `one of ${values.join(', ')}`);
    return value;
  });
}

/** Go peers write nil for an empty list. */
export function list<T>(item: WireType<T>, max: number): WireType<readonly T[]> {
  const checkLength = (length: number, at: string): void => {
    if (length > max) throw new ProtocolError('DSO_FIELD_RANGE', `${at} has ${length} items; ${max} are allowed.`);
  };
  return {
    toWire: (values, at) => {
      checkLength(values.length, at);
      return values.map((value) => item.toWire(value, `an item of ${at}`));
    },
    fromWire: (values, at) => {
      if (values === null) return [];
      if (!Array.isArray(values)) throw wrongType(at, values, 'a list');
      checkLength(values.length, at);
      return values.map((value) => item.fromWire(value, `an item of ${at}`));
    },
  };
}

/**
 * Node ids name log files and state files, and stand in URLs and command lines: 1–128 printable characters without
 * path separators. Letters of any script are welcome (Go peers use them).
 */
const NODE_ID = /^[^\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Z}/\\]{1,128}$/u;

/** Whether `text` may be the id of a node. The empty id, which asks for one to be given, is not one. */
export function isNodeId(text: string): boolean {
  return NODE_ID.test(text) && text !== '.' && text !== '..';
}
