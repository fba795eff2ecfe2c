/**
 * State for the sake of its size: so many megabytes per shard, in chunks whose bytes follow from shard and chunk number. A
 * process that was handed them can tell a wrong byte from a right one, and a missing chunk from a whole ballast.
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

  /** A chunk that came along. Compared byte by byte as it comes, so that nothing is left to do when the shard goes on. */
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
