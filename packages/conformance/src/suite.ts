/** Runs cases for libraries, some at a time, and tells what came of each as it comes. */
import type { Clock } from '@dshard/transport';
import { two, type Case } from './cases.js';
import type { Library } from './libraries.js';
import { faultOf, type LibraryFault } from './library-faults.js';
import { CheckFailed, Rig } from './rig.js';

export type Outcome =
  | { kind: 'passed'; note: string | undefined }
  | { kind: 'libraryFault'; fault: LibraryFault; problem: string }
  | { kind: 'failed'; problem: string };

export type Result = { library: Library; case: Case; outcome: Outcome; seconds: number };

export type SuiteOptions = {
  libraries: readonly Library[];
  cases: readonly Case[];
  /** Rigs at a time. */
  jobs: number;
  clock: Clock;
  onResult: (result: Result) => void;
};

export async function runSuite({ libraries, cases, jobs, clock, onResult }: SuiteOptions): Promise<Result[]> {
  const waiting = libraries.flatMap((library) => cases.map((one) => ({ library, case: one })));
  const results: Result[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const started = clock.monotonicMs();
      const outcome = await runCase(next.library, next.case, clock);
      const result = { ...next, outcome, seconds: (clock.monotonicMs() - started) / 1000 };
      results.push(result);
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}

async function runCase(library: Library, one: Case, clock: Clock): Promise<Outcome> {
  const rig = await Rig.start(library, one.options ?? two, clock);
  try {
    return { kind: 'passed', note: (await one.run(rig)) ?? undefined };
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
    const fault = faultOf(library.name, one.name, error.code);
    const problem = `${error.code}: ${error.message}`;
    return fault === null ? { kind: 'failed', problem } : { kind: 'libraryFault', fault, problem };
  } finally {
    await rig.close();
  }
}
