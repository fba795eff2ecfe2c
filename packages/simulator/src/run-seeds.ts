/** Runs many seeds on all cores and tells what they found. The simulator's only real clock measures it. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { systemClock } from '@dshard/transport';
import { addMarks, unreached } from './marks.js';
import type { FaultName } from './plan.js';
import type { RunResult } from './run-seed.js';
import { coverageReport, coverageText, type CoverageReport } from './coverage/report.js';
import type { Profile } from './coverage/profile.js';
import type { ProfileDone, ProfileJob, SeedDone, SeedJob } from './seed-worker.js';

export type RunSeedsOptions = {
  from: number;
  count: number;
  /** Real time after which no further seed is begun; null: none. */
  untilMs: number | null;
  /** null: those that the seeds draw. */
  faults: readonly FaultName[] | null;
  orchestrators: 1 | 2 | null;
  mutant: string | null;
  /** Whether it is counted which lines of the machines run. */
  coverage: boolean;
  /** Findings, for people. */
  write: (text: string) => void;
  /** How far it is. */
  progress: (text: string) => void;
};

export type SeedsResult = {
  ok: boolean;
  seeds: number;
  steps: number;
  violations: number;
  marks: Record<string, number>;
  /** The first seed. */
  from: number;
  events: number;
  virtualMs: number;
  failedSeeds: readonly number[];
  /** Rare branches that so many seeds should have reached. */
  unreached: readonly string[];
  /** Of the first seed, which is run twice. */
  traceHash: string;
  durationMs: number;
  /** Absent: not counted. */
  coverage?: CoverageReport;
};

const MOST_REPORTS = 5;
/** From so many seeds on, a mark that must be reached and was not is a failure. */
const ENOUGH_FOR_MARKS = 300;

export async function runSeeds(options: RunSeedsOptions): Promise<SeedsResult> {
  const pool = new SeedPool({ coverage: options.coverage });
  try {
    const result = await new SeedsRun(pool, options).run();
    if (!options.coverage) return result;
    const coverage = coverageReport(await pool.profiles());
    options.write(coverageText(coverage));
    return { ...result, coverage };
  } finally {
    await pool.close();
  }
}

class SeedsRun {
  readonly #pool: SeedPool;
  readonly #options: RunSeedsOptions;
  readonly #clock = systemClock();
  readonly #startedAt = this.#clock.monotonicMs();
  readonly #sum = { seeds: 0, steps: 0, violations: 0, events: 0, virtualMs: 0 };
  readonly #marks: Record<string, number> = {};
  readonly #failedSeeds: number[] = [];
  #begun = 0;
  #traceHash = '';

