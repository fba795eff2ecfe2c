/**
 * Wrong tokens slow down whoever sends them, per address: after five, no token of that address is looked at for a
 * second, and twice as long after each further one, up to a minute. A token that was right from there lately is looked
 * at all the same, so that who works behind a proxy is not locked out by a neighbour. Forgotten after a quiet while;
 * bounded, whatever addresses there are.
 */
import type { Clock } from '@dshard/transport';

const FREE_ATTEMPTS = 5;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
const FORGOTTEN_AFTER_MS = 600_000;
const TRUSTED_FOR_MS = 3_600_000;
const MAX_ADDRESSES = 1_024;
const MAX_TRUSTED = 1_024;

type Attempts = { wrong: number; lastAt: number; until: number };

export class FailedAttempts {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #byAddress = new Map<string, Attempts>();
  /** Until when an address and a token, as its digest, go together. */
  readonly #trusted = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** How long the address has to wait before this token is looked at. 0: not at all. */
  waitMs(address: string, digest: string): number {
    const now = this.#clock.monotonicMs();
    const until = this.#byAddress.get(address)?.until ?? 0;
    if (until <= now || (this.#trusted.get(`${address} ${digest}`) ?? 0) > now) return 0;
    return Math.ceil(until - now);
  }

  wrong(address: string): void {
    const now = this.#clock.monotonicMs();
    const before = this.#byAddress.get(address);
    const wrong = before === undefined || before.lastAt + FORGOTTEN_AFTER_MS <= now ? 1 : before.wrong + 1;
    const waitMs = wrong < FREE_ATTEMPTS ? 0 : FIRST_WAIT_MS * 2 ** Math.min(wrong - FREE_ATTEMPTS, 10);
    this.#byAddress.delete(address);
    this.#byAddress.set(address, { wrong, lastAt: now, until: now + Math.min(waitMs, LONGEST_WAIT_MS) });
    dropOldest(this.#byAddress, MAX_ADDRESSES);
  }

  right(address: string, digest: string): void {
    const pair = `${address} ${digest}`;
    this.#trusted.delete(pair);
    this.#trusted.set(pair, this.#clock.monotonicMs() + TRUSTED_FOR_MS);
    dropOldest(this.#trusted, MAX_TRUSTED);
  }
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
