/**
 * Tells the emulator's ledger what this bot process really handled, in batches, in order. A batch that could not be
 * delivered is sent again with the next ones; nothing is dropped and nothing is sent twice.
 */
import type { HandledEvent } from '@dshard/gateway-emulator';
import type { Clock } from '@dshard/transport';

const BATCH_EVERY_MS = 50;

export class HandledReports {
  readonly #url: string;
  readonly #node: () => string;
  #waiting: HandledEvent[] = [];
  #sending: Promise<void> = Promise.resolve();
  readonly #stop: () => void;

  constructor(clock: Clock, url: string, node: () => string) {
    this.#url = url;
    this.#node = node;
    this.#stop = clock.every(BATCH_EVERY_MS, () => {
      this.#sending = this.#sending.then(() => this.#send());
    });
  }

  add(event: HandledEvent): void {
    this.#waiting.push(event);
  }

  /** Sends what is left and stops. */
  async close(): Promise<void> {
    this.#stop();
    await this.#sending;
    await this.#send();
  }

  async #send(): Promise<void> {
    const events = this.#waiting;
    if (events.length === 0) return;
    this.#waiting = [];
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ node: this.#node(), events }),
      });
      if (!response.ok) throw new Error(`the ledger answered ${response.status}: ${await response.text()}`);
    } catch (error) {
      console.error(`Could not report ${events.length} handled events, trying again: ${String(error)}`);
      this.#waiting = [...events, ...this.#waiting];
    }
  }
}
