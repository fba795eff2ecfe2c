/** How long each shard handed nothing to the bot's code, whichever process had it. */
export class Silences {
  readonly #last = new Map<number, number>();
  #longest = 0;

  get shards(): number {
    return this.#last.size;
  }

  get longestMs(): number {
    return this.#longest;
  }

  /** What comes next begins anew. */
  forget(): void {
    this.#last.clear();
    this.#longest = 0;
  }

  handled({ shard, at }: { shard: number; at: number }): void {
    const last = this.#last.get(shard);
    if (last !== undefined) this.#longest = Math.max(this.#longest, at - last);
    this.#last.set(shard, Math.max(at, last ?? 0));
  }
}
