/**
 * The bot's own code: it remembers of every channel the number of its last message, and that memory moves with the shard. So it
 * knows which number must come next, and notices what was lost, repeated or reordered.
 */
import type { UserState } from '../observation.js';

export class UserCode {
  readonly #shards = new Map<number, Map<string, number>>();

  /** The number that had to come, null when nothing is remembered of the channel. Remembers the one that came. */
  handle(shard: number, channel: string, number: number): number | null {
    const channels = this.#channels(shard);
    const last = channels.get(channel);
    channels.set(channel, number);
    return last === undefined ? null : last + 1;
  }

  stateOf(shard: number): UserState {
    return new Map(this.#channels(shard));
  }

  adopt(shard: number, state: UserState): void {
    this.#shards.set(shard, new Map(state));
  }

  forget(shard: number): void {
    this.#shards.delete(shard);
  }

  #channels(shard: number): Map<string, number> {
    let channels = this.#shards.get(shard);
    if (channels === undefined) this.#shards.set(shard, (channels = new Map()));
    return channels;
  }
}
