/**
 * The loop of both sides, around a pure core: one event at a time. Events are queued and handed to `step` in order; an
 * event that arrives while another is handled (an effect closed a connection, say) waits its turn, also while a step
 * goes on in a promise. Nothing runs before `open` or after `close`.
 *
 * Whatever throws ends where it threw: an effect costs no other effect, a step no other event, and the report of a
 * failure nothing. What waits is bounded: above `capacity`, `overflow` is asked whether the event has to be kept.
 */

export type EventLoopOptions<Event, Effect> = {
  /** @param next takes the next event that waits: a step may handle several. */
  step: (event: Event, next: () => Event | undefined) => void | Promise<void>;
  /** A step threw or rejected: its event is dropped. */
  stepFailed: (event: Event, error: unknown) => void;
  effectFailed: (effect: Effect, error: unknown) => void;
  /** The most events that wait. */
  capacity: number;
  /**
   * Too many wait. True: this one is kept all the same, because it will not be said again (their number has another
   * bound). False: it is dropped, and `overflow` has told whoever said it.
   */
  overflow: (event: Event) => boolean;
  /** Takes the next event from what waits, which it may make of several. Default: the first. */
  take?: (waiting: Event[]) => Event | undefined;
};

export class EventLoop<Event, Effect> {
  readonly #options: EventLoopOptions<Event, Effect>;
  readonly #queue: Event[] = [];
  #phase: 'waiting' | 'idle' | 'running' | 'closed' = 'waiting';

  constructor(options: EventLoopOptions<Event, Effect>) {
    this.#options = options;
  }

  /** How many events wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Handles `first`, if there is one, then whatever was pushed before, then goes on as events come. */
  open(first?: Event): void {
    if (this.#phase !== 'waiting') return;
    if (first !== undefined) this.#queue.unshift(first);
    this.#phase = 'idle';
    this.#run();
  }

  push(event: Event): void {
    if (this.#phase === 'closed') return;
    if (this.#queue.length >= this.#options.capacity && !this.#options.overflow(event)) return;
    this.#queue.push(event);
    this.#run();
  }

  /** The same for several that came together: none is handled before all of them wait. */
  pushAll(events: readonly Event[]): void {
    const isOurs = this.#phase === 'idle';
    if (isOurs) this.#phase = 'running';
    for (const event of events) this.push(event);
    if (isOurs) this.#goOn();
  }

  /** Executes effects in order; one that throws is reported, and the others follow. */
  execute(effects: Iterable<Effect>, execute: (effect: Effect) => void): void {
    const { effectFailed } = this.#options;
    for (const effect of effects) {
      try {
        execute(effect);
      } catch (error) {
        quietly(() => effectFailed(effect, error));
      }
    }
  }

  /** What is queued is dropped. */
  close(): void {
    this.#phase = 'closed';
    this.#queue.length = 0;
  }

  #run(): void {
    if (this.#phase !== 'idle') return;
    this.#phase = 'running';
    for (let event = this.#take(); event !== undefined; event = this.#take()) {
      const step = this.#step(event);
      if (!(step instanceof Promise)) continue;
      void step.then(() => this.#goOn());
      return;
    }
    if (this.#isRunning()) this.#phase = 'idle';
  }

  #take(): Event | undefined {
    return this.#options.take === undefined ? this.#queue.shift() : this.#options.take(this.#queue);
  }

  /** Neither throws nor rejects. */
  #step(event: Event): void | Promise<void> {
    const { step, stepFailed } = this.#options;
    const failed = (error: unknown): void => quietly(() => stepFailed(event, error));
    try {
      return step(event, () => this.#take())?.catch(failed);
    } catch (error) {
      failed(error);
    }
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

/** A logger that throws, say, is not to be the end of what it tells of. */
function quietly(report: () => void): void {
  try {
    report();
  } catch {
    // There is nobody left to tell.
  }
}
