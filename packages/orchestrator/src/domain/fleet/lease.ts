/**
 * How long a node may rely on its shards without hearing from us. It counts from when it sent a heartbeat that was answered, by its
 * own clock; we count `maxNodeDowntime` from when we last heard it, which is later. The margin is for clocks that do not run alike.
 */
import type { Settings } from '../state/settings.js';

const SHARE = 0.8;

export function leaseOf({ maxNodeDowntimeMs }: Settings): number {
  return Math.floor(maxNodeDowntimeMs * SHARE);
}
