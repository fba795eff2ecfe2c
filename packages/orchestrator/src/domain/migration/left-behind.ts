/** Where a shard is left when the node that had it last is out of reach, and who is to be asked first to resume it. */
import type { GatewaySession } from '@dshard/protocol';
import { isConnected } from '../nodes.js';
import { checkpointOf, knownNow, vacate } from '../shards/vacate.js';
import type { MigrationState } from '../state.js';
import type { Turn } from '../turn.js';

/** The node went away with the shard: known dead, or it may still run it (or come back with the session it holds). */
export function leaveToLost(turn: Turn, shard: number, node: string, session: GatewaySession | null): void {
  const known = knownNow(turn, session);
  const checkpoint = known === null ? checkpointOf(turn, node, shard) : null;
  const connection = turn.node(node)?.connection;
  if (connection === undefined || (connection.kind === 'disconnected' && connection.gone)) {
    vacate(turn, shard, known ?? checkpoint);
  } else {
    turn.setShard(shard, { kind: 'unreachable', node, since: turn.now, known, checkpoint });
  }
}

/** The origin still has the closed session, so it is the first choice to resume the shard. */
export function originHolds(turn: Turn, migration: MigrationState): void {
  const origin = turn.node(migration.origin);
  if (!isConnected(origin) || origin.held.includes(migration.shard)) return;
  turn.patchNode(origin.id, { held: [...origin.held, migration.shard] });
}
