/** Those who wait for a shard's next READY or RESUMED. */
import type { NodeError } from '../errors.js';
import type { ResumeOutcome } from '../shard-host.js';

type Waiter = { settled: (outcome: ResumeOutcome) => void; failed: (error: NodeError) => void };

export class Outcomes {
  #waiters: Waiter[] = [];

  next(): Promise<ResumeOutcome> {
    return new Promise((settled, failed) => {
      this.#waiters.push({ settled, failed });
    });
  }

  settle(outcome: ResumeOutcome): void {
    for (const { settled } of this.#take()) {
      settled(outcome);
    }
  }

  fail(error: NodeError): void {
    for (const { failed } of this.#take()) {
      failed(error);
    }
  }

  #take(): readonly Waiter[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    return waiters;
  }
}

/** Something that happens once. */
export type Settled<T> = { readonly promise: Promise<T>; readonly resolve: (value: T) => void };

export function settled<T>(): Settled<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
