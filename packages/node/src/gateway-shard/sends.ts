/** Those who want to send on a shard that cannot yet. Nobody's wait fails: when the shard leaves, what waits is dropped, and said so. */

/** A bot that sends on and on while its shard is away must not fill the memory. */
const MOST_WAITING = 1_000;

export class WaitingSends {
  #waiting: ((canSend: boolean) => void)[] = [];

  /** Resolves with whether it can be sent now. */
  wait(): Promise<boolean> {
    if (this.#waiting.length >= MOST_WAITING) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  end(canSend: boolean): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve(canSend);
  }
}
