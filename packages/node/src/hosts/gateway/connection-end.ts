/**
 * The library ends a connection: what that means for the session. The library forgets sessions that are as good as before,
 * so this is where it is overruled.
 */
import type { WebSocketShardDestroyOptions } from '@discordjs/ws';
import { KEEP_SESSION_CODE, SESSION_GONE_CODES } from './close-codes.js';
import { WebSocketShardDestroyRecovery } from './library.js';

/** `refused`: Discord will never take the shard. `attemptFailed`: where it connected to did not lead to READY or RESUMED. */
export type ConnectionEnd = {
  session: 'kept' | 'gone' | 'refused';
  attemptFailed: boolean;
  /** What the library shall do. */
  options: WebSocketShardDestroyOptions;
};

export function judgeConnectionEnd(
  options: WebSocketShardDestroyOptions,
  { wasUp, hasSession }: { wasUp: boolean; hasSession: boolean },
): ConnectionEnd {
  const { code, recover } = options;
  // Without a code the library ends the connection on Discord's word (op 7, op 9) or for want of an ack: no failed attempt.
  const attemptFailed = recover !== undefined && code !== undefined && !wasUp;
  if (recover === undefined) {
    return { session: 'refused', attemptFailed, options };
  }
  if (recover === WebSocketShardDestroyRecovery.Resume || !hasSession) {
    return { session: 'kept', attemptFailed, options };
  }
  // "Reconnect": the library would start anew. That is right after op 9 `false`, its only such call without a code, and after two
  // close codes. In all other cases (dead URL, no HELLO, remote 1000, 4005, 4008) the session is as good as before.
  if (code === undefined || SESSION_GONE_CODES.has(code)) {
    return { session: 'gone', attemptFailed, options };
  }
  const resumed = { ...options, code: KEEP_SESSION_CODE, recover: WebSocketShardDestroyRecovery.Resume };
  return { session: 'kept', attemptFailed, options: resumed };
}
