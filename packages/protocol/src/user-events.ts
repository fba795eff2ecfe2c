/**
 * The events a bot sends from the origin of a migration to its destination: its state for the shard. The bot gives each
 * an id from 100 up and a name, the same on all its nodes (Go ones included); the orchestrator passes the bodies on
 * unread.
 */
import { ProtocolError, UnknownEventError } from './errors.js';
import { MAX_EVENT_ID } from './limits.js';
import { FIRST_USER_EVENT_ID } from './messages.js';
import { readMessagePack } from './msgpack-read.js';
import { writeMessagePack } from './msgpack-write.js';

/**
 * - `messagepack`: the value is plain data, Maps and Dates included; null is sent as an empty body, as Go peers do. Any
 *   value that a Go peer sends comes, and can be sent on as it was: `map[int64]…` is a Map, `time.Time` a Date or, with
 *   parts of a millisecond, a `MessagePackExtension`.
 * - `raw`: the value is a Uint8Array, and is the body as it stands.
 */
export type UserEventFormat = 'messagepack' | 'raw';

/** Event names and the types of their values. What comes from a peer has the type it gave: unchecked. */
export type UserEventMap = Record<string, unknown>;

export type EncodedUserEvent = { readonly eventId: number; readonly body: Uint8Array };

export type DecodedUserEvent<M extends UserEventMap> = {
  [K in keyof M & string]: { readonly eventId: number; readonly name: K; readonly value: M[K] };
}[keyof M & string];

type Entry<Name extends string = string> = {
  readonly eventId: number;
  readonly name: Name;
  readonly format: UserEventFormat;
};

/** `new UserEventRegistry<{ guild: Guild }>().register(101, 'guild')` */
export class UserEventRegistry<M extends UserEventMap = UserEventMap> {
  readonly #byId = new Map<number, Entry<keyof M & string>>();
  readonly #byName = new Map<string, Entry<keyof M & string>>();

  /** Throws `DSO_USER_EVENT_INVALID` for an id below 100, and for an id or a name that is in use. */
  register(eventId: number, name: keyof M & string, format: UserEventFormat = 'messagepack'): this {
    if (!Number.isInteger(eventId) || eventId < FIRST_USER_EVENT_ID || eventId > MAX_EVENT_ID) {
      const bounds = `${FIRST_USER_EVENT_ID} to ${MAX_EVENT_ID}; lower ids are the protocol's own`;
      throw invalid(`The user event "${name}" has the id ${eventId}, but must have one from ${bounds}.`);
    }
    const sameId = this.#byId.get(eventId);
    if (sameId !== undefined) throw invalid(`The user event "${name}" has the id of "${sameId.name}", ${eventId}.`);
    const sameName = this.#byName.get(name);
    if (sameName !== undefined) {
      throw invalid(`There is a user event "${name}" already, with the id ${sameName.eventId}.`);
    }
    const entry = { eventId, name, format };
    this.#byId.set(eventId, entry);
    this.#byName.set(name, entry);
    return this;
  }

  /** The name of an id, or undefined: for logs. */
  nameOf(eventId: number): (keyof M & string) | undefined {
    return this.#byId.get(eventId)?.name;
  }

  /** `event` is a name or an id. Throws `DSO_EVENT_UNKNOWN`, or `DSO_VALUE_NOT_ENCODABLE`. */
  encode<K extends keyof M & string>(event: K | number, value: M[K]): EncodedUserEvent {
    const entry = typeof event === 'number' ? this.#byId.get(event) : this.#byName.get(event);
    if (entry === undefined) throw new UnknownEventError(event);
    return { eventId: entry.eventId, body: encodeBody(entry, value) };
  }

  /** Throws `UnknownEventError` for an id that is not registered, `DSO_BODY_…` for a body that cannot be read. */
  decode(eventId: number, body: Uint8Array): DecodedUserEvent<M> {
    const entry = this.#byId.get(eventId);
    if (entry === undefined) throw new UnknownEventError(eventId);
    return { eventId, name: entry.name, value: decodeBody(entry, body) } as DecodedUserEvent<M>;
  }
}

function encodeBody(entry: Entry, value: unknown): Uint8Array {
  if (entry.format === 'messagepack') {
    return value === null || value === undefined ? new Uint8Array(0) : writeMessagePack(value);
  }
  if (value instanceof Uint8Array) return value;
  throw new ProtocolError(
    'DSO_VALUE_NOT_ENCODABLE',
    `The user event "${entry.name}" is registered as raw, so its value must be a Uint8Array.`,
  );
}

function decodeBody(entry: Entry, body: Uint8Array): unknown {
  if (entry.format === 'raw') return body;
  return body.length === 0 ? null : readMessagePack(body, `the user event "${entry.name}"`);
}

function invalid(sentence: string): ProtocolError {
  return new ProtocolError('DSO_USER_EVENT_INVALID', sentence);
}