  constructor(pool: SeedPool, options: RunSeedsOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  async run(): Promise<SeedsResult> {
    const { from, write, faults, orchestrators, mutant } = this.#options;
    write(`Seeds from ${from}, ${this.#pool.threads} at a time.\n`);
    await Promise.all(Array.from({ length: this.#pool.threads }, () => this.#work()));
    const again = await this.#pool.run({ seed: from, faults, orchestrators, mutant });
    if (again.traceHash !== this.#traceHash) {
      this.#sum.violations += 1;
      write(`\nSeed ${from} had the trace ${this.#traceHash} and then ${again.traceHash}: it cannot be replayed.\n`);
    }
    const canDemandMarks =
      faults === null && orchestrators === null && mutant === null && this.#sum.seeds >= ENOUGH_FOR_MARKS;
    const missing = canDemandMarks ? unreached(this.#marks, this.#sum.seeds) : [];
    for (const mark of missing) write(`\nNot one of ${this.#sum.seeds} seeds reached: ${mark}.\n`);
    const durationMs = Math.round(this.#clock.monotonicMs() - this.#startedAt);
    write(this.#summary(durationMs));
    const { seeds, steps, violations, events, virtualMs } = this.#sum;
    return {
      ok: violations === 0 && missing.length === 0,
      seeds,
      steps,
      violations,
      marks: Object.fromEntries(Object.entries(this.#marks).sort(([a], [b]) => a.localeCompare(b))),
      from,
      events,
      virtualMs: Math.round(virtualMs),
      failedSeeds: this.#failedSeeds.toSorted((a, b) => a - b),
      unreached: missing,
      traceHash: this.#traceHash,
      durationMs,
    };
  }

  /** One thread's share: the next seed, as long as there is one and there is time. */
  async #work(): Promise<void> {
    const { from, count, untilMs, faults, orchestrators, mutant, progress } = this.#options;
    while (this.#begun < count) {
      if (untilMs !== null && this.#clock.monotonicMs() - this.#startedAt > untilMs) return;
      const seed = from + this.#begun;
      this.#begun += 1;
      const result = await this.#pool.run({ seed, faults, orchestrators, mutant });
      if (seed === from) this.#traceHash = result.traceHash;
      this.#add(result);
      progress(`${this.#sum.seeds} seeds, ${this.#sum.steps} steps, ${this.#sum.violations} violations`);
    }
  }

  #add(result: RunResult): void {
    const { seed, steps, events, virtualMs, violations, marks } = result;
    this.#sum.seeds += 1;
    this.#sum.steps += steps;
    this.#sum.events += events;
    this.#sum.virtualMs += virtualMs;
    this.#sum.violations += violations.length;
    addMarks(this.#marks, marks);
    if (violations.length === 0) return;
    this.#failedSeeds.push(seed);
    if (this.#failedSeeds.length <= MOST_REPORTS) this.#options.write(report(result, this.#options));
  }

  #summary(durationMs: number): string {
    const { seeds, steps, events, virtualMs, violations } = this.#sum;
    const perSecond = ((seeds / Math.max(1, durationMs)) * 1000).toFixed(1);
    const each = (virtualMs / 1000 / Math.max(1, seeds)).toFixed(0);
    return (
      `${seeds} seeds, ${steps} steps, ${events} events in ${(durationMs / 1000).toFixed(1)} s ` +
      `(${perSecond} seeds/s, ${each} virtual seconds each): ${violations} violations.\n`
    );
  }
}

/** What was violated, the command that shows it again, and the lines before it. */
export function report(
  { seed, violations, lastLines }: RunResult,
  options: Pick<RunSeedsOptions, 'faults' | 'orchestrators' | 'mutant'>,
): string {
  const more = [
    ...(options.faults === null ? [] : [`--faults ${options.faults.join(',')}`]),
    ...(options.orchestrators === null ? [] : [`--orchestrators ${options.orchestrators}`]),
    ...(options.mutant === null ? [] : [`--mutate ${options.mutant}`]),
  ];
  const replay = ['npm run sim -- --seed', seed, ...more, '--trace'].join(' ');
  const sentences = violations.map(
    ({ invariant, what, atMs }) => `  Violated at ${atMs.toFixed(1)} ms: ${invariant}.\n    Seen: ${what}.\n`,
  );
  return `\nSeed ${seed} fails. Replay: ${replay}\n${sentences.join('')}${lastLines.join('\n')}\n\n`;
}

/** Runs seeds on all cores: a fixed number of threads, each with one seed at a time. */
export class SeedPool {
  readonly #idle: Worker[] = [];
  readonly #workers: readonly Worker[];
  readonly #waiting: ((worker: Worker) => void)[] = [];

  constructor({ coverage = false }: { coverage?: boolean } = {}) {
    const file = coverage ? './covered-worker.js' : './seed-worker.js';
    this.#workers = Array.from({ length: availableParallelism() }, () => new Worker(new URL(file, import.meta.url)));
    this.#idle.push(...this.#workers);
  }

  get threads(): number {
    return this.#workers.length;
  }

  /** Rejects when the thread breaks: the run itself never throws. */
  async run(job: SeedJob): Promise<RunResult> {
    const worker = await this.#free();
    try {
      const { result } = await answerOf<SeedDone>(worker, job);
      return result;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(worker);
      else next(worker);
    }
  }

  /** What ran, of each thread. While none has a seed to run. */
  async profiles(): Promise<readonly Profile[]> {
    return Promise.all(
      this.#workers.map(async (worker) => {
        const { profile } = await answerOf<ProfileDone>(worker, { profile: true });
        return profile;
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #free(): Promise<Worker> {
    const worker = this.#idle.pop();
    if (worker !== undefined) return Promise.resolve(worker);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** Rejects when the thread breaks. */
function answerOf<Answer>(worker: Worker, job: SeedJob | ProfileJob): Promise<Answer> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (answer: Answer) => {
      worker.off('error', reject);
      resolve(answer);
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    worker.postMessage(job);
  });
}
