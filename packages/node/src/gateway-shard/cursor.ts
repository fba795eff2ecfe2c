/**
 * The gateway session of one shard as user code has seen it: `sequence` is the last event that was *handed to user
 * code*. There is no other bookkeeping: the library is told this one for what to RESUME with and what to heartbeat
 * with, too.
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

/**
 * Where a RESUME may go. It carries the bot's token, and resume URLs come from elsewhere: from other nodes, through the
 * orchestrator, out of files. So a resume URL is used only if Discord can have given it; else the session is resumed at
 * the generic URL, as good.
 */

/** `gateway-us-east1-b.discord.gg` and its like. */
const DISCORDS_OWN = '.discord.gg';

/**
 * `resumeUrl` where it may be used, '' where the generic URL is to be used instead.
 *
 * Its host is the generic URL's, or one below it, or Discord's own; its scheme is not weaker than the generic URL's. A
 * URL with a name, a password or a fragment is none of Discord's, and sockets throw at a fragment.
 *
 * @param genericUrl what REST named, or the bot was given. null: not known yet; until then only Discord's own hosts
 *   over TLS will do.
 */
export function trustedResumeUrl(resumeUrl: string, genericUrl: string | null): string {
  const resume = gatewayUrl(resumeUrl);
  if (resume === null || resume.username !== '' || resume.password !== '' || resumeUrl.includes('#')) return '';
  const generic = genericUrl === null ? null : gatewayUrl(genericUrl);
  const mayBePlain = generic?.protocol === 'ws:';
  if (resume.protocol !== 'wss:' && !mayBePlain) return '';
  return resume.hostname.endsWith(DISCORDS_OWN) || isWithin(resume.hostname, generic?.hostname) ? resumeUrl : '';
}

function gatewayUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^wss?:$/u.test(url.protocol) ? url : null;
}

function isWithin(host: string, domain: string | undefined): boolean {
  return domain !== undefined && (host === domain || host.endsWith(`.${domain}`));
}
