/** Those who wait for a simulated shard to be up, or to lose its session. */
export class Waiters {
  readonly #waiting: { settled: () => void; failed: (error: Error) => void }[] = [];

  next(): Promise<void> {
    return new Promise((settled, failed) => this.#waiting.push({ settled, failed }));
  }

  settle(): void {
    for (const { settled } of this.#waiting.splice(0)) settled();
  }

  fail(error: Error): void {
    for (const { failed } of this.#waiting.splice(0)) failed(error);
  }
}
