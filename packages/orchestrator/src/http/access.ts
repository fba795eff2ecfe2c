/**
 * Who may speak to the REST interface. Three questions, in this order; the first "no" ends the request.
 *
 * 1. *Is it meant for us?* The Host header must be a loopback name, the configured host, the very address the
 *    connection came in on, or a name from `hosts`. A web page that has its own name resolve to 127.0.0.1 (DNS
 *    rebinding) sends its own name here.
 * 2. *Does a web page send it?* Browsers name the page in `Origin`; only pages of this server pass. This stops forms on
 *    other sites (CSRF), which need no permission to be sent.
 * 3. *Does it know the token?* `Authorization: Bearer …`, compared in constant time. Without a configured token
 *    everybody is let in, which is why the server then refuses to listen beyond loopback. With `tokenlessLoopback`
 *    requests from this machine may come without one (the ancestor's command line knows no token); behind a proxy on
 *    this machine that is everybody the proxy serves.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { describeValue } from '@dshard/api';
import { isLoopback } from '@dshard/transport';

export type AccessRules = {
  token: string | null;
  tokenlessLoopback: boolean;
  /** The host the server was told to listen on. */
  listenHost: string;
  /** Further names it is reached by. */
  hosts: readonly string[];
};

/** What the three questions are asked about. */
export type Visit = {
  host: string | undefined;
  origin: string | undefined;
  authorization: string | undefined;
  /** The address the request came from, and the one it came in on. */
  remoteAddress: string | undefined;
  localAddress: string | undefined;
};

type Refusal = { status: 401 | 403; message: string };

export type Access = {
  /** Questions 1 and 2. */
  checkSource(visit: Visit): Refusal | null;
  /** Question 3. */
  checkToken(visit: Visit): Refusal | null;
};

export function createAccess(rules: AccessRules): Access {
  const names = new Set([rules.listenHost, ...rules.hosts].map((name) => name.toLowerCase()));
  const expected = rules.token === null ? null : digest(rules.token);

  const knowsHost = (host: string, visit: Visit): boolean => {
    const bare = hostName(host);
    if (bare === null) return false;
    return isLoopback(bare) || names.has(bare) || bare === withoutMapping(visit.localAddress);
  };

  return {
    checkSource(visit) {
      if (visit.host === undefined || !knowsHost(visit.host, visit)) {
        return {
          status: 403,
          message: `Requests for the host ${describeValue(visit.host ?? '')} are refused, because a web page could send them. If it is a name of this server, add it to http.hosts.`,
        };
      }
      if (visit.origin !== undefined && !isSameOrigin(visit.origin, visit.host)) {
        return { status: 403, message: `Requests from web pages of ${describeValue(visit.origin)} are refused.` };
      }
      return null;
    },
    checkToken({ authorization, remoteAddress }) {
      if (expected === null) return null;
      if (authorization === undefined) {
        if (rules.tokenlessLoopback && isLoopback(remoteAddress ?? '')) return null;
        return { status: 401, message: 'This orchestrator wants its token: send "Authorization: Bearer <token>".' };
      }
      const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
      if (given !== undefined && timingSafeEqual(digest(given), expected)) return null;
      return { status: 401, message: 'The token is not the one of this orchestrator.' };
    },
  };
}

/** Digests have one length, so comparing them tells nothing about the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The name in a Host header, without its port and brackets. */
function hostName(host: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase() ?? null;
}

/** A dual-stack socket shows IPv4 addresses as `::ffff:10.0.0.5`. */
function withoutMapping(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:/, '').toLowerCase();
}

function isSameOrigin(origin: string, host: string): boolean {
  return /^https?:\/\//.test(origin) && origin.replace(/^https?:\/\//, '').toLowerCase() === host.toLowerCase();
}
