/**
 * Which parts of a shard's state have changed since its copy began: for hosts with exportState and exportDelta.
 *
 *     exportState: dirty.begin(shard); send everything
 *     in handlers: dirty.mark(shard, key) after each change
 *     exportDelta: for (const key of dirty.take(shard)) send that part
 *
 * Nothing is noted for a shard whose copy has not begun, so it costs nothing while no shard moves.
 */
export class DirtyKeys<K> {
  readonly #shards = new Map<number, Set<K>>();

  /** The copy of this shard begins (anew). */
  begin(shardId: number): void {
    this.#shards.set(shardId, new Set());
  }

  /** This part has changed. */
  mark(shardId: number, key: K): void {
    this.#shards.get(shardId)?.add(key);
  }

  /** What has changed since `begin`, in the order of the first change; the copy is over. */
  take(shardId: number): K[] {
    const keys = [...(this.#shards.get(shardId) ?? [])];
    this.#shards.delete(shardId);
    return keys;
  }

  /** The shard is gone. */
  forget(shardId: number): void {
    this.#shards.delete(shardId);
  }
}
