/**
 * What the demo's bot keeps per shard and takes along when the shard moves: its memory of messages, and the ballast.
 * Both are copied while the shard serves; what changes meanwhile (channels) is sent again when the shard is frozen. And
 * the defect that its first version has.
 */
import { DirtyKeys, UserEventRegistry } from '@dshard/node';
import type { WsHostOptions } from '@dshard/node/ws';
import { reportState } from './reports.js';

export type BotStateEvents = { channel: ChannelMemory; ballast: Uint8Array };

export const botStateEvents: UserEventRegistry<BotStateEvents> = new UserEventRegistry<BotStateEvents>()
  .register(101, 'channel')
  .register(102, 'ballast', 'raw');

export class BotState {
  readonly #memory = new MessageMemory();
  readonly #dirty = new DirtyKeys<string>();
  readonly #ballast: Ballast;
  readonly #reportFile: string;
  /** Shards that came here and have had no message yet. */
  readonly #arriving = new Set<number>();

  constructor(megabytes: number, reportFile: string) {
    this.#ballast = new Ballast(megabytes);
    this.#reportFile = reportFile;
  }

  /** The shard's session begins here. */
  begin(shard: number): void {
    this.#memory.begin(shard);
    this.#ballast.make(shard);
  }

  /** Why this message cannot be handled; null: it was. What comes again is handled again, for the ledger to see. */
  handle(shard: number, channel: string, number: number): string | null {
    const forgotten = !this.#memory.knows(shard);
    // Its node died with it; it is made anew.
    if (forgotten) this.#ballast.make(shard);
    if (this.#arriving.delete(shard) || forgotten) {
      const bytes = forgotten ? 0 : this.#ballast.bytes(shard);
      reportState(this.#reportFile, { shard, bytes, wrong: this.#ballast.wrong(shard), forgotten });
    }
    const wrong = this.#ballast.wrong(shard);
    if (wrong > 0) return `${wrong} chunks of its state are wrong or missing`;
    const order = this.#memory.accept(shard, channel, number);
    if (order === 'next') this.#dirty.mark(shard, channel);
    return order === 'ahead' ? 'it is not the next one' : null;
  }

  /** The hooks of the shard host. */
  readonly hooks: NonNullable<WsHostOptions['state']> = {
    exportState: async (shard, transfer) => {
      this.#dirty.begin(shard);
      for (const entry of this.#memory.entries(shard)) await transfer.send('channel', entry);
      for (const chunk of this.#ballast.chunks(shard)) await transfer.send('ballast', chunk);
    },
    exportDelta: async (shard, transfer) => {
      const changed = new Set(this.#dirty.take(shard));
      for (const entry of this.#memory.entries(shard)) {
        if (changed.has(entry.channel)) await transfer.send('channel', entry);
      }
    },
    handleUserEvent: (shard, name, value) => {
      this.#arriving.add(shard);
      if (name === 'ballast') this.#ballast.restore(shard, value as Uint8Array);
      else this.#memory.restore(shard, value as ChannelMemory);
    },
    abortTransferTo: (shard) => this.#forget(shard),
    released: (shard) => this.#forget(shard),
  };

  #forget(shard: number): void {
    this.#memory.forget(shard);
    this.#dirty.forget(shard);
    this.#ballast.forget(shard);
    this.#arriving.delete(shard);
  }
}

/**
 * The state the demo's bot keeps in memory: per shard and channel the number of the last message it saw. Messages of a
 * channel are numbered from 1, so a bot that has its memory right knows which number comes next; a shard that moved
 * without its memory would not.
 *
 * A shard whose node died comes without its memory: it neither began here nor brought anything along. From then on the
 * first message of a channel that is not remembered is where its memory begins, on whichever node that is.
 */
export type ChannelMemory = { channel: string; last: number };

/** `whole`: a channel that is not in it has had no message yet. */
type ShardMemory = { channels: Map<string, number>; whole: boolean };

/**
 * Goes along with every shard, as if it were a channel: 1 if the memory is whole, 0 if not. No channel has this name.
 */
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

/**
 * State for the sake of its size: so many megabytes per shard, in chunks whose bytes follow from shard and chunk
 * number. A process that was handed them can tell a wrong byte from a right one, and a missing chunk from a whole
 * ballast.
 */
const CHUNK_BYTES = 128 * 1024;
/** The number of the chunk, before its bytes. */
const HEADER_BYTES = 4;

type Load = { chunks: Map<number, Uint8Array>; wrong: number };

export class Ballast {
  readonly #chunksPerShard: number;
  readonly #shards = new Map<number, Load>();

  constructor(megabytes: number) {
    this.#chunksPerShard = Math.ceil((megabytes * 2 ** 20) / CHUNK_BYTES);
  }

  /** A shard begins its life in this process. */
  make(shard: number): void {
    const load = this.#load(shard);
    for (let number = 0; number < this.#chunksPerShard; number++) load.chunks.set(number, chunkOf(shard, number));
  }

  /** What has to go along with the shard. */
  chunks(shard: number): Iterable<Uint8Array> {
    return this.#load(shard).chunks.values();
  }

  /** A chunk that came along. Compared byte by byte as it comes: nothing is left to do when the shard goes on. */
  restore(shard: number, chunk: Uint8Array): void {
    const load = this.#load(shard);
    const number = chunk.byteLength < HEADER_BYTES ? -1 : viewOf(chunk).getUint32(0);
    if (number < 0 || number >= this.#chunksPerShard || Buffer.compare(chunk, chunkOf(shard, number)) !== 0) {
      load.wrong++;
      return;
    }
    // A copy: the chunk is a view of what was read from the network.
    load.chunks.set(number, chunk.slice());
  }

  /** Chunks of this shard that are wrong or missing. */
  wrong(shard: number): number {
    const load = this.#load(shard);
    return load.wrong + this.#chunksPerShard - load.chunks.size;
  }

  bytes(shard: number): number {
    return this.#load(shard).chunks.size * CHUNK_BYTES;
  }

  forget(shard: number): void {
    this.#shards.delete(shard);
  }

  #load(shard: number): Load {
    let load = this.#shards.get(shard);
    if (load === undefined) this.#shards.set(shard, (load = { chunks: new Map(), wrong: 0 }));
    return load;
  }
}

/** Bytes as a xorshift generator gives them: another shard or number, other bytes. */
function chunkOf(shard: number, number: number): Uint8Array {
  const words = new Uint32Array((HEADER_BYTES + CHUNK_BYTES) / 4);
  let state = (shard * 0x9e3779b1 + number * 0x85ebca6b + 1) >>> 0 || 1;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  const chunk = new Uint8Array(words.buffer);
  viewOf(chunk).setUint32(0, number);
  return chunk;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** The defect of scenario `quarantine`: the first version of the bot dies of this message, the next one handles it. */
export const DEADLY_MESSAGE = 'A message to die of';
export const DEFECTIVE_VERSION = 'v1';
