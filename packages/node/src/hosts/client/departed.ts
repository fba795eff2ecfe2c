/**
 * What left this process a moment ago. A handler that is still at work holds a message, an interaction, an id: for `linger` it finds what
 * belongs to it where something is looked up by its id. In counts and iterations it is not there.
 */
import type { Cancel, Clock } from '@dshard/transport';

export class Departed {
  readonly #clock: Clock;
  readonly #lingerMs: number;
  /** By shard: how to let it go now. */
  readonly #going = new Map<number, () => void>();

  constructor(clock: Clock, lingerMs: number) {
    this.#clock = clock;
    this.#lingerMs = lingerMs;
  }

  /** `over` runs when the time is over, or `forget` is called. */
  keep(shardId: number, over: () => void): void {
    this.forget(shardId);
    const cancel: Cancel = this.#clock.after(this.#lingerMs, () => this.forget(shardId));
    this.#going.set(shardId, () => {
      cancel();
      this.#going.delete(shardId);
      over();
    });
  }

  /** It is here again, or the process ends. */
  forget(shardId: number): void {
    this.#going.get(shardId)?.();
  }

  forgetAll(): void {
    for (const shardId of this.#going.keys()) this.forget(shardId);
  }
}

/** Makes `map` find what `rest` has and `map` has not, by `get` and `has` alone. */
export function lookUpToo<K, V>(map: Map<K, V>, rest: ReadonlyMap<K, V>): void {
  map.get = (key) => Map.prototype.get.call(map, key) ?? rest.get(key);
  map.has = (key) => Map.prototype.has.call(map, key) || rest.has(key);
}
