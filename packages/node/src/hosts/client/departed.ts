/**
 * What left this process a moment ago. A handler that is still at work holds a message, an interaction, an id: for
 * `linger` it finds what belongs to it where something is looked up by its id. In counts and iterations it is not
 * there.
 */
import { ifStillRunning, type Cancel, type Clock } from '@dshard/transport';

type Going = { cancel: Cancel; readonly over: () => void };

export class Departed {
  readonly #clock: Clock;
  readonly #lingerMs: number;
  readonly #going = new Map<number, Going>();

  constructor(clock: Clock, lingerMs: number) {
    this.#clock = clock;
    this.#lingerMs = lingerMs;
  }

  /** `over` runs when the time is over, or `forget` is called. */
  keep(shardId: number, over: () => void): void {
    this.forget(shardId);
    this.#going.set(shardId, { cancel: this.#clock.after(this.#lingerMs, () => this.forget(shardId)), over });
  }

  /** It is here again. */
  forget(shardId: number): void {
    const going = this.#going.get(shardId);
    if (going === undefined) return;
    going.cancel();
    this.#going.delete(shardId);
    going.over();
  }

  forgetAll(): void {
    for (const shardId of this.#going.keys()) this.forget(shardId);
  }

  /**
   * The node has ended. A handler that nobody knows of may still be at work, and finds its guild as before, as long as
   * the process runs: what is kept does not keep it alive.
   */
  nodeEnded(): void {
    for (const [shardId, going] of this.#going) {
      going.cancel();
      going.cancel = ifStillRunning(this.#lingerMs, () => this.forget(shardId));
    }
  }
}

/** Makes `map` find what `rest` has and `map` has not, by `get` and `has` alone. */
export function lookUpToo<K, V>(map: Map<K, V>, rest: ReadonlyMap<K, V>): void {
  map.get = (key) => Map.prototype.get.call(map, key) ?? rest.get(key);
  map.has = (key) => Map.prototype.has.call(map, key) || rest.has(key);
}
