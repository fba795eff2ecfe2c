/**
 * The report a bot makes of what its user code handled, read from JSON without trusting it.
 *
 * One batch is `{ node, events: [{ shard, s, id, t, at, sessionId?, redelivered? }] }`; a body is one batch, an array
 * of batches, or one batch per line.
 */
import { isCount, isObject } from '../core/json.js';
import { EmulatorError } from '../errors.js';

export type HandledEvent = {
  shard: number;
  /** The sequence of the dispatch. */
  s: number;
  /** The id of the event (`d.id`); '' if Discord gives it none: `sessionId` and `s` say then which it is. */
  id: string;
  /** The type of the event (`t`). */
  t: string;
  /**
   * When user code got it, by the machine's monotonic clock: `Number(process.hrtime.bigint())` or milliseconds, the
   * same unit in every process. It puts the reports of several processes in order.
   */
  at: number;
  sessionId?: string;
  /** The bot said of it that it may have been handled before. */
  redelivered?: boolean;
};

export type HandledBatch = { node: string; events: readonly HandledEvent[] };

/** Reads a request body. Throws `DSO_EMULATOR_BAD_REPORT`, naming line and field, and then nothing of it counts. */
export function parseHandledReport(text: string): HandledBatch[] {
  const whole = parseJson(text);
  if (whole.ok) {
    const batches = Array.isArray(whole.value) ? whole.value : [whole.value];
    return batches.map((batch, index) => readBatch(batch, `batch ${index + 1}`));
  }
  return text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), where: `line ${index + 1}` }))
    .filter(({ line }) => line !== '')
    .map(({ line, where }) => {
      const parsed = parseJson(line);
      if (!parsed.ok) throw badReport(`${where} is not JSON`, parsed.error);
      return readBatch(parsed.value, where);
    });
}

function readBatch(value: unknown, where: string): HandledBatch {
  if (!isObject(value)) throw badReport(`${where} is not an object`);
  const { node, events } = value;
  if (typeof node !== 'string' || node === '') throw badReport(`${where} has no "node"`);
  if (!Array.isArray(events)) throw badReport(`${where} has no "events"`);
  return { node, events: events.map((event, index) => readEvent(event, `${where}, event ${index + 1}`)) };
}

function readEvent(value: unknown, where: string): HandledEvent {
  if (!isObject(value)) throw badReport(`${where} is not an object`);
  const { shard, s, id, t, at, sessionId, redelivered } = value;
  if (!isCount(shard)) throw badReport(`${where}: "shard" is not a shard number`);
  if (!isCount(s)) throw badReport(`${where}: "s" is not a sequence number`);
  if (typeof id !== 'string') throw badReport(`${where}: "id" is not a string`);
  if (typeof t !== 'string') throw badReport(`${where}: "t" is not a string`);
  if (typeof at !== 'number') throw badReport(`${where}: "at" is not a number`);
  if (sessionId !== undefined && typeof sessionId !== 'string')
    throw badReport(`${where}: "sessionId" is not a string`);
  if (redelivered !== undefined && typeof redelivered !== 'boolean')
    throw badReport(`${where}: "redelivered" is not a boolean`);
  return {
    shard,
    s,
    id,
    t,
    at,
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(redelivered === undefined ? {} : { redelivered }),
  };
}

function badReport(problem: string, cause?: unknown): EmulatorError {
  return new EmulatorError('DSO_EMULATOR_BAD_REPORT', `The report of handled events is refused: ${problem}.`, {
    cause,
  });
}

function parseJson(text: string): { ok: true; value: unknown } | { ok: false; error: unknown } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, error };
  }
}

// Reports dispatches of a bot in the same process, whatever their type: what the ledger did not emit as traffic is left
// out.

/** A dispatch as libraries hand it on: `t`, `s` and `d`. `redelivered`: it may have been handled before. */
export type Reporter = (
  shard: number,
  payload: { t: string; s: number; d?: unknown },
  options?: { redelivered?: boolean },
) => void;

export function createReporter(book: {
  find: (event: { id: string } | { sessionId: string; s: number }) => { readonly id: string } | undefined;
  report: (event: HandledEvent) => void;
  nextAt: () => number;
}): Reporter {
  /** By shard, from READY. A bot that resumes another's session has none, and is known by the ids of its events. */
  const sessions = new Map<number, string>();
  return (shard, { t, s, d }, { redelivered = false } = {}) => {
    const { session_id: readyId, id: ownId } = isObject(d) ? d : {};
    if (t === 'READY' && typeof readyId === 'string') sessions.set(shard, readyId);
    const sessionId = sessions.get(shard);
    const bySequence = sessionId === undefined ? undefined : book.find({ sessionId, s });
    const entry = bySequence ?? (typeof ownId === 'string' ? book.find({ id: ownId }) : undefined);
    if (entry !== undefined) book.report({ shard, s, id: entry.id, t, at: book.nextAt(), redelivered });
  };
}
