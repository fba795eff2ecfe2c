/** Nobody runs the shard any more. */
import type { GatewaySession } from '@dshard/protocol';
import type { KnownSession } from '../commands.js';
import type { Turn } from '../turn.js';

/** @param notBefore when it may be placed again; at once by default. */
export function vacate(turn: Turn, shard: number, known: KnownSession | null, notBefore: number = turn.now): void {
  turn.setShard(shard, { kind: 'vacant', since: turn.now, notBefore, known });
}

export function knownNow(turn: Turn, session: GatewaySession | null): KnownSession | null {
  return session === null || session.sessionId === '' ? null : { session, at: turn.now };
}

/** The gateway session a shard can be resumed with, where one is known. */
export function sessionOf(turn: Turn, shard: number): KnownSession | null {
  const state = turn.shard(shard);
  if (state === undefined || state.kind === 'running' || state.kind === 'migrating') return null;
  return state.known;
}
