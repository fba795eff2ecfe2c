/** Nobody runs the shard any more. */
import type { GatewaySession } from '@dshard/protocol';
import type { KnownSession } from '../state/commands.js';
import { tenureOf } from '../state/epochs.js';
import type { Turn } from '../state/transaction.js';

/** @param notBefore when it may be placed again; at once by default. */
export function vacate(turn: Turn, shard: number, known: KnownSession | null, notBefore: number = turn.now): void {
  turn.setShard(shard, { kind: 'vacant', since: turn.now, notBefore, known });
}

/** A session that its node gave back: as it closed it, unless the node says that others may have got further. */
export function knownNow(turn: Turn, session: GatewaySession | null): KnownSession | null {
  if (session === null || session.sessionId === '') return null;
  const { sessionId, sequence, resumeGatewayUrl, redelivers } = session;
  const known = { session: { sessionId, sequence, resumeGatewayUrl }, at: turn.now };
  return redelivers === true ? known : { ...known, exact: true };
}

/** Somebody may have gone on from it. */
export function inexact(known: KnownSession | null): KnownSession | null {
  if (known?.exact === undefined) return known;
  const { exact: _, ...rest } = known;
  return rest;
}

/** The gateway session a shard can be resumed with now that its node is known, by others, not to run it any more. */
export function sessionOf(turn: Turn, shard: number): KnownSession | null {
  const state = turn.shard(shard);
  switch (state?.kind) {
    case undefined:
    case 'migrating':
      return null;
    case 'running':
      return checkpointOf(turn, state.node, shard);
    case 'unreachable':
      return state.checkpoint ?? state.known;
    case 'vacant':
    case 'starting':
    case 'stopping':
      return state.known;
  }
}

/** A shard's cursor as its node last reported it: to us, or to the run before. */
export function checkpointOf(turn: Turn, id: string, shard: number): KnownSession | null {
  const node = turn.node(id);
  const session = node?.shardReports.find(({ shardId }) => shardId === shard)?.session ?? null;
  if (node === undefined || session === null) return tenureOf(turn.state, shard).checkpoint;
  return { session, at: node.connection.kind === 'disconnected' ? node.connection.since : node.connection.lastHeardAt };
}
