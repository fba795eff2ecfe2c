/** Nobody runs the shard any more. */
import type { GatewaySession } from '@dshard/protocol';
import type { KnownSession } from '../state/commands.js';
import { assignmentOf } from '../state/epochs.js';
import type { Transaction } from '../state/transaction.js';

/** @param notBefore when it may be placed again; at once by default. */
export function vacate(tx: Transaction, shard: number, known: KnownSession | null, notBefore: number = tx.now): void {
  tx.setShard(shard, { kind: 'vacant', since: tx.now, notBefore, known });
}

/** A session that its node gave back: as it closed it, unless the node says that others may have got further. */
export function knownNow(tx: Transaction, session: GatewaySession | null): KnownSession | null {
  if (session === null || session.sessionId === '') return null;
  const { sessionId, sequence, resumeGatewayUrl, redelivers } = session;
  const known = { session: { sessionId, sequence, resumeGatewayUrl }, at: tx.now };
  return redelivers === true ? known : { ...known, exact: true };
}

/** Somebody may have gone on from it. */
export function inexact(known: KnownSession | null): KnownSession | null {
  if (known?.exact === undefined) return known;
  const { exact: _, ...rest } = known;
  return rest;
}

/** The gateway session a shard can be resumed with now that its node is known, by others, not to run it any more. */
export function sessionOf(tx: Transaction, shard: number): KnownSession | null {
  const state = tx.shard(shard);
  switch (state?.kind) {
    case undefined:
    case 'migrating':
      return null;
    case 'running':
      return checkpointOf(tx, state.node, shard);
    case 'parked':
      return state.parked.known;
    case 'unreachable':
      return state.checkpoint ?? state.known;
    case 'vacant':
    case 'starting':
    case 'stopping':
      return state.known;
  }
}

/** A shard's cursor as its node last reported it: to us, or to the run before. */
export function checkpointOf(tx: Transaction, id: string, shard: number): KnownSession | null {
  const node = tx.node(id);
  const session = node?.shardReports.find(({ shardId }) => shardId === shard)?.session ?? null;
  if (node === undefined || session === null) return assignmentOf(tx.state, shard).checkpoint;
  return { session, at: node.connection.kind === 'disconnected' ? node.connection.since : node.connection.lastHeardAt };
}
