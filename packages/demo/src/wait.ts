import { delay, type Clock } from '@dshard/transport';

/** Asks `condition` every 25 ms until it holds; after `timeoutMs` throws an error that says what was waited for. */
export async function waitFor(
  clock: Clock,
  what: string,
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs;
  while (!(await condition())) {
    if (clock.monotonicMs() > deadline) throw new Error(`Waited ${timeoutMs / 1000} s for ${what}, in vain.`);
    await delay(clock, 25);
  }
}
