/** Refused requests in the log: the first of an address, and then one line a minute that says how many more. */
import type { Cancel, Clock, Logger } from '@dshard/transport';

const MINUTE_MS = 60_000;
const MAX_ADDRESSES = 256;
/** All addresses beyond the bound. */
const OTHERS = 'other addresses';

export class RefusedRequests {
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** How many were not told, by address. */
  readonly #untold = new Map<string, number>();
  #cancel: Cancel | null = null;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  tell(address: string, path: string, reason: string): void {
    this.#cancel ??= this.#clock.after(MINUTE_MS, () => this.#minuteOver());
    const from = this.#untold.has(address) || this.#untold.size < MAX_ADDRESSES ? address : OTHERS;
    const untold = this.#untold.get(from);
    this.#untold.set(from, untold === undefined ? 0 : untold + 1);
    if (untold === undefined) this.#logger.warn({ from, path, reason }, 'A request was refused.');
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #minuteOver(): void {
    this.#cancel = null;
    for (const [from, count] of this.#untold) {
      if (count > 0) this.#logger.warn({ from, count }, `${count} more requests were refused within a minute.`);
    }
    this.#untold.clear();
  }
}
