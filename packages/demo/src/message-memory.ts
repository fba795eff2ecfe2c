/**
 * The state the demo's bot keeps in memory: per shard and channel the number of the last message it saw. Messages of a
 * channel are numbered from 1, so a bot that has its memory right knows which number comes next; a shard that moved
 * without its memory would not.
 */
export type ChannelMemory = { channel: string; last: number };

export class MessageMemory {
  readonly #shards = new Map<number, Map<string, number>>();

  /** Whether `number` is the one that had to come next (it is remembered then), comes again, or is too far ahead. */
  accept(shard: number, channel: string, number: number): 'next' | 'repeated' | 'ahead' {
    const channels = this.#channels(shard);
    const due = (channels.get(channel) ?? 0) + 1;
    if (number !== due) return number < due ? 'repeated' : 'ahead';
    channels.set(channel, number);
    return 'next';
  }

  /** What is remembered of a shard, to go along with it. */
  *entries(shard: number): Iterable<ChannelMemory> {
    for (const [channel, last] of this.#channels(shard)) yield { channel, last };
  }

  restore(shard: number, { channel, last }: ChannelMemory): void {
    this.#channels(shard).set(channel, last);
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
