/**
 * Makes decisions durable before they have effects, and says whether anything may be decided at all.
 *
 *     open        commits work, and the lease is ours for a while yet
 *     suspended   a commit failed, or the lease ran down: nothing is decided. Tried again with a growing pause, by itself
 *     lost        another orchestrator leads: final
 *     closed      final
 *
 * Always true: an answer `true` of `commit` means that the writes are durable under our epoch; nothing is committed
 * while suspended but the correction that ends it, which makes the store hold exactly what the state in memory says.
 * That also settles a commit whose outcome was not known. A commit that is answered when our lease is over counts for
 * nothing: who leads now goes by what is in the store. Entries of the history without writes are committed with the
 * next ones, at the latest after FLUSH_MS; a crash loses no more than BACKLOG of them.
 *
 * Without a store everything is answered at once, and nothing is kept.
 */
import type { StoreStatus } from '@dshard/api';
import { messageOf } from '@dshard/protocol';
import type { Cancel, Clock, Logger, Random } from '@dshard/transport';
import { AUTOMATIC, type HistoryEntry } from '../domain/state/effects.js';
import { OrchestratorError } from '../errors.js';
import type { CommitFigures } from '../metrics/metric.js';
import type {
  Commit,
  CommitResult,
  Eventually,
  HistoryResult,
  LoadResult,
  StoredEntry,
  StoreFailure,
  Write,
} from '../ports/state-store.js';
import { localLeaseMs, renewEveryMs, type Leadership } from './leadership.js';

/** How many entries may wait for a commit. */
export const BACKLOG = 1_000;
const FLUSH_MS = 250;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** Failing again sooner than this goes on with the longer pauses. */
const STABLE_MS = 60_000;

export type JournalOptions = {
  leadership: Leadership | null;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** What makes the store, which holds `stored`, hold what is durable of the state in memory. */
  correction(stored: readonly Write[]): readonly Write[];
  /** One was answered. */
  onCommit?: (commit: CommitFigures) => void;
  onSuspended(problem: string): void;
  /** @param ms how long it was suspended. */
  onResumed(ms: number): void;
  onLost(error: OrchestratorError): void;
};

type Phase =
  | { kind: 'open'; since: number }
  | { kind: 'suspended'; since: number; problem: string; cancelRetry: Cancel | null }
  | { kind: 'lost'; since: number; problem: string }
  | { kind: 'closed'; since: number };

export class Journal {
  readonly #options: JournalOptions;
  readonly #leadership: Leadership | null;
  #phase: Phase;
  #version = 0;
  /** By the monotonic time. */
  #actUntil: number;
  #failures = 0;
  #backlog: StoredEntry[] = [];
  #cancelFlush: Cancel | null = null;
  #cancelRenewal: Cancel | null = null;
  #committing: Promise<unknown> | null = null;

  constructor(options: JournalOptions) {
    this.#options = options;
    this.#leadership = options.leadership;
    this.#phase = { kind: 'open', since: options.clock.now() };
    const { leaseUntil, leaseMs } = options.leadership ?? { leaseUntil: Number.POSITIVE_INFINITY, leaseMs: 0 };
    this.#actUntil = leaseUntil - leaseMs + localLeaseMs(leaseMs);
  }

