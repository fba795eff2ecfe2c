/**
 * The assertion of a test: everything emitted was handled exactly once. It is judged against the ledger by a book of
 * its own, so that a list of handled events, in the order in which they were handled, is as good as reports.
 */
import { AssertionError } from 'node:assert';
import { isCount, isObject } from '../core/json.js';
import { EmulatorError } from '../errors.js';
import { EventBook, type BookEntry, type BookFindings } from './event-book.js';

/** What was handled: an event by its id, or by session and sequence (most events have no id of their own). */
export type Handled = ({ id: string } | { sessionId: string; s: number }) & {
  /** The bot said of it that it may have been handled before. */
  redelivered?: boolean;
};

export type ExactlyOnceOptions = {
  /**
   * `if-redelivered`: an event may come again where it is marked `redelivered`, as after the takeover of a dead
   * process. Default `never`.
   */
  repeats?: 'never' | 'if-redelivered';
  /** `any`: the order does not matter. Default `per-shard`. */
  order?: 'per-shard' | 'any';
  /** `allowed`: events may have found no session, as after an op 9 `false`. Default `never`. */
  missed?: 'never' | 'allowed';
};

export type ExactlyOnce = {
  ok: boolean;
  /** How many of what, in sentences; then examples. Empty when `ok`. */
  problems: string[];
};

/** The findings of a list of handled events, in their order, against what was emitted. */
export function findingsOf(entries: readonly BookEntry[], handled: readonly Handled[]): BookFindings {
  const book = new EventBook(Math.max(1, entries.length));
  for (const { id: eventId, type, count, emittedAt: at, copies, ...first } of entries) {
    for (const { sessionId, shard, s } of [first, ...(copies ?? [])]) {
      book.recordEmitted({ eventId, type, count, at, sessionId, shard, s });
    }
  }
  for (const [index, event] of handled.entries()) {
    const entry = book.find(event);
    const id = entry?.id ?? ('id' in event ? event.id : 'without an id');
    const { shard = 0, s = 'id' in event ? 0 : event.s, type: t = 'an event' } = entry ?? {};
    book.recordHandled('the bot', { id, shard, s, t, at: index, redelivered: event.redelivered === true });
  }
  return book.findings();
}

export function judge({ totals, examples }: BookFindings, missed: number, options: ExactlyOnceOptions): ExactlyOnce {
  const { repeats = 'never', order = 'per-shard', missed: missedMay = 'never' } = options;
  const counts: [number, string][] = [
    [totals.emitted - totals.handled, 'handled by nobody'],
    [totals.duplicated, 'handled again, without the mark "redelivered"'],
    [repeats === 'never' ? totals.redelivered : 0, 'handled again, marked "redelivered", where no repeats are allowed'],
    [order === 'any' ? 0 : totals.outOfOrder, 'handled after a later one of the same shard'],
    [totals.unexpected, 'handled, though never emitted like that'],
    [missedMay === 'allowed' ? 0 : missed, 'that found no session of their shard'],
  ];
  const said = counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} of ${totals.emitted} events: ${what}`);
  return { ok: said.length === 0, problems: said.length === 0 ? [] : [...said, ...examples] };
}

/** Throws an `AssertionError` that says what is wrong; vitest and node:test show it as their own. */
export function assertExactlyOnce({ ok, problems }: ExactlyOnce): void {
  if (ok) return;
  throw new AssertionError({
    message: `Not every event was handled exactly once.\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    operator: 'expectExactlyOnce',
    stackStartFn: assertExactlyOnce,
  });
}

/** Reads a list of handled events from JSON. Throws `DSO_EMULATOR_BAD_REPORT`. */
export function readHandled(value: unknown): Handled[] {
  if (!Array.isArray(value)) throw badHandled('"handled" is not an array');
  return value.map((event: unknown, index) => {
    if (!isObject(event)) throw badHandled(`event ${index + 1} is not an object`);
    const { id, sessionId, s, redelivered = false } = event;
    if (typeof redelivered !== 'boolean') throw badHandled(`event ${index + 1}: "redelivered" is not a boolean`);
    if (typeof id === 'string') return { id, redelivered };
    if (typeof sessionId === 'string' && isCount(s)) return { sessionId, s, redelivered };
    throw badHandled(`event ${index + 1} has neither "id" nor "sessionId" and "s"`);
  });
}

function badHandled(problem: string): EmulatorError {
  return new EmulatorError('DSO_EMULATOR_BAD_REPORT', `The list of handled events is refused: ${problem}.`);
}
