/**
 * What happened, line by line: virtual time, who, what. The hash of all lines tells whether two runs were the same; the
 * last lines are kept for the report of a failure. Nothing that differs between two runs of a seed (process ids, sizes
 * of real memory, stack traces) may go in here.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '@dshard/transport';

const KEPT_LINES = 40;
const WHO_WIDTH = 13;
const TIME_WIDTH = 11;

export class Trace {
  readonly #clock: Clock;
  readonly #print: ((line: string) => void) | null;
  readonly #hash = createHash('sha256');
  readonly #last: string[] = [];

  /** `print` gets every line as it comes; null: none. */
  constructor(clock: Clock, print: ((line: string) => void) | null) {
    this.#clock = clock;
    this.#print = print;
  }

  say(who: string, what: string): void {
    const time = `${this.#clock.monotonicMs().toFixed(1)} ms`.padStart(TIME_WIDTH);
    const line = `${time}  ${who.padEnd(WHO_WIDTH)} ${what}`;
    this.#hash.update(line);
    this.#last.push(line);
    if (this.#last.length > KEPT_LINES) this.#last.shift();
    this.#print?.(line);
  }

  last(): readonly string[] {
    return this.#last;
  }

  /** Ends the trace. */
  hash(): string {
    return this.#hash.digest('hex').slice(0, 16);
  }
}
