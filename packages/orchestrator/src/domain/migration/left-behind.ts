/** Where a shard is left when the node that had it last is out of reach, and who is to be asked first to resume it. */
import type { GatewaySession } from '@dshard/protocol';
import { isConnected } from '../state/nodes.js';
import { checkpointOf, inexact, knownNow, vacate } from '../shards/vacate.js';
import type { KnownSession } from '../state/commands.js';
import type { MigrationState } from '../state/state.js';
import type { Transaction } from '../state/transaction.js';

/** The node went away with the shard: known dead, or it may still run it (or come back with the session it holds). */
export function leaveToLost(tx: Transaction, shard: number, node: string, session: GatewaySession | null): void {
  const known = inexact(knownNow(tx, session));
  const checkpoint = known === null ? checkpointOf(tx, node, shard) : null;
  const connection = tx.node(node)?.connection;
  if (connection === undefined || (connection.kind === 'disconnected' && connection.gone)) {
    vacate(tx, shard, known ?? checkpoint);
  } else {
    tx.setShard(shard, { kind: 'unreachable', node, since: tx.now, known, checkpoint });
  }
}

/**
 * The node went away while it served the shard, so its session goes on there until it is known dead.
 * @param session what else is known of it: the cursor of a frozen shard, which is the last there is, or one from before.
 */
export function leaveServing(
  tx: Transaction,
  shard: number,
  node: string,
  session: { cursor: GatewaySession | null; isLast: boolean },
): void {
  const told = inexact(knownNow(tx, session.cursor));
  const reported = checkpointOf(tx, node, shard);
  const checkpoint = session.isLast ? (told ?? reported) : newer(reported, told);
  const connection = tx.node(node)?.connection;
  if (connection === undefined || (connection.kind === 'disconnected' && connection.gone)) {
    vacate(tx, shard, checkpoint);
  } else {
    tx.setShard(shard, { kind: 'unreachable', node, since: tx.now, known: null, checkpoint });
  }
}

/** Of two sessions that differ, the reported one is taken to be the later. */
function newer(reported: KnownSession | null, told: KnownSession | null): KnownSession | null {
  if (reported === null || told === null) return reported ?? told;
  const isSame = reported.session.sessionId === told.session.sessionId;
  return isSame && told.session.sequence > reported.session.sequence ? told : reported;
}

/** The origin still has the closed session, so it is the first choice to resume the shard. */
export function originRetains(tx: Transaction, migration: MigrationState): void {
  const origin = tx.node(migration.origin);
  if (!isConnected(origin) || origin.retained.includes(migration.shard)) return;
  tx.patchNode(origin.id, { retained: [...origin.retained, migration.shard] });
}
