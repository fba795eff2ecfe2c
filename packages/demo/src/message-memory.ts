/**
 * The state the demo's bot keeps in memory: per shard and channel the number of the last message it saw. Messages of a
 * channel are numbered from 1, so a bot that has its memory right knows which number comes next; a shard that moved
 * without its memory would not.
 *
 * A shard whose node died comes without its memory: it neither began here nor brought anything along. From then on the first message of
 * a channel that is not remembered is where its memory begins, on whichever node that is.
 */
export type ChannelMemory = { channel: string; last: number };

/** `whole`: a channel that is not in it has had no message yet. */
type ShardMemory = { channels: Map<string, number>; whole: boolean };

/** Goes along with every shard, as if it were a channel: 1 if the memory is whole, 0 if not. No channel has this name. */
const WHOLE = '';

export class MessageMemory {
  readonly #shards = new Map<number, ShardMemory>();

  /** The shard's session begins here: there is nothing to remember. */
  begin(shard: number): void {
    this.#shards.set(shard, { channels: new Map(), whole: true });
  }

  /** Whether the shard began here, or brought its memory along. */
  knows(shard: number): boolean {
    return this.#shards.has(shard);
  }

  /** Whether `number` is the one that had to come next (it is remembered then), comes again, or is too far ahead. */
  accept(shard: number, channel: string, number: number): 'next' | 'repeated' | 'ahead' {
    const { channels, whole } = this.#memory(shard);
    const due = (channels.get(channel) ?? (whole ? 0 : number - 1)) + 1;
    if (number !== due) return number < due ? 'repeated' : 'ahead';
    channels.set(channel, number);
    return 'next';
  }

  /** What is remembered of a shard, to go along with it. */
  *entries(shard: number): Iterable<ChannelMemory> {
    const { channels, whole } = this.#memory(shard);
    yield { channel: WHOLE, last: whole ? 1 : 0 };
    for (const [channel, last] of channels) yield { channel, last };
  }

  restore(shard: number, { channel, last }: ChannelMemory): void {
    const memory = this.#memory(shard);
    if (channel === WHOLE) memory.whole = last === 1;
    else memory.channels.set(channel, last);
  }

  forget(shard: number): void {
    this.#shards.delete(shard);
  }

  #memory(shard: number): ShardMemory {
    let memory = this.#shards.get(shard);
    if (memory === undefined) this.#shards.set(shard, (memory = { channels: new Map(), whole: false }));
    return memory;
  }
}
