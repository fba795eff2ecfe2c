/**
 * What peers did wrong, by code. Everything is counted; told is at most one of a code per QUIET_MS, so that somebody
 * who hammers at the port can neither fill the log nor push everything else out of the history.
 */
import { AUTOMATIC } from '../domain/state/effects.js';
import type { Clock, ConnectionEnd } from '@dshard/transport';
import type { History } from './history.js';

const QUIET_MS = 1_000;

type Count = { total: number; toldAt: number; untold: number };

export class Violations {
  readonly #clock: Clock;
  readonly #history: History;
  readonly #counts = new Map<string, Count>();

  constructor(clock: Clock, history: History) {
    this.#clock = clock;
    this.#history = history;
  }

  add(remote: string, end: ConnectionEnd): void {
    const now = this.#clock.monotonicMs();
    const count = this.#counts.get(end.code) ?? { total: 0, toldAt: Number.NEGATIVE_INFINITY, untold: 0 };
    this.#counts.set(end.code, count);
    count.total++;
    if (now - count.toldAt < QUIET_MS) {
      count.untold++;
      return;
    }
    const more = count.untold === 0 ? '' : ` (and ${count.untold} more of this kind before)`;
    this.#history.record({
      name: 'protocolViolation',
      level: 'warn',
      text: `The connection from ${remote} was closed: ${end.message}${more}`,
      by: AUTOMATIC,
      fields: { remote, code: end.code, total: count.total },
    });
    count.toldAt = now;
    count.untold = 0;
  }

  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].map(([code, { total }]) => [code, total]));
  }
}
