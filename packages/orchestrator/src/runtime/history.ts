/**
 * What happened: numbered, logged, told to whoever wants to hear of it, and the newest kept at hand. The whole of it is in the store.
 *
 * Ids grow from run to run. A happening that belongs to a commit is numbered before and published after it; every other one
 * is recorded at once and handed to `note`, which makes it durable soon. A listener that throws is logged and harms nobody.
 */
import type { Cancel, Clock, Logger } from '@dshard/transport';
import type { JsonValue } from '../domain/durable/records.js';
import type { Happening } from '../domain/state/effects.js';
import { messageOf } from '../errors.js';
import type { HistoryEntry, HistoryResult } from '../ports/state-store.js';
import type { RecordedHappening } from './contract.js';

/** How many are at hand. */
export const CAPACITY = 2_000;

export class History {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #note: (entry: HistoryEntry) => void;
  readonly #ring: RecordedHappening[] = [];
  readonly #listeners = new Set<(happening: RecordedHappening) => void>();
  #lastId = 0;

  constructor(clock: Clock, logger: Logger, note: (entry: HistoryEntry) => void = () => undefined) {
    this.#clock = clock;
    this.#logger = logger;
    this.#note = note;
  }

  /** Goes on after what earlier runs recorded. @param entries their newest, oldest first. */
  recall(entries: readonly HistoryEntry[], lastId: number): void {
    this.#ring.unshift(...entries.map(happeningOf));
    this.#lastId += lastId;
  }

  /** Gives it an id; it has not happened for anybody yet. */
  number(happening: Happening): RecordedHappening {
    return { ...happening, id: ++this.#lastId, at: this.#clock.now() };
  }

  publish(recorded: RecordedHappening): void {
    this.#ring.push(recorded);
    if (this.#ring.length > CAPACITY) this.#ring.shift();
    this.#logger[recorded.level]({ happening: recorded.name, ...recorded.fields }, recorded.text);
    for (const listener of this.#listeners) {
      try {
        listener(recorded);
      } catch (error) {
        this.#logger.error({ err: error }, `A listener of happenings failed: ${messageOf(error)}`);
      }
    }
  }

  record(happening: Happening): void {
    const recorded = this.number(happening);
    this.#note(entryOf(recorded));
    this.publish(recorded);
  }

  /** Oldest first. */
  all(): readonly RecordedHappening[] {
    return [...this.#ring];
  }

  /** The first `limit` after an id, or, with null, the last `limit`; from the store where they are not at hand. */
  async past(
    after: number | null,
    limit: number,
    stored: (query: { after: number | null; limit: number }) => Promise<HistoryResult>,
  ): Promise<readonly RecordedHappening[]> {
    const recent = this.#ring;
    const isAtHand = after === null ? recent.length >= limit : after >= (recent[0]?.id ?? 0) - 1;
    const result = isAtHand ? null : await stored({ after, limit });
    const past = result?.ok === true ? result.entries.map(happeningOf) : [];
    // What is not committed yet comes after everything that is.
    const last = past.at(-1)?.id ?? after ?? 0;
    const all = after !== null && past.length >= limit ? past : [...past, ...recent.filter(({ id }) => id > last)];
    return after === null ? all.slice(-limit) : all.slice(0, limit);
  }

  onHappening(listener: (happening: RecordedHappening) => void): Cancel {
    // Wrapped, so that the same function given twice is two listeners, each with its own cancel.
    const own = (happening: RecordedHappening): void => listener(happening);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }
}

export function entryOf({ id, at, ...happening }: RecordedHappening): HistoryEntry {
  return { id, at, value: happening satisfies JsonValue };
}

/** The store gives back what was put in. */
function happeningOf({ id, at, value }: HistoryEntry): RecordedHappening {
  return { ...(value as Happening), id, at };
}
