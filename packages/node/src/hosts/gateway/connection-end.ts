/**
 * The library ends a connection: what that means for the session. The library forgets sessions that are as good as before,
 * so this is where it is overruled.
 */
import type { WebSocketShardDestroyOptions } from '@discordjs/ws';
import type { LossCause } from '../../tenancy.js';
import { DISPLACED_CODE, KEEP_SESSION_CODE, SESSION_GONE_CODES } from './close-codes.js';
import { WebSocketShardDestroyRecovery } from './library.js';
import { QUIET } from './quiet-watch.js';

/** Why the library ends a connection on which heartbeats are not acknowledged. */
const ZOMBIE = 'Zombie connection';

/** `refused`: Discord will never take the shard. `attemptFailed`: where it connected to did not lead to READY or RESUMED. */
export type ConnectionEnd = {
  session: 'kept' | 'gone' | 'refused';
  attemptFailed: boolean;
  cause: LossCause;
  /** What the library shall do. */
  options: WebSocketShardDestroyOptions;
};

export function judgeConnectionEnd(
  options: WebSocketShardDestroyOptions,
  { wasUp, hasSession }: { wasUp: boolean; hasSession: boolean },
): ConnectionEnd {
  const { code, recover } = options;
  const cause = causeOf(options);
  // Without a code the library ends the connection on Discord's word (op 7, op 9) or for want of an ack: no failed attempt.
  const attemptFailed = recover !== undefined && code !== undefined && !wasUp;
  if (recover === undefined) {
    return { session: 'refused', attemptFailed, cause, options };
  }
  if (recover === WebSocketShardDestroyRecovery.Resume || !hasSession) {
    return { session: 'kept', attemptFailed, cause, options };
  }
  // "Reconnect": the library would start anew. That is right after op 9 `false`, its only such call without a code, and after two
  // close codes. In all other cases (dead URL, no HELLO, remote 1000, 4005, 4008) the session is as good as before.
  if (code === undefined || SESSION_GONE_CODES.has(code)) {
    return { session: 'gone', attemptFailed, cause, options };
  }
  const resumed = { ...options, code: KEEP_SESSION_CODE, recover: WebSocketShardDestroyRecovery.Resume };
  return { session: 'kept', attemptFailed, cause, options: resumed };
}

/** Discord's own close codes, its op 7 and its op 9 come on the connection that has the session. */
function causeOf({ code, reason }: WebSocketShardDestroyOptions): LossCause {
  if (code === DISPLACED_CODE || reason === QUIET) {
    return 'displaced';
  }
  const isDiscordsWord = code === undefined ? reason !== ZOMBIE : code >= 4000;
  return isDiscordsWord ? 'attached' : 'unproven';
}
