/** Nobody runs the shard any more. */
import type { GatewaySession } from '@dshard/protocol';
import type { KnownSession } from '../commands.js';
import { tenureOf } from '../epochs/tenure.js';
import type { Turn } from '../turn.js';

/** @param notBefore when it may be placed again; at once by default. */
export function vacate(turn: Turn, shard: number, known: KnownSession | null, notBefore: number = turn.now): void {
  turn.setShard(shard, { kind: 'vacant', since: turn.now, notBefore, known });
}

export function knownNow(turn: Turn, session: GatewaySession | null): KnownSession | null {
  return session === null || session.sessionId === '' ? null : { session, at: turn.now, exact: true };
}

/** Somebody may have gone on from it. */
export function inexact(known: KnownSession | null): KnownSession | null {
  if (known?.exact === undefined) return known;
  const { session, at } = known;
  return { session, at };
}

/** Whether a node that resumes the shard hands over what another one may have handled before, so that the cursor it would give back is no end of that. */
export function redeliversNow(turn: Turn, shard: number): boolean {
  const state = turn.shard(shard);
  return state?.kind === 'starting' && state.known !== null && state.known.exact === undefined;
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
