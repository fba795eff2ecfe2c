/** What user code is told of a shard that is to leave, and what it wants to be waited for. */

/** A shard is to leave this process, and still serves. */
export type ShardLeaving = {
  /** The shard stays until the promise has ended, as long as the patience lasts. To be called while the notice is told, or waited for. */
  readonly waitUntil: (work: Promise<unknown>) => void;
  /** How long the shard can stay, in milliseconds. */
  readonly patienceMs: number;
  /** Aborts when nobody waits any more: the patience is over, or the shard stays after all. */
  readonly signal: AbortSignal;
};

export class LeaveNotice implements ShardLeaving {
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly waitUntil: ShardLeaving['waitUntil'];
  readonly #works: Promise<void>[] = [];

  /** `track` is shown everything that is waited for; what it returns never rejects. */
  constructor(how: Pick<ShardLeaving, 'patienceMs' | 'signal'>, track: (work: Promise<unknown>) => Promise<void>) {
    this.patienceMs = how.patienceMs;
    this.signal = how.signal;
    this.waitUntil = (work) => void this.#works.push(track(Promise.resolve(work)));
  }

  /** Resolves when all that is waited for has ended, what was added meanwhile included. */
  async ended(): Promise<void> {
    for (let seen = 0; seen < this.#works.length;) {
      seen = this.#works.length;
      await Promise.all(this.#works);
    }
  }
}
