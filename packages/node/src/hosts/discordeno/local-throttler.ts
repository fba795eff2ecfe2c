/** For orchestrators that do not pace IDENTIFYs: one per key and 5 s, in this process. */
import { delay } from '@dshard/transport';
import type { Clock } from '@dshard/transport';

const WINDOW_MS = 5_000;

export type LocalThrottler = { waitForIdentify(shardId: number, signal: AbortSignal): Promise<void> };

const throttlers = new WeakMap<Clock, Map<number, Promise<void>>>();

export function localThrottler(clock: Clock, maxConcurrency: number): LocalThrottler {
  const turns = throttlers.get(clock) ?? new Map<number, Promise<void>>();
  throttlers.set(clock, turns);
  return {
    async waitForIdentify(shardId, signal) {
      const key = shardId % Math.max(1, maxConcurrency);
      const before = turns.get(key) ?? Promise.resolve();
      turns.set(
        key,
        before.then(() => delay(clock, WINDOW_MS)),
      );
      await before;
      signal.throwIfAborted();
    },
  };
}
