/**
 * Everything that can be wrong with what a peer sends, or with what we are asked to send: one table, one class. Codes
 * are stable; the table also makes the reference page of errors. The other packages follow this file.
 */

/** What a code stands for: a sentence on what it means, one on what to do, and whether trying again may work. */
export type ErrorEntry = { readonly meaning: string; readonly remedy: string; readonly retryable?: true };

/**
 * What all errors of ours have. Each package has one class of its own, with one table of codes; `message` is a sentence
 * that names the thing at fault and the way out.
 */
export abstract class CodedError<Code extends string> extends Error {
  readonly code: Code;
  /** Whether trying the same again may work. */
  readonly retryable: boolean;

  constructor(table: Readonly<Record<Code, ErrorEntry>>, code: Code, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.retryable = table[code].retryable === true;
  }
}

/** `1 shard`, `2 shards`: for texts. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What an unknown thrown value has to say for itself. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

export const PROTOCOL_ERRORS = {
  DSO_FRAME_TOO_LARGE: {
    meaning: 'A frame announces, or would have, a longer body than allowed.',
    remedy: 'Send smaller messages (user events above all), or raise the frame limit on both sides.',
  },
  DSO_BODY_MALFORMED: {
    meaning: 'The body of a message is not the MessagePack it has to be.',
    remedy: 'Check that the peer is a node or an orchestrator, and not some other program on the same port.',
  },
  DSO_BODY_TOO_COMPLEX: {
    meaning: 'The body of a message is nested too deeply, or holds more values than any honest message.',
    remedy: 'Flatten the user event; no other message comes near the bounds.',
  },
  DSO_FIELD_MISSING: {
    meaning: 'A message lacks a field it must have.',
    remedy: 'Update the older of the two peers.',
  },
  DSO_FIELD_TYPE: {
    meaning: 'A field of a message has another type than the protocol says.',
    remedy: 'Update the older of the two peers.',
  },
  DSO_FIELD_RANGE: {
    meaning: 'A field of a message is too long, too large, too small or not among the allowed values.',
    remedy: 'Correct the value that the message names.',
  },
  DSO_EVENT_UNKNOWN: {
    meaning: 'A message has an event id that is not known here.',
    remedy: 'Nothing, if the peer is newer: the message is logged and ignored. Register the user event if it is one.',
  },
  DSO_USER_EVENT_INVALID: {
    meaning: 'A user event was registered with an id that is reserved, or with an id or name that is in use.',
    remedy: 'Give every user event an id of its own from 100 up, and a name of its own.',
  },
  DSO_VALUE_NOT_ENCODABLE: {
    meaning: 'A value has no form in MessagePack, so it cannot be sent.',
    remedy: 'Send plain data: null, booleans, numbers, bigints of 64 bits, strings, bytes, arrays and plain objects.',
  },
} as const;

export type ProtocolErrorCode = keyof typeof PROTOCOL_ERRORS;

/** `message` names the message and the field. */
export class ProtocolError extends CodedError<ProtocolErrorCode> {
  override readonly name: string = 'ProtocolError';

  constructor(code: ProtocolErrorCode, message: string, options?: { cause?: unknown }) {
    super(PROTOCOL_ERRORS, code, message, options);
  }
}

/** A message whose event id nobody here knows. Not the peer's fault: it is logged and ignored. */
export class UnknownEventError extends ProtocolError {
  override readonly name = 'UnknownEventError';
  /** The id, or the name of a user event. */
  readonly event: number | string;

  constructor(event: number | string) {
    const what = typeof event === 'number' ? `event id ${event}` : `user event "${event}"`;
    super('DSO_EVENT_UNKNOWN', `The ${what} is not known here.`);
    this.event = event;
  }
}
