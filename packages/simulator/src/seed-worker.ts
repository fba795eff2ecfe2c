/** A thread that runs seeds, one after the other. */
import { parentPort } from 'node:worker_threads';
import { takeProfile, type Profile } from './coverage/profile.js';
import { MUTANTS } from './mutants/all.js';
import type { FaultName } from './plan.js';
import { runSeed, type RunResult } from './run-seed.js';
import { pinProcessFigures } from './world/virtual-process.js';

/** `faults`, `orchestrators` null: those that the seed draws. `mutant`: its name, or null. */
export type SeedJob = {
  seed: number;
  faults: readonly FaultName[] | null;
  orchestrators: 1 | 2 | null;
  mutant: string | null;
};
export type SeedDone = { job: SeedJob; result: RunResult };
/** Asks what ran so far, where that is counted. */
export type ProfileJob = { profile: true };
export type ProfileDone = { profile: Profile };

pinProcessFigures();
parentPort?.on('message', (job: SeedJob | ProfileJob) => void ('profile' in job ? tellProfile() : work(job)));

async function tellProfile(): Promise<void> {
  const done: ProfileDone = { profile: await takeProfile() };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
  parentPort?.postMessage(done);
}

async function work(job: SeedJob): Promise<void> {
  const faults = job.faults === null ? null : new Set(job.faults);
  const mutant = job.mutant === null ? null : (MUTANTS[job.mutant] ?? null);
  const { seed, orchestrators } = job;
  const result = await runSeed({ seed, faults, orchestrators, print: null, mutant });
  const done: SeedDone = { job, result };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
  parentPort?.postMessage(done);
}
