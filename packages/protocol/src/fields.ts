/**
 * How the fields of a message stand in the map on the wire: under which name, and whether they must be there. Fields of
 * the base level are always written; extended ones only when they say something, so that what a base-level peer gets is
 * byte for byte what another base-level peer would have sent.
 */
import { ProtocolError } from './errors.js';
import { MAX_NAME_LENGTH, MAX_URL_LENGTH } from './limits.js';
import type { GatewaySession } from './messages.js';
import { flag, int64, name, resumeUrl, type WireType } from './wire-types.js';

export type WireMap = Record<string, unknown>;

/** One field of a message: `owner` names the message in errors. */
export type Field<T> = {
  write(into: WireMap, value: T, owner: string): void;
  read(from: Readonly<WireMap>, owner: string): T;
};

/** The fields of `M`, each with its place on the wire, in the order in which they are written. */
export type Fields<M> = { readonly [K in keyof M]-?: Field<M[K]> };

/** A field that is always there. */
export function required<T>(wireName: string, type: WireType<T>): Field<T> {
  return {
    write: (into, value, owner) => {
      into[wireName] = type.toWire(value, `${owner}.${wireName}`);
    },
    read: (from, owner) => {
      const value = from[wireName];
      if (value === undefined) throw new ProtocolError('DSO_FIELD_MISSING', `${owner}.${wireName} is missing.`);
      return type.fromWire(value, `${owner}.${wireName}`);
    },
  };
}

/** A field that is left out when it is `empty`, and is `empty` when it was left out (or nil). */
export function optional<T, E extends T | null>(wireName: string, type: WireType<T>, empty: E): Field<T | E> {
  const isEmpty = (value: T | E): value is E =>
    value === empty || (Array.isArray(value) && Array.isArray(empty) && value.length === empty.length);
  return {
    write: (into, value, owner) => {
      if (!isEmpty(value)) into[wireName] = type.toWire(value, `${owner}.${wireName}`);
    },
    read: (from, owner) => {
      const value = from[wireName];
      return value === undefined || value === null ? empty : type.fromWire(value, `${owner}.${wireName}`);
    },
  };
}

/** A field that may be missing altogether, in the message as on the wire. */
export function maybe<T>(wireName: string, type: WireType<T>): Field<T | undefined> {
  return {
    write: (into, value, owner) => {
      if (value !== undefined) into[wireName] = type.toWire(value, `${owner}.${wireName}`);
    },
    read: (from, owner) => {
      const value = from[wireName];
      return value === undefined || value === null ? undefined : type.fromWire(value, `${owner}.${wireName}`);
    },
  };
}

/** Reads and writes all `fields` of a value. */
export function writeFields<M extends object>(fields: Fields<M>, value: M, into: WireMap, owner: string): void {
  for (const key of keysOf(fields)) fields[key].write(into, value[key], owner);
}

export function readFields<M extends object>(fields: Fields<M>, from: Readonly<WireMap>, owner: string): M {
  const value: Partial<M> = {};
  for (const key of keysOf(fields)) {
    const read = fields[key].read(from, owner);
    if (read !== undefined) value[key] = read;
  }
  return value as M;
}

function keysOf<M extends object>(fields: Fields<M>): (keyof M)[] {
  return Object.keys(fields) as (keyof M)[];
}

/** A map within a message. */
export function record<M extends object>(fields: Fields<M>): WireType<M> {
  return {
    toWire: (value, at) => {
      const map: WireMap = {};
      writeFields(fields, value, map, at);
      return map;
    },
    fromWire: (value, at) => {
      if (!isWireMap(value)) throw new ProtocolError('DSO_FIELD_TYPE', `${at} must be a map.`);
      return readFields(fields, value, at);
    },
  };
}

export function isWireMap(value: unknown): value is WireMap {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

export const SESSION_FIELDS: Fields<GatewaySession> = {
  sessionId: required('SessionID', name(1, MAX_NAME_LENGTH)),
  sequence: required('Sequence', int64),
  resumeGatewayUrl: required('ResumeGatewayUrl', resumeUrl(MAX_URL_LENGTH)),
  redelivers: maybe('Redelivers', flag),
};

/**
 * A gateway session lies flat among the fields of its message; the empty SessionID stands for none. The base level
 * writes the three fields also then, the extended level leaves them out.
 */
export function session(level: 'base' | 'extended'): Field<GatewaySession | null> {
  return {
    write: (into, value, owner) => {
      if (value !== null) writeFields(SESSION_FIELDS, value, into, owner);
      else if (level === 'base') Object.assign(into, { SessionID: '', Sequence: 0, ResumeGatewayUrl: '' });
    },
    read: (from, owner) => {
      const id = from['SessionID'];
      if (id === '' || (id === undefined && level === 'extended')) return null;
      return readFields(SESSION_FIELDS, from, owner);
    },
  };
}
