/** Reports dispatches of a bot in the same process, whatever their type: what the ledger did not emit as traffic is left out. */
import { isObject } from '../core/json.js';
import type { BookEntry } from './event-book.js';
import type { HandledEvent } from './handled-report.js';

/** A dispatch as libraries hand it on: `t`, `s` and `d`. `redelivered`: the bot says that it may have been handled before. */
export type Reporter = (
  shard: number,
  payload: { t: string; s: number; d?: unknown },
  options?: { redelivered?: boolean },
) => void;

export function createReporter(book: {
  find: (event: { id: string } | { sessionId: string; s: number }) => BookEntry | undefined;
  report: (event: HandledEvent) => void;
  nextAt: () => number;
}): Reporter {
  /** By shard, from READY. A bot that resumes another's session has none, and is known by the ids of its events alone. */
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
