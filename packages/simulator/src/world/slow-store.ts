/**
 * The store of one life of the orchestrator: the disk outlives it, and every operation takes time, before it takes effect and after. So
 * the orchestrator may die with a commit not made, or made and not heard of.
 */
import { memoryStore } from '@dshard/orchestrator';
import type { MemoryDisk, StateStore } from '@dshard/orchestrator';
import { delay } from '@dshard/transport';
import type { Clock } from '@dshard/transport';
import type { Draw } from '../random.js';

const USUAL_MS = 2;
const SLOW_MS = 400;
const SLOW_SHARE = 0.03;

export type SlowStoreOptions = {
  disk: MemoryDisk;
  /** That of the process: when it dies, what it has not done yet is not done. */
  clock: Clock;
  random: Draw;
};

export function slowStore({ disk, clock, random }: SlowStoreOptions): StateStore {
  const store = memoryStore({ disk });
  const wait = (): Promise<void> =>
    delay(clock, random.chance(SLOW_SHARE) ? random.between(0, SLOW_MS) : random.between(0, USUAL_MS));
  const slowly = async <T>(operation: () => T | Promise<T>): Promise<T> => {
    await wait();
    const result = await operation();
    await wait();
    return result;
  };
  return {
    ...store,
    acquire: (...given) => slowly(() => store.acquire(...given)),
    load: () => slowly(() => store.load()),
    commit: (commit) => slowly(() => store.commit(commit)),
  };
}
