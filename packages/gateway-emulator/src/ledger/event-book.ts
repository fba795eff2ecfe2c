/**
 * What was emitted against what was handled, event by event.
 *
 * Only traffic counts, never READY, RESUMED or GUILD_CREATE: those belong to a connection, not to the bot's stream. An
 * event is one entry however many sessions got a copy, because user code should see it once; the first session's copy
 * gives the shard and the sequence it is judged by.
 *
 * Memory is bounded: beyond `maxEvents` entries the oldest tenth is settled. What it lacked or repeated stays counted,
 * the entries go; a later report that names one of them is `unexpected`.
 */
import type { Ms } from '@dshard/transport';
import type { HandledEvent } from './handled-report.js';

export type BookEntry = {
  readonly id: string;
  readonly type: string;
  readonly shard: number;
  readonly count: number;
  readonly sessionId: string;
  readonly s: number;
  readonly emittedAt: Ms;
  /** Copies for further sessions (parallel fleets), each with its own sequence. */
  copies: { sessionId: string; shard: number; s: number }[] | null;
  /** The earliest report of it. */
  first: { at: number; node: string; arrival: number; marked: boolean } | null;
  lastNode: string;
  /** Reports without and with the mark `redelivered`. */
  unmarked: number;
  marked: number;
};

/** Totals of one kind of finding over all entries. */
type BookTotals = {
  emitted: number;
  handled: number;
  duplicated: number;
  redelivered: number;
  outOfOrder: number;
  unexpected: number;
};

export type BookFindings = { totals: BookTotals; examples: string[] };

const maxExamplesPerKind = 7;

export class EventBook {
  readonly #maxEvents: number;
  #entries: BookEntry[] = [];
  readonly #byId = new Map<string, BookEntry>();
  /** By session, then sequence: most events have no id of their own. */
  readonly #bySequence = new Map<string, Map<number, BookEntry>>();
  readonly #outstanding = new Map<number, number>();
  readonly #unexpectedExamples: string[] = [];
  #emitted = 0;
  #handled = 0;
  #unexpected = 0;
  #arrivals = 0;
  /** Of entries that were settled. */
  readonly #settled = { duplicated: 0, redelivered: 0, outOfOrder: 0 };

  constructor(maxEvents: number) {
    this.#maxEvents = maxEvents;
  }

  get emitted(): number {
    return this.#emitted;
  }

  get handled(): number {
    return this.#handled;
  }

