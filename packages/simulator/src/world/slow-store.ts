/**
 * The store of one life of the orchestrator: the disk outlives it, and every operation takes time, before it takes
 * effect and after. So the orchestrator may die with a commit not made, or made and not heard of.
 */
import type { StateStore } from '@dshard/orchestrator';
import { delay, type Clock } from '@dshard/transport';
import type { Draw } from '../random.js';

const USUAL_MS = 2;
const SLOW_MS = 400;
const SLOW_SHARE = 0.03;

export type SlowStoreOptions = {
  store: StateStore;
  /** That of the process: when it dies, what it has not done yet is not done. */
  clock: Clock;
  random: Draw;
  /** Answers a commit before it is made: what a mutant does. */
  late: boolean;
};

const LATE_MS = 120;

export function slowStore({ store, clock, random, late }: SlowStoreOptions): StateStore {
  const wait = (): Promise<void> =>
    delay(clock, random.chance(SLOW_SHARE) ? random.between(0, SLOW_MS) : random.between(0, USUAL_MS));
  const slowly = async <T>(operation: () => T | Promise<T>): Promise<T> => {
    await wait();
    const result = await operation();
    await wait();
    return result;
  };
  let version: number | null = null;
  let committing: Promise<unknown> = Promise.resolve();
  const commitLater: StateStore['commit'] = async (commit) => {
    version = Math.max(version ?? 0, commit.expectedVersion) + 1;
    committing = committing.then(() => delay(clock, LATE_MS)).then(() => store.commit(commit));
    return { ok: true, version };
  };
  return {
    ...store,
    acquire: (...given) => slowly(() => store.acquire(...given)),
    load: () => slowly(() => store.load()),
    commit: (commit) => (late ? commitLater(commit) : slowly(() => store.commit(commit))),
  };
}
