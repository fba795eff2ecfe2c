/** An origin that did not let go: COMMIT gave the shard the destination's epoch, so the origin has it anew, under a later one. */
import { can } from '../nodes.js';
import type { Turn } from '../turn.js';
import { assign } from './tenure.js';

export function keep(turn: Turn, shard: number, origin: string): void {
  turn.setShard(shard, { kind: 'running', node: origin, since: turn.now });
  assign(turn, shard);
  if (can(turn.node(origin), 'epochs')) turn.send(origin, { kind: 'startShards', shardIds: [shard] });
}