  /** Emitted and not yet handled, per shard; shards with nothing outstanding are left out. */
  outstanding(): Map<number, number> {
    return new Map([...this.#outstanding].filter(([, count]) => count > 0));
  }

  recordEmitted(event: {
    eventId: string;
    type: string;
    shard: number;
    count: number;
    sessionId: string;
    s: number;
    at: Ms;
  }): void {
    const known = this.#byId.get(event.eventId);
    if (known !== undefined) {
      known.copies ??= [];
      known.copies.push({ sessionId: event.sessionId, shard: event.shard, s: event.s });
      this.#index(event.sessionId, event.s, known);
      return;
    }
    const entry: BookEntry = {
      id: event.eventId,
      type: event.type,
      shard: event.shard,
      count: event.count,
      sessionId: event.sessionId,
      s: event.s,
      emittedAt: event.at,
      copies: null,
      first: null,
      lastNode: '',
      unmarked: 0,
      marked: 0,
    };
    this.#entries.push(entry);
    this.#byId.set(entry.id, entry);
    this.#index(entry.sessionId, entry.s, entry);
    this.#emitted += 1;
    this.#outstanding.set(entry.shard, (this.#outstanding.get(entry.shard) ?? 0) + 1);
    if (this.#entries.length > this.#maxEvents) this.#settleOldest();
  }

  recordHandled(node: string, event: HandledEvent): void {
    const entry =
      event.id === '' ? this.#bySequence.get(event.sessionId ?? '')?.get(event.s) : this.#byId.get(event.id);
    const problem =
      entry === undefined ? 'which was never emitted, or so long ago that it was settled' : mismatch(entry, event);
    if (entry === undefined || problem !== null) {
      this.#unexpected += 1;
      const line = `unexpected: ${node} handled ${event.t} ${event.id} (shard ${event.shard}, s ${event.s}), ${problem}`;
      if (this.#unexpectedExamples.length < maxExamplesPerKind) this.#unexpectedExamples.push(line);
      return;
    }
    this.#arrivals += 1;
    if (entry.first === null) {
      this.#handled += 1;
      this.#outstanding.set(entry.shard, (this.#outstanding.get(entry.shard) ?? 0) - 1);
    }
    const marked = event.redelivered === true;
    const { first } = entry;
    if (first === null || event.at < first.at || (event.at === first.at && first.marked && !marked))
      entry.first = { at: event.at, node, arrival: this.#arrivals, marked };
    entry.lastNode = node;
    if (marked) entry.marked += 1;
    else entry.unmarked += 1;
  }

  /** Judges everything so far. Costs time in proportion to the entries kept. */
  findings(): BookFindings {
    const totals: BookTotals = {
      emitted: this.#emitted,
      handled: this.#handled,
      unexpected: this.#unexpected,
      ...this.#settled,
    };
    const lost: string[] = [];
    const duplicated: string[] = [];
    for (const entry of this.#entries) {
      totals.duplicated += duplicatesOf(entry);
      totals.redelivered += redeliveriesOf(entry);
      if (entry.first === null && lost.length < maxExamplesPerKind)
        lost.push(`lost: ${describe(entry)} was handled by nobody`);
      if (duplicatesOf(entry) > 0 && duplicated.length < maxExamplesPerKind) {
        duplicated.push(
          `duplicated: ${describe(entry)} was handled ${entry.unmarked + entry.marked} times, first by ${entry.first?.node ?? 'nobody'}, last by ${entry.lastNode}`,
        );
      }
    }
    const late = handledAfterALaterOne(this.#entries);
    totals.outOfOrder += late.length;
    const outOfOrder = late
      .slice(0, maxExamplesPerKind)
      .map(
        ({ entry, overtakenBy }) =>
          `out of order: ${describe(entry)} was handled by ${entry.first?.node ?? 'nobody'} after s ${overtakenBy.s}, handled by ${overtakenBy.first?.node ?? 'nobody'}`,
      );
    return { totals, examples: [...lost, ...duplicated, ...outOfOrder, ...this.#unexpectedExamples] };
  }

  /** An event by its id, or by session and sequence. Undefined: it never was, or was settled. */
  find(event: { id: string } | { sessionId: string; s: number }): BookEntry | undefined {
    return 'id' in event ? this.#byId.get(event.id) : this.#bySequence.get(event.sessionId)?.get(event.s);
  }

  /** What is kept, oldest first. */
  get entries(): readonly BookEntry[] {
    return this.#entries;
  }

  /** What a session was sent and is still kept, in order. */
  emittedTo(sessionId: string): { s: number; type: string; id: string; emittedAt: Ms }[] {
    const found: { s: number; type: string; id: string; emittedAt: Ms }[] = [];
    for (const entry of this.#entries) {
      const { id, type, emittedAt } = entry;
      if (entry.sessionId === sessionId) found.push({ s: entry.s, type, id, emittedAt });
      for (const copy of entry.copies ?? []) {
        if (copy.sessionId === sessionId) found.push({ s: copy.s, type, id, emittedAt });
      }
    }
    return found;
  }

  #index(sessionId: string, s: number, entry: BookEntry): void {
    const known = this.#bySequence.get(sessionId);
    if (known === undefined) this.#bySequence.set(sessionId, new Map([[s, entry]]));
    else known.set(s, entry);
  }

  #settleOldest(): void {
    const leaving = new Set(this.#entries.slice(0, Math.max(1, Math.floor(this.#maxEvents / 10))));
    this.#settled.outOfOrder += handledAfterALaterOne(this.#entries).filter(({ entry }) => leaving.has(entry)).length;
    for (const entry of leaving) {
      this.#settled.duplicated += duplicatesOf(entry);
      this.#settled.redelivered += redeliveriesOf(entry);
      this.#byId.delete(entry.id);
      for (const { sessionId, s } of [entry, ...(entry.copies ?? [])]) {
        const ofSession = this.#bySequence.get(sessionId);
        ofSession?.delete(s);
        if (ofSession?.size === 0) this.#bySequence.delete(sessionId);
      }
    }
    this.#entries = this.#entries.slice(leaving.size);
  }
}

function mismatch(entry: BookEntry, event: HandledEvent): string | null {
  const candidates = [entry, ...(entry.copies ?? [])].filter((copy) => copy.shard === event.shard);
  if (candidates.length === 0) return `which was emitted on shard ${entry.shard}`;
  if (candidates.every((copy) => copy.s !== event.s)) return `which was emitted as s ${candidates[0]?.s ?? entry.s}`;
  if (event.sessionId !== undefined && candidates.every((copy) => copy.sessionId !== event.sessionId)) {
    return `which was emitted on session ${entry.sessionId}, not ${event.sessionId}`;
  }
  return null;
}

/** Repeats without the mark: every unmarked handling but the first of all; after a marked one, that as well. */
function duplicatesOf(entry: BookEntry): number {
  return entry.first?.marked === true ? entry.unmarked : Math.max(0, entry.unmarked - 1);
}

/** Repeats with the mark: every marked handling but one that was the first of all. */
function redeliveriesOf(entry: BookEntry): number {
  return entry.first?.marked === true ? entry.marked - 1 : entry.marked;
}

function describe(entry: BookEntry): string {
  return `${entry.type} ${entry.id} (shard ${entry.shard}, s ${entry.s})`;
}

/**
 * The entries that were handled after one that was emitted later on the same shard. Walks from the newest entry to the
 * oldest and keeps, per shard, the earliest handling so far. Equal times are told apart by the order of arrival, but
 * only within one node: between nodes it says nothing.
 */
function handledAfterALaterOne(entries: readonly BookEntry[]): { entry: BookEntry; overtakenBy: BookEntry }[] {
  const earliest = new Map<string, { at: number; byNode: Map<string, { arrival: number; entry: BookEntry }> }>();
  const late: { entry: BookEntry; overtakenBy: BookEntry }[] = [];
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const entry = entries[index];
    if (entry === undefined || entry.first === null) continue;
    const { at, node, arrival } = entry.first;
    const key = `${entry.shard}/${entry.count}`;
    const best = earliest.get(key);
    if (best === undefined || at < best.at) {
      earliest.set(key, { at, byNode: new Map([[node, { arrival, entry }]]) });
      continue;
    }
    const sameNode = best.byNode.get(node);
    const overtaker =
      at > best.at ? [...best.byNode.values()][0] : sameNode && sameNode.arrival < arrival ? sameNode : undefined;
    if (overtaker !== undefined) late.push({ entry, overtakenBy: overtaker.entry });
    else if (sameNode === undefined || arrival < sameNode.arrival) best.byNode.set(node, { arrival, entry });
  }
  return late.reverse();
}
