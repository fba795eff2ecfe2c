/**
 * Jobs on a schedule that run once per fleet: by the process that leads (`leadership.ts`), and begun once for each time
 * that they are due, because the orchestrator keeps a durable mark per name (job-messages.ts of the protocol).
 *
 * - At most once (the default): the mark is set before the run. A run that fails, or whose process dies, is not begun
 *   again, and one that was due while nobody led is left out.
 * - At least once: the mark is set after the run. What was due since the mark is made up for, in one run, by the next
 *   leader.
 *
 * A run that still goes on when the next is due makes that one be left out.
 */
import { Cron } from 'croner';
import { MAX_NAME_LENGTH, messageOf, type JobMarked, type Message, type JobMark } from '@dshard/protocol';
import { delay, type Clock } from '@dshard/transport';
import { NodeError } from '../errors.js';
import type { CronOptions, CronRun, FleetJobs, LeadRun } from './fleet-api.js';
import type { Leadership } from './leadership.js';

/** A mark without an answer is asked for again. */
const ASK_AGAIN_MS = 5_000;
/** The wall clock is looked at so often, for it may be set. */
const LONGEST_SLEEP_MS = 60_000;
/** A time that was waited for is not waited for again when the clock is set back, unless it is set back by more. */
const MAX_AHEAD_MS = 600_000;

/** Null: no orchestrator is connected; `can` false: it keeps no marks. */
type JobLink = { connection: number; can: boolean } | null;

export type JobsOptions = {
  clock: Clock;
  leadership: Leadership;
  link: () => JobLink;
  send: (connection: number, message: JobMark) => void;
  failed: (text: string, error: unknown) => void;
};

type Job = { name: string; schedule: Cron; run: CronRun; atLeastOnce: boolean };

export class Jobs implements FleetJobs {
  readonly #options: JobsOptions;
  readonly #names = new Set<string>();
  readonly #asked = new Map<string, (answer: JobMarked) => void>();
  #lastId = 0;

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  onLead(run: LeadRun): () => void {
    return this.#options.leadership.onLead(run);
  }

  cron(name: string, spec: string, run: CronRun, options: CronOptions = {}): () => void {
    const job = { name: this.#checkedName(name), schedule: scheduleOf(name, spec, options), run };
    const { atLeastOnce = false } = options;
    this.#names.add(name);
    const takeOff = this.#options.leadership.onLead((signal) => this.#keep({ ...job, atLeastOnce }, signal));
    return () => {
      this.#names.delete(name);
      takeOff();
    };
  }

  #checkedName(name: string): string {
    if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH) {
      throw new NodeError('DSO_JOB_INVALID', `The name of a job has 1 to ${MAX_NAME_LENGTH} characters.`);
    }
    if (this.#names.has(name))
      throw new NodeError('DSO_JOB_INVALID', `There is a job with the name "${name}" already.`);
    return name;
  }

  /** Whether the message was an answer about a mark. */
  received(message: Message): boolean {
    if (message.kind !== 'jobMarked') return false;
    this.#asked.get(message.markId)?.(message);
    return true;
  }

  /** While this process leads. */
  async #keep(job: Job, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    try {
      if (job.atLeastOnce) await this.#makeUpFor(job, signal);
      for (let after = clock.wallClock(); !signal.aborted; after = this.#atLeast(after)) {
        const due = job.schedule.nextRun(new Date(after));
        if (due === null) return;
        after = due.getTime();
        if (await this.#until(after, signal)) await this.#runAt(job, after, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** The clock's time, or the later one that was reached already. */
  #atLeast(reached: number): number {
    const now = this.#options.clock.wallClock();
    return reached > now + MAX_AHEAD_MS ? now : Math.max(reached, now);
  }

  /** False: the clock was set back meanwhile, and what is due next is to be found out anew. */
  async #until(at: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const leftAtFirst = at - clock.wallClock();
    for (let left = leftAtFirst; left > 0; left = at - clock.wallClock()) {
      if (left > leftAtFirst + MAX_AHEAD_MS) return false;
      await delay(clock, Math.min(left, LONGEST_SLEEP_MS), signal);
    }
    return true;
  }

  async #makeUpFor(job: Job, signal: AbortSignal): Promise<void> {
    const { latest } = await this.#mark(job.name, 0, signal);
    const now = this.#options.clock.wallClock();
    const missed = latest === 0 ? null : job.schedule.nextRun(new Date(latest));
    if (missed === null || missed.getTime() > now) return;
    await this.#begin(job, missed.getTime(), signal);
    await this.#mark(job.name, now, signal);
  }

  async #runAt(job: Job, dueAt: number, signal: AbortSignal): Promise<void> {
    if (!job.atLeastOnce) {
      const { isNew } = await this.#mark(job.name, dueAt, signal);
      if (isNew && !signal.aborted) await this.#begin(job, dueAt, signal);
      return;
    }
    if (signal.aborted) return;
    if (await this.#begin(job, dueAt, signal)) await this.#mark(job.name, dueAt, signal);
  }

  /** Whether the run ended well. */
  async #begin({ name, run }: Job, dueAt: number, signal: AbortSignal): Promise<boolean> {
    try {
      await run({ dueAt: new Date(dueAt), signal });
      return true;
    } catch (error) {
      this.#options.failed(`The job "${name}" failed: ${messageOf(error)}`, error);
      return false;
    }
  }

  /** Asks until there is an answer, or this process does not lead any more. */
  async #mark(name: string, dueAt: number, signal: AbortSignal): Promise<JobMarked> {
    const markId = `${++this.#lastId}`;
    const answer = new Promise<JobMarked>((resolve) => this.#asked.set(markId, resolve));
    try {
      for (;;) {
        this.#ask({ kind: 'jobMark', markId, name, dueAt });
        const pause = new AbortController();
        const again = delay(this.#options.clock, ASK_AGAIN_MS, AbortSignal.any([signal, pause.signal])).then(
          () => null,
        );
        try {
          const marked = await Promise.race([answer, again]);
          if (marked !== null) return marked;
        } finally {
          again.catch(() => undefined);
          pause.abort();
        }
      }
    } finally {
      this.#asked.delete(markId);
    }
  }

  #ask(message: JobMark): void {
    const link = this.#options.link();
    if (link === null) return;
    if (link.can) return this.#options.send(link.connection, message);
    const text = `The job "${message.name}" waits: the orchestrator keeps no marks of jobs. Update it.`;
    this.#options.failed(text, null);
  }
}

function scheduleOf(name: string, spec: string, { timezone }: CronOptions): Cron {
  try {
    const schedule = new Cron(spec, { paused: true, ...(timezone !== undefined && { timezone }) });
    // An unknown time zone is noticed here only.
    schedule.nextRun();
    return schedule;
  } catch (error) {
    const zone = timezone === undefined ? '' : ` in time zone "${timezone}"`;
    throw new NodeError(
      'DSO_JOB_INVALID',
      `The job "${name}" cannot have the schedule "${spec}"${zone}: ${messageOf(error)}`,
    );
  }
}
