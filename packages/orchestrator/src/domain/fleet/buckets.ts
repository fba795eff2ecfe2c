/** Buckets and slots: which shards sit together (the ancestor's ShardBucketSize and BucketsPerNode). */
import type { Settings } from '../state/settings.js';

/** Shards of one bucket only ever sit on one node. */
export function bucketOf(shard: number, { bucketSize }: Pick<Settings, 'bucketSize'>): number {
  return Math.floor(shard / bucketSize);
}

/** With bucketsPerNode > 0 a node only takes buckets of one slot; without, all buckets are of the same. */
export function slotOf(bucket: number, { bucketsPerNode }: Pick<Settings, 'bucketsPerNode'>): number {
  return bucketsPerNode > 0 ? Math.floor(bucket / bucketsPerNode) : 0;
}

/** What one node of n is to take at most while the others are still on their way: whole buckets, evenly. */
export function fairShare(total: number, nodes: number, { bucketSize }: Pick<Settings, 'bucketSize'>): number {
  return Math.ceil(Math.ceil(total / nodes) / bucketSize) * bucketSize;
}
