/**
 * Who goes first when several shards move at once. User code gets nothing of a shard that is frozen, here or on its way
 * here; so what is copied of shards that still serve waits for it.
 *
 * It is a courtesy and not a lock: a shard that stays frozen for longer than `AT_MOST_MS` holds nobody up.
 */
import type { Cancel, Clock } from '@dshard/transport';

/** Several times what the last moment of a move takes. */
const AT_MOST_MS = 1_000;

export class Turns {
  readonly #clock: Clock;
  readonly #frozen = new Map<number, { over: Gate; cancel: Cancel }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The shard is frozen, or still is: the others wait. */
  frozen(shardId: number): void {
    const { over = new Gate(), cancel } = this.#frozen.get(shardId) ?? {};
    cancel?.();
    this.#frozen.set(shardId, { over, cancel: this.#clock.after(AT_MOST_MS, () => this.over(shardId)) });
  }

  /** It is not, or not here. */
  over(shardId: number): void {
    const frozen = this.#frozen.get(shardId);
    this.#frozen.delete(shardId);
    frozen?.cancel();
    frozen?.over.open();
  }

  /** To be called before each piece of work on a shard. */
  async giveWay(shardId: number): Promise<void> {
    if (!this.#frozen.has(shardId)) {
      await Promise.all([...this.#frozen.values()].map(({ over }) => over.opened));
    }
  }
}

/** Something that is closed until it is opened once, and those who wait for that. */
export class Gate {
  readonly opened: Promise<void>;
  #open: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }
}
