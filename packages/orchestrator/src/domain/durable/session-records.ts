/** How gateway sessions, and what is parked with one of them, are written down and read back. */
import type { KnownSession } from '../state/commands.js';
import type { Parked, SpooledState } from '../state/park.js';
import {
  count,
  flag,
  nodeId,
  nullOr,
  object,
  orElse,
  picked,
  text,
  time,
  type Reader,
  type Shape,
} from '../state/shape.js';

/** A sequence beyond 2^53 (base-level peers may send one) is a text. */
const sequence: Reader<number | bigint> = (value) =>
  typeof value === 'string' && /^\d{1,20}$/.test(value) ? BigInt(value) : time(value);

const SESSION = { sessionId: text, sequence, resumeGatewayUrl: text, at: time };

type SessionRecord = { sessionId: string; sequence: number | string; resumeGatewayUrl: string; at: number };

export const knownSession: Reader<KnownSession | null> = nullOr((value) => {
  const { at, ...session } = object(SESSION)(value);
  return { session, at };
});

export function sessionRecord(known: KnownSession | null): SessionRecord | null {
  return known === null ? null : recordOf(known);
}

function recordOf(known: KnownSession): SessionRecord {
  const { sequence: last, ...session } = picked(SESSION, { ...known.session, at: known.at });
  return { ...session, sequence: typeof last === 'bigint' ? last.toString() : last };
}

const SPOOLED: Shape<SpooledState> = { host: text, file: text, events: count, bytes: count, hash: text, version: text };
/** Also whether the cursor is exact: the node that gave it said so. */
const PARKED_SESSION = { ...SESSION, exact: flag };

export const parked: Reader<Parked> = (value) => {
  const shape = {
    since: time,
    until: time,
    origin: nodeId,
    known: object(PARKED_SESSION),
    state: object(SPOOLED),
    // Orchestrators of before do not say it.
    spread: orElse(1, count),
  };
  const { known, ...rest } = object(shape)(value);
  const { at, exact, ...session } = known;
  return { ...rest, known: exact ? { session, at, exact } : { session, at }, refusals: 0 };
};

type ParkedJson = Pick<Parked, 'since' | 'until' | 'origin' | 'state' | 'spread'> & {
  known: SessionRecord & { exact: boolean };
};

export function parkedJson({ since, until, origin, known, state, spread }: Parked): ParkedJson {
  const session = { ...recordOf(known), exact: known.exact === true };
  return { since, until, origin, known: session, state: picked(SPOOLED, state), spread };
}
