/** The run as a row of windows without gaps: calm, with planned moves only, or a fault and the recovery from it. */
import type { Ms } from '@dshard/transport';
import { FAULTS, type FaultCost, type FaultName } from './fault-kinds.js';

export type Window = { number: number; name: FaultName | 'calm'; startedAt: Ms; endedAt: Ms | null };

const CALM: FaultCost = { mayRepeat: false, mayDoubleAttach: false, finishesLate: false, mayMissHeartbeats: false };

export function costOf({ name }: Window): FaultCost {
  return name === 'calm' ? CALM : FAULTS[name];
}

/** `fault 3 (node-kill)`, `calm before fault 4`. */
export function describeWindow({ number, name }: Window): string {
  return name === 'calm' ? `the calm before fault ${number}` : `fault ${number} (${name})`;
}

export class Windows {
  readonly #all: Window[];
  #faults = 0;

  /** Begins calm. */
  constructor(now: Ms) {
    this.#all = [{ number: 1, name: 'calm', startedAt: now, endedAt: null }];
  }

  get all(): readonly Window[] {
    return this.#all;
  }

  get faults(): number {
    return this.#faults;
  }

  /** Ends the window before it. */
  enter(name: FaultName | 'calm', now: Ms): Window {
    const last = this.#all.at(-1);
    if (last !== undefined) last.endedAt = now;
    if (name !== 'calm') this.#faults += 1;
    const number = name === 'calm' ? this.#faults + 1 : this.#faults;
    const window = { number, name, startedAt: now, endedAt: null };
    this.#all.push(window);
    return window;
  }

  /** The one that `at` falls into; what is before all of them belongs to the first. */
  at(at: Ms): Window {
    const found = this.#all.findLast(({ startedAt }) => startedAt <= at) ?? this.#all[0];
    if (found === undefined) throw new Error('There is no window.');
    return found;
  }

  /** Whether nothing but planned moves happened all the while. */
  wereCalm(from: Ms, to: Ms): boolean {
    return this.#all
      .filter(({ startedAt, endedAt }) => startedAt <= to && (endedAt ?? Number.POSITIVE_INFINITY) >= from)
      .every(({ name }) => name === 'calm');
  }
}
