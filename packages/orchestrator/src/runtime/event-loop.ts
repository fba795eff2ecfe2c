/**
 * One thing at a time. Events are queued and handed to `step` in order; an event that arrives while another is being
 * handled (an effect closed a connection, say) waits its turn. Nothing runs before `open` or after `close`.
 */
export class EventLoop<Event> {
  readonly #step: (event: Event) => void;
  readonly #queue: Event[] = [];
  #phase: 'waiting' | 'idle' | 'running' | 'closed' = 'waiting';

  /** `step` must not throw. */
  constructor(step: (event: Event) => void) {
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
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) this.#step(event);
    if (this.#isRunning()) this.#phase = 'idle';
  }

  /** `step` may have closed us meanwhile. */
  #isRunning(): boolean {
    return this.#phase === 'running';
  }
}
