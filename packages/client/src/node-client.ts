/** The client for programs. */
import { hostname, userInfo } from 'node:os';
import { systemClock, type Clock } from '@dshard/transport';
import { clientOver, type Client } from './client.js';
import { nodeTransport, type Target } from './node-transport.js';

export type ClientOptions = {
  /** Who asks, as the orchestrator's history and audit are to name it. Default: `user@host`. */
  readonly requester?: string;
  readonly clock?: Clock;
};

/** Every method rejects with a `ClientError`. Nothing is asked before a method is called. */
export function createClient(
  { url, token, tls }: { url: string; token?: string | null; tls?: Target['tls'] },
  { requester = userAtHost(), clock = systemClock() }: ClientOptions = {},
): Client {
  const target = { url: url.replace(/\/+$/, ''), token: token ?? null, ...(tls !== undefined && { tls }) };
  return clientOver(nodeTransport(target, requester, clock), clock);
}

export function userAtHost(): string {
  return `${userName()}@${hostname()}`;
}

/** A user without an entry in the system's list (in a container) has a number only. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
