/**
 * What happened: numbered, logged, told to whoever wants to hear of it, and the newest kept at hand. The whole of it is
 * in the store.
 *
 * Who fills it cannot push out what others need: entries of strangers (refused peers, broken rules) and those that
 * somebody asked for have room of their own. What strangers do is not in the store.
 *
 * Ids grow from run to run. An entry of the history that belongs to a commit is numbered before and published after it;
 * every other one is recorded at once and handed to `note`, which makes it durable soon. A listener that throws is
 * logged and harms nobody.
 */
import type { Cancel, Clock, Logger } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import type { JsonValue } from '../domain/durable/records.js';
import { AUTOMATIC, type HistoryEntry } from '../domain/state/effects.js';
import type { HistoryResult, StoredEntry } from '../ports/state-store.js';
import type { RecordedEntry } from './contract.js';

/** How many are at hand of what happened by itself. */
export const CAPACITY = 2_000;
/** Of what somebody asked for, and of strangers, besides. */
const ASKED_FOR_CAPACITY = 1_000;
const STRANGERS_CAPACITY = 200;

export class History {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #note: (entry: StoredEntry) => void;
  readonly #automatic: RecordedEntry[] = [];
  readonly #askedFor: RecordedEntry[] = [];
  readonly #strangers: RecordedEntry[] = [];
  /** From this id on nothing is missing here that is in the store. */
  #completeFrom = 0;
  readonly #listeners = new Set<(entry: RecordedEntry) => void>();
  #lastId = 0;

  constructor(clock: Clock, logger: Logger, note: (entry: StoredEntry) => void = () => undefined) {
    this.#clock = clock;
    this.#logger = logger;
    this.#note = note;
  }

  /** Goes on after what earlier runs recorded. @param entries their newest, oldest first. */
  recall(entries: readonly StoredEntry[], lastId: number): void {
    const recent = [...entries.map(recordedOf), ...this.all()];
    this.#automatic.length = 0;
    this.#askedFor.length = 0;
    this.#completeFrom = recent[0]?.id ?? 0;
    for (const entry of recent) this.#keep(entry);
    this.#lastId += lastId;
  }

  /** Gives it an id; it has not happened for anybody yet. */
  number(entry: HistoryEntry): RecordedEntry {
    return { ...entry, id: ++this.#lastId, at: this.#clock.wallClock() };
  }

  publish(recorded: RecordedEntry): void {
    this.#keep(recorded);
    this.#tell(recorded);
  }

  #keep(recorded: RecordedEntry): void {
    const isAutomatic = recorded.by === AUTOMATIC;
    const ring = isAutomatic ? this.#automatic : this.#askedFor;
    ring.push(recorded);
    if (ring.length <= (isAutomatic ? CAPACITY : ASKED_FOR_CAPACITY)) return;
    const dropped = ring.shift();
    if (dropped !== undefined) this.#completeFrom = Math.max(this.#completeFrom, dropped.id + 1);
  }

  #tell(recorded: RecordedEntry): void {
    this.#logger[recorded.level]({ event: recorded.name, ...recorded.fields }, recorded.text);
    for (const listener of this.#listeners) {
      try {
        listener(recorded);
      } catch (error) {
        this.#logger.error({ err: error }, `A listener of the history failed: ${messageOf(error)}`);
      }
    }
  }

  record(entry: HistoryEntry): void {
    const recorded = this.number(entry);
    this.#note(entryOf(recorded));
    this.publish(recorded);
  }

  /** What somebody did who may not be one of ours. */
  recordStranger(entry: HistoryEntry): void {
    const recorded = this.number(entry);
    this.#strangers.push(recorded);
    if (this.#strangers.length > STRANGERS_CAPACITY) this.#strangers.shift();
    this.#tell(recorded);
  }

  /** Oldest first. */
  all(): readonly RecordedEntry[] {
    return [...this.#automatic, ...this.#askedFor, ...this.#strangers].sort((a, b) => a.id - b.id);
  }

  /** The first `limit` after an id, or, with null, the last `limit`; from the store where they are not at hand. */
  async past(
    after: number | null,
    limit: number,
    stored: (query: { after: number | null; limit: number }) => Promise<HistoryResult>,
  ): Promise<readonly RecordedEntry[]> {
    const recent = this.all();
    const from = this.#completeFrom;
    const isAtHand =
      after === null ? recent.filter(({ id }) => id >= from).length >= limit : after >= Math.max(from, 1) - 1;
    const result = isAtHand ? null : await stored({ after, limit });
    const past = result?.ok === true ? result.entries.map(recordedOf) : [];
    // What is not committed yet comes after everything that is.
    const last = past.at(-1)?.id ?? after ?? 0;
    const all = after !== null && past.length >= limit ? past : [...past, ...recent.filter(({ id }) => id > last)];
    return after === null ? all.slice(-limit) : all.slice(0, limit);
  }

  onEntry(listener: (entry: RecordedEntry) => void): Cancel {
    // Wrapped, so that the same function given twice is two listeners, each with its own cancel.
    const own = (entry: RecordedEntry): void => listener(entry);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }
}

export function entryOf({ id, at, ...entry }: RecordedEntry): StoredEntry {
  return { id, at, value: entry satisfies JsonValue };
}

/** The store gives back what was put in. */
function recordedOf({ id, at, value }: StoredEntry): RecordedEntry {
  return { ...(value as HistoryEntry), id, at };
}
