/**
 * What happened in this run: the newest happenings, and whoever wants to hear of them. A listener that throws is logged
 * and harms nobody.
 */
import type { Cancel, Clock, Logger } from '@dshard/transport';
import type { Happening } from '../domain/effects.js';
import { messageOf } from '../errors.js';
import type { RecordedHappening } from './contract.js';

const CAPACITY = 2_000;

export class History {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #ring: RecordedHappening[] = [];
  readonly #listeners = new Set<(happening: RecordedHappening) => void>();
  #lastId = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  record(happening: Happening): void {
    const recorded: RecordedHappening = { ...happening, id: ++this.#lastId, at: this.#clock.now() };
    this.#ring.push(recorded);
    if (this.#ring.length > CAPACITY) this.#ring.shift();
    this.#logger[happening.level]({ happening: happening.name, ...happening.fields }, happening.text);
    for (const listener of this.#listeners) {
      try {
        listener(recorded);
      } catch (error) {
        this.#logger.error({ err: error }, `A listener of happenings failed: ${messageOf(error)}`);
      }
    }
  }

  /** Oldest first. */
  all(): readonly RecordedHappening[] {
    return [...this.#ring];
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
