/**
 * The end of a process whose node was told to shut down. It ends by itself when nothing is left to do: what follows
 * `await node.closed`, a handler whose promise nobody knows of, `beforeExit` listeners all have their time. Who started
 * it ends it otherwise: the launcher sends SIGTERM when the node has closed its connection, and kills what is left
 * after its grace.
 *
 * So from the moment at which the shards are gone SIGTERM alone ends the process no more; the bot's own listeners hear
 * it, and a bot that has some is kept alive until it comes. Where nobody sends it (no launcher, or one of before), what
 * still runs after `lingerMs` ends all the same.
 */
import { ifStillRunning, systemClock, type Cancel } from '@dshard/transport';

/** A launcher takes a moment, however short the node lingers. */
const LEAST_WAIT_MS = 2_000;

const SIGNAL = 'SIGTERM';

export class ProcessEnd {
  readonly #waitMs: number;
  readonly #onSignal = (): void => this.#signalled();
  #cancels: Cancel[] = [];
  #wasSignalled = false;

  constructor(lingerMs: number) {
    this.#waitMs = Math.max(LEAST_WAIT_MS, lingerMs);
    process.on(SIGNAL, this.#onSignal);
  }

  /** The node is closed. */
  begin(): void {
    if (this.#wasSignalled) return;
    const botListens = process.listenerCount(SIGNAL) > 1;
    this.#cancels = [
      ifStillRunning(this.#waitMs, () => process.exit(0)),
      // Its listeners are to run, and without anything left to do the process would end before.
      botListens ? systemClock().after(this.#waitMs, () => undefined) : () => undefined,
    ];
  }

  /** Somebody sees to the end: the process takes what time it is given. */
  #signalled(): void {
    this.#wasSignalled = true;
    for (const cancel of this.#cancels) cancel();
  }
}