  get status(): StoreStatus {
    const { kind, since } = this.#phase;
    const problem = 'problem' in this.#phase ? this.#phase.problem : null;
    const name = this.#leadership?.store.name ?? 'none';
    return { name, epoch: this.#leadership?.epoch ?? 0, state: kind, since, problem };
  }

  /** What an earlier run left. Renews the lease from here on. Rejects with `DSO_STORE_UNUSABLE`. */
  async load(): Promise<Extract<LoadResult, { ok: true }> | null> {
    if (this.#leadership === null) return null;
    const loaded = await this.#leadership.store.load();
    if (!loaded.ok) throw new OrchestratorError('DSO_STORE_UNUSABLE', loaded.message);
    this.#version = loaded.version;
    this.#cancelRenewal = this.#options.clock.every(renewEveryMs(this.#leadership.leaseMs), () => void this.#renew());
    return loaded;
  }

  /** Whether anything may be decided now. Looks at the clock: a timer may be late by any amount, a lease is not. */
  ready(): boolean {
    if (this.#phase.kind !== 'open') return false;
    if (!this.#isOverdue()) return true;
    const renewed = this.#renew();
    if (!isPromise(renewed)) return renewed;
    this.#suspend('the lease on it could not be renewed in time');
    return false;
  }

  /** Whether nobody else can lead yet: an orchestrator on another host only waits for our lease to be over. */
  get mayLead(): boolean {
    return this.#leadership?.store.hasOwnClock !== true || !this.#isOverdue();
  }

  commit(writes: readonly Write[], history: readonly StoredEntry[]): Eventually<boolean> {
    if (this.#leadership === null) return true;
    if (this.#committing !== null) return this.#committing.then(() => this.commit(writes, history));
    if (this.#phase.kind !== 'open') return false;
    return whenDone(this.#write(writes, history), (result) => {
      if (!result.ok) this.#failed(result);
      // The answer may have come late, or been read late, and then it is another one's turn to act on what it says.
      return result.ok && this.ready();
    });
  }

  /** An entry of the history that need not be durable before anything else. */
  note(entry: StoredEntry): void {
    if (this.#leadership === null || this.#phase.kind === 'closed') return;
    this.#backlog.push(entry);
    if (this.#backlog.length > BACKLOG) this.#backlog.shift();
    if (this.#phase.kind === 'open') this.#flushLater();
  }

  /** What waits for a commit already has lower ids, and is to be in the store first. */
  #flushLater(): void {
    this.#cancelFlush ??= this.#options.clock.after(FLUSH_MS, () => {
      this.#cancelFlush = null;
      if (this.#committing !== null) this.#flushLater();
      else if (this.#backlog.length > 0) void this.commit([], []);
    });
  }

  async history(query: { after: number | null; limit: number }): Promise<HistoryResult> {
    return this.#leadership === null ? { ok: true, entries: [] } : this.#leadership.store.history(query);
  }

  /** Commits what waits, gives the leadership back, and closes the store. */
  async close(): Promise<void> {
    const { kind } = this.#phase;
    if (kind === 'closed') return;
    if (kind === 'open' && this.#backlog.length > 0) await this.commit([], []);
    await this.#committing;
    this.#stopTimers();
    this.#phase = { kind: 'closed', since: this.#options.clock.now() };
    if (this.#leadership === null) return;
    const { store, epoch } = this.#leadership;
    if (kind !== 'lost') await store.release(epoch);
    await store.close();
  }

  #stopTimers(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    this.#cancelRenewal?.();
    this.#cancelRenewal = null;
    if (this.#phase.kind === 'suspended') this.#phase.cancelRetry?.();
  }

  /** The one place that commits; one at a time. */
  #write(writes: readonly Write[], history: readonly StoredEntry[]): Eventually<CommitResult> {
    if (this.#leadership === null) return { ok: true, version: 0 };
    const { store, epoch } = this.#leadership;
    const { clock, onCommit } = this.#options;
    const waiting = this.#backlog;
    this.#backlog = [];
    // What was noted while a commit waited for its turn has higher ids than what is in that commit.
    const entries = [...waiting, ...history].toSorted((a, b) => a.id - b.id);
    const commit: Commit = { epoch, expectedVersion: this.#version, writes, history: entries };
    const begunAt = clock.monotonicMs();
    const finish = (result: CommitResult): CommitResult => {
      const ms = clock.monotonicMs() - begunAt;
      onCommit?.({ ms, writes: writes.length, entries: entries.length, ok: result.ok });
      if (result.ok) this.#version = result.version;
      else this.#backlog = [...waiting, ...this.#backlog];
      return result;
    };
    const result = store.commit(commit);
    if (!isPromise(result)) return finish(result);
    const committing = result.catch(asFailure).then((settled) => {
      this.#committing = null;
      return finish(settled);
    });
    this.#committing = committing;
    return committing;
  }

  /** Answers whether we lead for another while. */
  #renew(): Eventually<boolean> {
    if (this.#leadership === null || this.#phase.kind !== 'open') return false;
    return whenDone(this.#askForLease(), (failure) => {
      if (failure !== null && (failure.reason === 'staleLeader' || this.#isOverdue())) this.#failed(failure);
      return this.#phase.kind === 'open';
    });
  }

  #askForLease(): Eventually<StoreFailure | null> {
    if (this.#leadership === null) return null;
    const { store, epoch, leaseMs } = this.#leadership;
    const now = this.#options.clock.monotonicMs();
    const answer = store.renew(epoch, { now, ttlMs: leaseMs });
    return whenDone(isPromise(answer) ? answer.catch(asFailure) : answer, (renewed) => {
      if (!renewed.ok) return renewed;
      this.#actUntil = now + localLeaseMs(leaseMs);
      return null;
    });
  }

  #isOverdue(): boolean {
    return this.#options.clock.monotonicMs() >= this.#actUntil;
  }

  #failed(failure: StoreFailure): void {
    if (failure.reason === 'staleLeader') this.#lose(failure.message);
    else this.#suspend(failure.message);
  }

  #lose(problem: string): void {
    if (this.#phase.kind === 'lost' || this.#phase.kind === 'closed') return;
    this.#stopTimers();
    this.#phase = { kind: 'lost', since: this.#options.clock.now(), problem };
    this.#options.onLost(
      new OrchestratorError('DSO_LEADERSHIP_LOST', `${problem} This orchestrator ends; its nodes run on.`),
    );
  }

  #suspend(problem: string): void {
    if (this.#phase.kind !== 'open') return;
    const now = this.#options.clock.now();
    if (now - this.#phase.since >= STABLE_MS) this.#failures = 0;
    this.#phase = { kind: 'suspended', since: now, problem, cancelRetry: null };
    this.#retryLater();
    this.#options.onSuspended(problem);
  }

  #retryLater(): void {
    if (this.#phase.kind !== 'suspended') return;
    const pauseMs = Math.min(this.#longestRetryMs(), FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    const jittered = pauseMs * (0.75 + this.#options.random.next() / 2);
    this.#phase.cancelRetry = this.#options.clock.after(jittered, () => void this.#retry());
  }

  /** Whoever may be succeeded on another machine has to find that out. */
  #longestRetryMs(): number {
    const { store, leaseMs } = this.#leadership ?? {};
    return store?.hasOwnClock === true && leaseMs !== undefined ? renewEveryMs(leaseMs) : LONGEST_RETRY_MS;
  }

  async #retry(): Promise<void> {
    const failure = await this.#recover().catch(asFailure);
    const phase = this.#phase;
    if (phase.kind !== 'suspended') return;
    if (failure === null) {
      const now = this.#options.clock.now();
      this.#phase = { kind: 'open', since: now };
      this.#options.onResumed(now - phase.since);
    } else if (failure.reason === 'staleLeader') {
      this.#lose(failure.message);
    } else {
      this.#phase = { ...phase, problem: failure.message };
      this.#retryLater();
    }
  }

  /** The lease, then the store's word of itself, then the correction. */
  async #recover(): Promise<StoreFailure | null> {
    const { store } = this.#leadership ?? {};
    if (store === undefined) return null;
    const unrenewed = await this.#askForLease();
    if (unrenewed !== null) return unrenewed;
    const loaded = await store.load();
    if (!loaded.ok) return loaded;
    // A commit of unknown outcome may have taken effect, and then its entries are there.
    this.#version = loaded.version;
    this.#backlog = this.#backlog.filter(({ id }) => id > loaded.lastHistoryId);
    const committed = await this.#write(this.#options.correction(loaded.records), []);
    return committed.ok ? null : committed;
  }
}

/** For the history. */
export function storeLost(problem: string): HistoryEntry {
  const text = `${problem} Until that is over nothing is started, stopped or moved; the bot runs on.`;
  return { name: 'storeLost', level: 'error', text, by: AUTOMATIC, fields: { problem } };
}

export function storeRecovered(durationMs: number): HistoryEntry {
  const text = `The store can be written again after ${Math.round(durationMs / 100) / 10} s.`;
  return { name: 'storeRecovered', level: 'info', text, by: AUTOMATIC, fields: { durationMs } };
}

function asFailure(error: unknown): StoreFailure {
  return { ok: false, reason: 'broken', message: `The store failed: ${messageOf(error)}` };
}

/** For ports that may answer at once or later: what is there at once is used at once: nothing comes in between. */
function isPromise<T>(value: Eventually<T>): value is Promise<T> {
  return value instanceof Promise;
}

export function whenDone<T, R>(value: Eventually<T>, go: (value: T) => R): Eventually<R> {
  return isPromise(value) ? value.then((settled) => go(settled)) : go(value);
}
