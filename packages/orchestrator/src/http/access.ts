/**
 * Who may speak to the REST interface. Three questions, in this order; the first "no" ends the request.
 *
 * 1. *Is it meant for us?* The Host header must be a loopback name, the configured host, the very address the
 *    connection came in on, or a name from `hosts`. A web page that has its own name resolve to 127.0.0.1 (DNS
 *    rebinding) sends its own name here.
 * 2. *Does a web page send it?* Browsers name the page in `Origin`; only pages of this server pass. This stops forms on
 *    other sites (CSRF), which need no permission to be sent.
 * 3. *Who is it?* `Authorization: Bearer …` with the configured token (an admin), or with an API token, which has a
 *    role (`dso token create`). Without a configured token everybody is an admin but who shows an API token, which is
 *    why the server then refuses to listen beyond loopback. With `tokenlessLoopback` requests from this machine may
 *    come without one (the ancestor's command line knows no token); behind a proxy on this machine that is everybody
 *    the proxy serves. Wrong tokens slow down their address (`failed-attempts.ts`). A page that has logged in sends the
 *    cookie of its session instead (`sessions.ts`).
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { describeValue, type Role } from '@dshard/api';
import { isLoopback, type Clock } from '@dshard/transport';
import { hasEnded } from '../domain/access/tokens.js';
import type { ApiToken } from '../domain/state/access.js';
import { digest, isLikeApiToken, knownToken } from './api-tokens.js';
import type { RestErrorCode } from './errors.js';
import { FailedAttempts } from './failed-attempts.js';
import type { Session, Sessions } from './sessions.js';

export type AccessRules = {
  token: string | null;
  tokenlessLoopback: boolean;
  /** The host the server was told to listen on. */
  listenHost: string;
  /** Further names it is reached by. */
  hosts: readonly string[];
  /** By id. */
  apiTokens(this: void): ReadonlyMap<string, ApiToken>;
  clock: Pick<Clock, 'now' | 'monotonicMs'>;
  /** Without: nobody can be logged in. */
  sessions?: Sessions;
};

/** What the three questions are asked about. */
export type Visit = {
  host: string | undefined;
  origin: string | undefined;
  authorization: string | undefined;
  cookie: string | undefined;
  /** The address the request came from, and the one it came in on. */
  remoteAddress: string | undefined;
  localAddress: string | undefined;
};

export function visitOf({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): Visit {
  return {
    host: headers.host,
    origin: headers.origin,
    authorization: headers.authorization,
    cookie: headers.cookie,
    remoteAddress: socket.remoteAddress,
    localAddress: socket.localAddress,
  };
}

type Refused = { code: RestErrorCode; message: string; retryAfterMs?: number };

/** Who asks, as far as that was shown. */
export type Identity = {
  /** The API token's id; null: the configured token, or none. */
  id: string | null;
  name: string;
  role: Role;
  expiresAt: number | null;
  /** The request came with the cookie of a session. */
  session?: Session;
};

export type Access = {
  /** Questions 1 and 2. */
  checkSource(visit: Visit): Refused | null;
  /** Question 3. */
  identify(visit: Visit): Identity | Refused;
  /** Whether who came as this identity would still be let in. */
  isStillKnown(identity: Identity): boolean;
  /** An API token, since the start of this orchestrator. */
  lastUsedAt(id: string): number | null;
};

const CONFIGURED: Identity = { id: null, name: 'the configured token', role: 'admin', expiresAt: null };
const TOKENLESS: Identity = { id: null, name: 'no token', role: 'admin', expiresAt: null };

export function createAccess(rules: AccessRules): Access {
  const names = new Set([rules.listenHost, ...rules.hosts].map((name) => name.toLowerCase()));
  const expected = rules.token === null ? null : digest(rules.token);

  const lastUsed = new Map<string, number>();
  const attempts = new FailedAttempts(rules.clock);

  /** null: it is none of ours. */
  const identityOf = (given: string): Identity | null => {
    if (expected !== null && timingSafeEqual(digest(given), expected)) return CONFIGURED;
    const token = knownToken(given, rules.apiTokens(), rules.clock.now());
    if (token !== undefined) {
      const { id, name, role, expiresAt } = token;
      return { id, name, role, expiresAt };
    }
    // Who has the nodes' token at hand sends it where none is asked for; an API token that has ended says something.
    return expected === null && !isLikeApiToken(given) ? TOKENLESS : null;
  };

  const knowsHost = (host: string, visit: Visit): boolean => {
    const bare = hostName(host);
    if (bare === null) return false;
    return isLoopback(bare) || names.has(bare) || bare === withoutMapping(visit.localAddress);
  };

  /** The token of a session is there: else it would not have been read. */
  const withSession = ({ id, session }: { id: string | null; session: Session }): Identity => {
    const token = id === null ? undefined : rules.apiTokens().get(id);
    if (token === undefined) return { ...(expected === null ? TOKENLESS : CONFIGURED), session };
    lastUsed.set(token.id, rules.clock.now());
    return { id, name: token.name, role: token.role, expiresAt: token.expiresAt, session };
  };

  return {
    checkSource(visit) {
      if (visit.host === undefined || !knowsHost(visit.host, visit)) {
        return {
          code: 'DSO_HOST_REFUSED',
          message: `Requests for the host ${describeValue(visit.host ?? '')} are refused, because a web page could send them. If it is a name of this server, add it to http.hosts.`,
        };
      }
      if (visit.origin !== undefined && !isSameOrigin(visit.origin, visit.host)) {
        const message = `Requests from web pages of ${describeValue(visit.origin)} are refused.`;
        return { code: 'DSO_ORIGIN_REFUSED', message };
      }
      return null;
    },
    identify({ authorization, cookie, remoteAddress = 'unknown' }) {
      if (authorization === undefined) {
        const loggedIn = rules.sessions?.read(cookie) ?? null;
        if (loggedIn !== null) return withSession(loggedIn);
        if (expected === null || (rules.tokenlessLoopback && isLoopback(remoteAddress))) return TOKENLESS;
        const message = 'This orchestrator wants its token: send "Authorization: Bearer <token>".';
        return { code: 'DSO_TOKEN_MISSING', message };
      }
      const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
      if (given === undefined && expected === null) return TOKENLESS;
      const seen = digest(given ?? authorization).toString('base64');
      const retryAfterMs = attempts.waitMs(remoteAddress, seen);
      if (retryAfterMs > 0) {
        const message = `Too many wrong tokens came from this address: wait ${Math.ceil(retryAfterMs / 1000)} s.`;
        return { code: 'DSO_TOO_MANY_ATTEMPTS', message, retryAfterMs };
      }
      const identity = given === undefined ? null : identityOf(given);
      if (identity === null) {
        attempts.wrong(remoteAddress);
        return { code: 'DSO_TOKEN_WRONG', message: 'The token is not one of this orchestrator, or has ended.' };
      }
      if (identity !== TOKENLESS) attempts.right(remoteAddress, seen);
      if (identity.id !== null) lastUsed.set(identity.id, rules.clock.now());
      return identity;
    },
    lastUsedAt: (id) => lastUsed.get(id) ?? null,
    isStillKnown({ id, session }) {
      if (session !== undefined && rules.sessions?.isOver(session) === true) return false;
      const token = id === null ? null : rules.apiTokens().get(id);
      return token === null || (token !== undefined && !hasEnded(token, rules.clock.now()));
    },
  };
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
