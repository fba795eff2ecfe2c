/**
 * The gateway session of one shard as user code has seen it: `sequence` is the last event that was *handed to user code*. There is no other
 * bookkeeping: the library is told this one for what to RESUME with and what to heartbeat with, too.
 */
import type { Cursor } from '../session/state.js';

/** What of a dispatch the gateway shard looks at. */
export type Dispatch = { readonly t: string; readonly s: number; readonly d?: unknown };

/** They belong to the connection, not to the stream: they are never repeated, and none is missed. */
export function isOfConnection({ t }: Dispatch): boolean {
  return t === 'READY' || t === 'RESUMED';
}

/** The session that READY begins. READY is its first event. */
export function sessionOf(ready: Dispatch): Cursor {
  const { session_id: sessionId, resume_gateway_url: resumeGatewayUrl } = ready.d as {
    session_id: string;
    resume_gateway_url?: string;
  };
  return { sessionId, resumeGatewayUrl: resumeGatewayUrl ?? '', sequence: ready.s };
}

/** Never goes back. */
export function advanced(session: Cursor, sequence: number): Cursor {
  return sequence > session.sequence ? { ...session, sequence } : session;
}

/** The resume URL does not work. The session is as good as before: it can be resumed at the generic URL. */
export function withoutUrl(session: Cursor): Cursor {
  return session.resumeGatewayUrl === '' ? session : { ...session, resumeGatewayUrl: '' };
}
