/**
 * Things to do later, once or again and again, under the emulator's clock: "in 5 s, then every 30 s". What fails keeps
 * its place, and its error is shown in the list.
 */
import { messageOf } from '@dshard/protocol';
import type { Cancel, Clock, Ms } from '@dshard/transport';
import { EmulatorError } from '../errors.js';

export type Timing = {
  /** How long until the first time. Default: one `everyMs`, or at once. */
  inMs?: number;
  /** How long from one time to the next. Without it there is one. */
  everyMs?: number;
  /** So many times in all. Default: once without `everyMs`, else until cancelled. */
  times?: number;
};

export type Scheduled = {
  readonly id: number;
  /** What is done. */
  readonly name: string;
  readonly nextAt: Ms;
  readonly everyMs: number | null;
  /** How often it was done. */
  readonly done: number;
  /** How often it will be; null: until cancelled. */
  readonly left: number | null;
  /** What the last time said when it failed. */
  readonly lastError: string | null;
};

type Entry = { -readonly [Field in keyof Scheduled]: Scheduled[Field] } & { action: () => unknown; cancel: Cancel };

const maxEntries = 1_000;
const maxDelayMs = 1_000 * 24 * 60 * 60 * 1000;

export class Schedule {
  readonly #clock: Clock;
  readonly #entries = new Map<number, Entry>();
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws `DSO_EMULATOR_BAD_REQUEST` when the timing is none, or too much is scheduled already. */
  add(name: string, timing: Timing, action: () => unknown): Scheduled {
    checkTiming(timing);
    if (this.#entries.size >= maxEntries)
      throw new EmulatorError(
        'DSO_EMULATOR_BAD_REQUEST',
        `${maxEntries} things are scheduled already; cancel some of them first.`,
      );
    const { everyMs = null, times = everyMs === null ? 1 : null } = timing;
    const inMs = timing.inMs ?? everyMs ?? 0;
    const id = this.#nextId;
    this.#nextId += 1;
    const entry: Entry = {
      id,
      name,
      nextAt: this.#clock.now() + inMs,
      everyMs,
      done: 0,
      left: times,
      lastError: null,
      action,
      cancel: this.#clock.after(inMs, () => this.#run(entry)),
    };
    this.#entries.set(id, entry);
    return shown(entry);
  }

  list(): Scheduled[] {
    return [...this.#entries.values()].map(shown);
  }

  /** False: there is no such entry, or it is done. */
  cancel(id: number): boolean {
    this.#entries.get(id)?.cancel();
    return this.#entries.delete(id);
  }

  close(): void {
    for (const id of this.#entries.keys()) this.cancel(id);
  }

  #run(entry: Entry): void {
    entry.done += 1;
    if (entry.left !== null) entry.left -= 1;
    const { everyMs } = entry;
    if (everyMs === null || entry.left === 0) this.#entries.delete(entry.id);
    else {
      entry.nextAt += everyMs;
      entry.cancel = this.#clock.after(Math.max(0, entry.nextAt - this.#clock.now()), () => this.#run(entry));
    }
    void this.#act(entry);
  }

  async #act(entry: Entry): Promise<void> {
    try {
      await entry.action();
      entry.lastError = null;
    } catch (error) {
      entry.lastError = messageOf(error);
    }
  }
}

function shown({ id, name, nextAt, everyMs, done, left, lastError }: Entry): Scheduled {
  return { id, name, nextAt, everyMs, done, left, lastError };
}

function checkTiming({ inMs = 0, everyMs = 1, times = 1 }: Timing): void {
  const problem =
    (!isBetween(inMs, 0, maxDelayMs) && `"inMs" must be an integer from 0 to ${maxDelayMs}`) ||
    (!isBetween(everyMs, 1, maxDelayMs) && `"everyMs" must be an integer from 1 to ${maxDelayMs}`) ||
    (!isBetween(times, 1, Number.MAX_SAFE_INTEGER) && '"times" must be an integer from 1');
  if (problem !== false) throw new EmulatorError('DSO_EMULATOR_BAD_REQUEST', `That cannot be scheduled: ${problem}.`);
}

function isBetween(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}
