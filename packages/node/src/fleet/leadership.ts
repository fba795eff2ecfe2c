/**
 * Which process leads the fleet: the one that serves the lowest shard (usually 0). What is to run once per fleet runs
 * there.
 *
 *     idle      another node leads, or nobody does
 *     leading   from when that shard is READY or RESUMED here until the shard leaves, or the node's lease is over. A connection to
 *               Discord that is made anew in between changes nothing: the shard is still this node's
 *
 * There are never two that believe it. The signal aborts before the shard is frozen or stopped, and the next node has
 * the shard later than that. Without an orchestrator that answers, the lease ends before anybody may take the shard
 * over. A shard that was taken over from a node that may still live is led from only when the lease of that node is
 * over. And whoever reads `signal.aborted` reads the clock: a process that was stopped does not believe what it knew
 * before.
 */
import type { Cancel, Clock } from '@dshard/transport';
import { messageOf } from '@dshard/protocol';
import { NodeError } from '../errors.js';
import type { LeadRun } from './fleet-api.js';

const LOOK_EVERY_MS = 250;

export type LeadershipOptions = {
  clock: Clock;
  /** The lowest shard is this node's, and is not about to leave. */
  serves: () => boolean;
  /** That shard is READY or RESUMED now. */
  isUp: () => boolean;
  /** Nobody may have taken a shard of this node over. */
  isLeased: () => boolean;
  failed: (text: string, error: unknown) => void;
};

export class Leadership {
  readonly #options: LeadershipOptions;
  /** What is to run, and while this process leads, the signal of each. */
  readonly #runs = new Map<LeadRun, AbortController | null>();
  #isLeading = false;
  /** The node that had the shard before may believe until then that it leads. */
  #notBefore = 0;
  #stopLooking: Cancel | null = null;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** Returns what takes the run off again: its signal aborts if it is under way. */
  onLead(run: LeadRun): () => void {
    const own: LeadRun = (signal) => run(signal);
    this.#runs.set(own, null);
    this.#stopLooking ??= this.#options.clock.every(LOOK_EVERY_MS, () => this.look());
    this.look();
    if (this.#isLeading && this.#runs.get(own) === null) this.#begin(own);
    return () => {
      const term = this.#runs.get(own);
      this.#runs.delete(own);
      term?.abort(new NodeError('DSO_LEADERSHIP_OVER', 'This run was taken off.'));
      if (this.#runs.size === 0) this.close();
    };
  }

  /** The lowest shard comes here. `elsewhereMs`: for so long another node may go on with it. */
  inherits(elsewhereMs: number): void {
    this.#notBefore = this.#options.clock.now() + elsewhereMs;
  }

  /** To be called whenever something changed, before anything is done about the change. */
  look(): void {
    const { clock, serves, isLeased, isUp } = this.#options;
    const may = this.#runs.size > 0 && serves() && isLeased();
    if (this.#isLeading && !may) this.#end();
    else if (!this.#isLeading && may && clock.now() >= this.#notBefore && isUp()) {
      this.#isLeading = true;
      for (const run of this.#runs.keys()) this.#begin(run);
    }
  }

  close(): void {
    this.#stopLooking?.();
    this.#stopLooking = null;
    this.#end();
  }

  #begin(run: LeadRun): void {
    const term = new AbortController();
    this.#runs.set(run, term);
    const { signal } = term;
    readsTheClock(signal, () => this.look());
    const failed = (error: unknown): void => {
      if (!signal.aborted) this.#options.failed(`A run of onLead failed: ${messageOf(error)}`, error);
    };
    try {
      void Promise.resolve(run(signal)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #end(): void {
    if (!this.#isLeading) return;
    this.#isLeading = false;
    for (const [run, term] of this.#runs) {
      this.#runs.set(run, null);
      term?.abort(new NodeError('DSO_LEADERSHIP_OVER', 'This process does not lead the fleet any more.'));
    }
  }
}

/** Whoever reads `aborted` sees what is true now, not what was true when a timer ran last. */
function readsTheClock(signal: AbortSignal, look: () => void): void {
  const isAborted = Reflect.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get;
  Object.defineProperty(signal, 'aborted', {
    get: (): boolean => {
      look();
      return isAborted?.call(signal) === true;
    },
  });
}
