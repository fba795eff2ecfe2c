/**
 * One thing at a time. Events are queued and handed to `step` in order; an event that arrives while another is being
 * handled (an effect closed a connection, say) waits its turn, also while a step goes on in a promise. Nothing runs before
 * `open` or after `close`.
 */
import type { Eventually } from '../ports/state-store.js';
import { isPromise } from './eventually.js';

export class EventLoop<Event> {
  readonly #step: (event: Event) => Eventually<void>;
  readonly #queue: Event[] = [];
  #phase: 'waiting' | 'idle' | 'running' | 'closed' = 'waiting';

  /** `step` must neither throw nor reject. */
  constructor(step: (event: Event) => Eventually<void>) {
    this.#step = step;
  }

  /** Handles `first`, then whatever was pushed before, then goes on as events come. */
  open(first: Event): void {
    if (this.#phase !== 'waiting') return;
    this.#queue.unshift(first);
    this.#phase = 'idle';
    this.#run();
  }

  push(event: Event): void {
    if (this.#phase === 'closed') return;
    this.#queue.push(event);
    this.#run();
  }

  /** What is queued is dropped. */
  close(): void {
    this.#phase = 'closed';
    this.#queue.length = 0;
  }

  #run(): void {
    if (this.#phase !== 'idle') return;
    this.#phase = 'running';
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      const step = this.#step(event);
      if (!isPromise(step)) continue;
      void step.then(() => this.#goOn());
      return;
    }
    if (this.#isRunning()) this.#phase = 'idle';
  }

  #goOn(): void {
    if (!this.#isRunning()) return;
    this.#phase = 'idle';
    this.#run();
  }

  /** `step` may have closed us meanwhile. */
  #isRunning(): boolean {
    return this.#phase === 'running';
  }
}
