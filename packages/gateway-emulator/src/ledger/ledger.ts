/**
 * The truth about a run: everything the gateway emitted, session by session, against what the bots report to have
 * handled; every IDENTIFY, every change of socket, every rule that was broken.
 *
 * Only traffic events count as emitted and handled (see `EventBook`). Everything kept is bounded; counts never stop.
 */
import type { Ms } from '@dshard/transport';
import { createReporter, type HandledBatch, type HandledEvent, type Reporter } from './handled-report.js';
import { EventBook } from './event-book.js';
import type { ExactlyOnce, ExactlyOnceOptions, Handled } from './exactly-once.js';
import { assertExactlyOnce, findingsOf, judge } from './exactly-once.js';
import type { LedgerRecord, Violation, ViolationKind } from '../core/records.js';
import { reportText } from './report.js';

/** From the loss of a session's socket to its RESUMED. Times in milliseconds since the epoch. */
export type Gap = { shard: number; sessionId: string; detachedAt: Ms; resumedAt: Ms; ms: number };

export type Verdict = {
  /** Nothing lost, missed, repeated, reordered or unexpected, and no rule broken. */
  clean: boolean;
  /** Traffic events that at least one session was given. */
  emitted: number;
  /** Of these, how many were handled at least once. */
  handled: number;
  /** `emitted - handled`. Events still in flight count: wait for `outstanding()` to be 0 first. */
  lost: number;
  /** Events for a shard that had identified before but had no session: nobody could get them. Not part of `emitted`. */
  missed: number;
  /** Repeated handlings that were not marked `redelivered`. */
  duplicated: number;
  /** Repeated handlings that were marked. */
  redelivered: number;
  /** Events handled after one that was emitted later on the same shard, all processes taken together. */
  outOfOrder: number;
  /** Reports that fit nothing that was emitted. */
  unexpected: number;
  /** Up to 20 findings in words. */
  examples: string[];
  /** `whileResumable`: admitted although a session of the shard could have been resumed; its events since are lost. */
  identifies: { used: number; inWrongWindow: number; whileResumable: number };
  violations: Violation[];
  violationCounts: Partial<Record<ViolationKind, number>>;
  gaps: Gap[];
};

/** What happened to one session, in order. */
export type SessionHistory = {
  sessionId: string;
  shard: number;
  count: number;
  emitted: number;
  replayed: number;
  resumes: number;
  events: Extract<LedgerRecord, { kind: 'attached' | 'detached' | 'ended' }>[];
};

/** What all sessions of a shard have been given. */
export type ShardSummary = {
  shard: number;
  count: number;
  sessions: number;
  resumes: number;
  emitted: number;
  replayed: number;
};

/** How much is kept in detail. */
export type LedgerLimits = {
  events: number;
  sessions: number;
  violations: number;
  gaps: number;
  historyPerSession: number;
};

export const defaultLedgerLimits: LedgerLimits = {
  events: 500_000,
  sessions: 10_000,
  violations: 1_000,
  gaps: 100_000,
  historyPerSession: 1_000,
};

const maxExamples = 20;

export class Ledger {
  readonly #limits: LedgerLimits;
  readonly #book: EventBook;
  readonly #sessions = new Map<string, SessionHistory>();
  readonly #detachedAt = new Map<string, Ms>();
  readonly #violations: Violation[] = [];
  readonly #violationCounts = new Map<ViolationKind, number>();
  readonly #gaps: Gap[] = [];
  readonly #missedExamples: string[] = [];
  #identifies = { used: 0, inWrongWindow: 0, whileResumable: 0 };
  #missed = 0;
  #reported = 0;

  constructor(limits: LedgerLimits = defaultLedgerLimits) {
    this.#limits = limits;
    this.#book = new EventBook(limits.events);
  }

  /** Takes down what the gateway did. */
  record(record: LedgerRecord): void {
    switch (record.kind) {
      case 'emitted':
        this.#book.recordEmitted(record);
        this.#history(record).emitted += 1;
        return;
      case 'missed':
        this.#missed += 1;
        if (this.#missedExamples.length < maxExamples) {
          this.#missedExamples.push(
            `missed: ${record.type} ${record.eventId} found no session of shard ${record.shard}`,
          );
        }
        return;
      case 'identify':
        this.#identifies.used += 1;
        if (record.outcome === 'early') this.#identifies.inWrongWindow += 1;
        if (record.outcome === 'admitted' && this.#hasResumable(record)) this.#identifies.whileResumable += 1;
        return;
      case 'attached':
        this.#recordAttached(record);
        return;
      case 'detached':
        this.#detachedAt.set(record.sessionId, record.at);
        this.#addHistory(record);
        return;
      case 'ended':
        this.#detachedAt.delete(record.sessionId);
        this.#addHistory(record);
        return;
      case 'violation':
        this.#recordViolation(record.violation);
        return;
    }
  }

  /** Takes a process's report of what its user code handled. Batches may come in any order of processes and time. */
  handled(report: HandledBatch | readonly HandledBatch[]): void {
    const batches: readonly HandledBatch[] = 'events' in report ? [report] : report;
    for (const { node, events } of batches) {
      for (const event of events) this.#book.recordHandled(node, event);
    }
  }

