/**
 * Whether the bot answered what people wrote, seen from outside: nothing in the bot has to report anything. A message
 * is answered by a reply to the message (`message_reference`). A message without a reply was lost, or the bot does not
 * answer such messages; a message with two replies was handled twice.
 *
 * The newest `maxMessages` are kept one by one; older ones are settled into the counts.
 */
import type { Ms } from '@dshard/transport';
import type { RestAction } from '../world/rest-actions.js';
import type { LedgerRecord } from '../core/records.js';

export type AnswerCounts = {
  /** Messages of people that a session was given, or that found no session of a shard that was there before. */
  messages: number;
  answeredOnce: number;
  answeredTwice: number;
  /** Written in the last ten seconds, and not answered so far. */
  waiting: number;
  unanswered: number;
};

const maxMessages = 100_000;
const patienceMs = 10_000;

export class Answers {
  readonly #now: () => Ms;
  readonly #messages = new Map<string, { at: Ms; replies: number }>();
  /** The bot's own messages, which come back to it as events. */
  readonly #own = new Set<string>();
  readonly #settled = { answeredOnce: 0, answeredTwice: 0, unanswered: 0 };

  constructor(now: () => Ms) {
    this.#now = now;
  }

  record(record: LedgerRecord): void {
    if (record.kind !== 'emitted' && record.kind !== 'missed') return;
    const { type, eventId, at } = record;
    if (type !== 'MESSAGE_CREATE' || this.#own.has(eventId) || this.#messages.has(eventId)) return;
    this.#messages.set(eventId, { at, replies: 0 });
    if (this.#messages.size > maxMessages) this.#settleOldest();
  }

  /** Before the event of the bot's own message is emitted. */
  posted({ kind, message }: RestAction): void {
    if (kind !== 'message' || message === undefined) return;
    this.#own.add(message.id);
    if (this.#own.size > maxMessages) this.#own.delete(first(this.#own.keys()));
    const answered = this.#messages.get(message.message_reference?.message_id ?? '');
    if (answered !== undefined) answered.replies += 1;
  }

  counts(): AnswerCounts {
    const counts = { messages: 0, waiting: 0, ...this.#settled };
    const since = this.#now() - patienceMs;
    for (const { at, replies } of this.#messages.values()) {
      if (replies === 0 && at > since) counts.waiting += 1;
      else counts[kindOf(replies)] += 1;
    }
    const { answeredOnce, answeredTwice, waiting, unanswered } = counts;
    return { ...counts, messages: answeredOnce + answeredTwice + waiting + unanswered };
  }

  #settleOldest(): void {
    const id = first(this.#messages.keys());
    this.#settled[kindOf(this.#messages.get(id)?.replies ?? 0)] += 1;
    this.#messages.delete(id);
  }
}

function kindOf(replies: number): 'answeredOnce' | 'answeredTwice' | 'unanswered' {
  if (replies === 0) return 'unanswered';
  return replies === 1 ? 'answeredOnce' : 'answeredTwice';
}

function first(ids: IterableIterator<string>): string {
  const [id = ''] = ids;
  return id;
}
