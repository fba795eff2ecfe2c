/** Runs seeds on all cores: a fixed number of threads, each with one seed at a time. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { RunResult } from './run-seed.js';
import type { SeedDone, SeedJob } from './seed-worker.js';

export class SeedPool {
  readonly #idle: Worker[] = [];
  readonly #workers: readonly Worker[];
  readonly #waiting: ((worker: Worker) => void)[] = [];

  constructor(threads: number = availableParallelism()) {
    this.#workers = Array.from({ length: threads }, () => new Worker(new URL('./seed-worker.js', import.meta.url)));
    this.#idle.push(...this.#workers);
  }

  get threads(): number {
    return this.#workers.length;
  }

  /** Rejects when the thread breaks: the run itself never throws. */
  async run(job: SeedJob): Promise<RunResult> {
    const worker = await this.#free();
    try {
      return await new Promise<RunResult>((resolve, reject) => {
        worker.once('error', reject);
        worker.once('message', ({ result }: SeedDone) => {
          worker.off('error', reject);
          resolve(result);
        });
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
        worker.postMessage(job);
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(worker);
      else next(worker);
    }
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