  /**
   * For a bot in the same process: a function that is given every dispatch the bot's own code handled, and reports
   * those that count. Its order is the order of its calls, so it does not mix with reports of other processes.
   */
  reporter(node: string): Reporter {
    const report = (event: HandledEvent): void => this.#book.recordHandled(node, event);
    return createReporter({ find: (event) => this.#book.find(event), report, nextAt: () => (this.#reported += 1) });
  }

  /** Emitted and not yet handled: in all, and per shard where there is something. */
  outstanding(): { total: number; perShard: Map<number, number> } {
    return { total: this.#book.emitted - this.#book.handled, perShard: this.#book.outstanding() };
  }

  verdict(): Verdict {
    const { totals, examples } = this.#book.findings();
    const { emitted, handled, duplicated, redelivered, outOfOrder, unexpected } = totals;
    const lost = emitted - handled;
    const violationCount = [...this.#violationCounts.values()].reduce((sum, count) => sum + count, 0);
    return {
      clean: lost + this.#missed + duplicated + outOfOrder + unexpected + violationCount === 0,
      emitted,
      handled,
      lost,
      missed: this.#missed,
      duplicated,
      redelivered,
      outOfOrder,
      unexpected,
      examples: [...examples, ...this.#missedExamples].slice(0, maxExamples),
      identifies: { ...this.#identifies },
      violations: [...this.#violations],
      violationCounts: Object.fromEntries(this.#violationCounts),
      gaps: [...this.#gaps],
    };
  }

  /** The verdict for people. */
  report(): string {
    return reportText(this.verdict(), this.shards());
  }

  /** Whether everything emitted was handled exactly once: as reported to `handled`, or by a list in order. */
  checkExactlyOnce(handled?: readonly Handled[], options: ExactlyOnceOptions = {}): ExactlyOnce {
    const findings = handled === undefined ? this.#book.findings() : findingsOf(this.#book.entries, handled);
    return judge(findings, this.#missed, options);
  }

  /**
   * Throws an `AssertionError` with what is wrong unless everything emitted was handled exactly once. Wait until it had
   * the chance to be: `await gateway.settled()`, or `outstanding().total === 0`.
   */
  expectExactlyOnce(handled?: readonly Handled[], options: ExactlyOnceOptions = {}): void {
    assertExactlyOnce(this.checkExactlyOnce(handled, options));
  }

  /** What each shard was given, over all its sessions that are remembered. */
  shards(): ShardSummary[] {
    const summaries = new Map<string, ShardSummary>();
    for (const { shard, count, emitted, replayed, resumes } of this.#sessions.values()) {
      const key = `${shard}/${count}`;
      const known = summaries.get(key) ?? { shard, count, sessions: 0, resumes: 0, emitted: 0, replayed: 0 };
      summaries.set(key, {
        ...known,
        sessions: known.sessions + 1,
        resumes: known.resumes + resumes,
        emitted: known.emitted + emitted,
        replayed: known.replayed + replayed,
      });
    }
    return [...summaries.values()].sort((a, b) => a.count - b.count || a.shard - b.shard);
  }

  /** Every session seen, oldest first. */
  sessions(): SessionHistory[] {
    return [...this.#sessions.values()].map((history) => ({ ...history, events: [...history.events] }));
  }

  /** The traffic a session was given, as far as it is still kept. */
  emittedTo(sessionId: string): { s: number; type: string; id: string; emittedAt: Ms }[] {
    return this.#book.emittedTo(sessionId);
  }

  #recordAttached(record: Extract<LedgerRecord, { kind: 'attached' }>): void {
    const history = this.#history(record);
    history.replayed += record.replayed;
    if (record.resumedFrom !== null) history.resumes += 1;
    this.#addHistory(record);
    const detachedAt = this.#detachedAt.get(record.sessionId);
    this.#detachedAt.delete(record.sessionId);
    if (detachedAt === undefined) return;
    const { shard, sessionId, at: resumedAt } = record;
    this.#gaps.push({ shard, sessionId, detachedAt, resumedAt, ms: resumedAt - detachedAt });
    if (this.#gaps.length > this.#limits.gaps) this.#gaps.shift();
  }

  /** Whether a session of the shard waits for a RESUME. */
  #hasResumable({ shard, count }: { shard: number; count: number }): boolean {
    for (const sessionId of this.#detachedAt.keys()) {
      const session = this.#sessions.get(sessionId);
      if (session?.shard === shard && session.count === count) return true;
    }
    return false;
  }

  #recordViolation(violation: Violation): void {
    this.#violationCounts.set(violation.kind, (this.#violationCounts.get(violation.kind) ?? 0) + 1);
    if (this.#violations.length < this.#limits.violations) this.#violations.push(violation);
  }

  #addHistory(record: Extract<LedgerRecord, { kind: 'attached' | 'detached' | 'ended' }>): void {
    const { events } = this.#history(record);
    events.push(record);
    if (events.length > this.#limits.historyPerSession) events.shift();
  }

  #history(session: { sessionId: string; shard: number; count: number }): SessionHistory {
    const known = this.#sessions.get(session.sessionId);
    if (known !== undefined) return known;
    const { sessionId, shard, count } = session;
    const history: SessionHistory = { sessionId, shard, count, emitted: 0, replayed: 0, resumes: 0, events: [] };
    this.#sessions.set(sessionId, history);
    if (this.#sessions.size > this.#limits.sessions) {
      const [oldest] = this.#sessions.keys();
      if (oldest !== undefined) this.#sessions.delete(oldest);
    }
    return history;
  }
}
