/** An origin that did not let go: COMMIT gave the shard the destination's epoch, so the origin has it anew, under a later one. */
import { can } from '../state/nodes.js';
import type { Turn } from '../state/transaction.js';
import { assign, tenureOf } from './epochs.js';

export function keep(turn: Turn, shard: number, origin: string): void {
  const { before } = tenureOf(turn.state, shard);
  turn.setShard(shard, { kind: 'running', node: origin, since: turn.now });
  assign(turn, shard);
  // The message may be lost, and the origin come back once more with the epoch it knows.
  if (before?.node === origin) turn.setTenure(shard, { ...tenureOf(turn.state, shard), before });
  if (can(turn.node(origin), 'epochs')) turn.send(origin, { kind: 'startShards', shardIds: [shard] });
}
