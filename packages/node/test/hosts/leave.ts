import type { Cursor, ShardHost } from '../../src/index.js';

/** The shard leaves the host: frozen, then released. */
export async function leave(host: ShardHost, shardId: number): Promise<Cursor> {
  const session = await host.freeze(shardId);
  await host.release?.(shardId);
  return session;
}
