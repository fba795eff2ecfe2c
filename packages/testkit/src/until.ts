/** Waits for a condition in tests that run in real time (sockets, processes). The one place that may sleep. */

export type UntilOptions = {
  /** Default 20 s: it is only ever waited for when the test fails, and machines are busy. */
  timeoutMs?: number;
  /** What is waited for, in words: "node a to be connected". It stands in the error. */
  what: string;
};

const POLL_MS = 2;
const DEFAULT_TIMEOUT_MS = 20_000;

/**
 * Resolves with what `condition` returns as soon as that is truthy. A condition that throws counts as not met; its
 * last error is the cause when the time is over.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = DEFAULT_TIMEOUT_MS, what }: UntilOptions,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`Waited ${timeoutMs} ms for ${what}, in vain.`, cause === undefined ? {} : { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
