/** What the orchestrator does for pages that log in. */
import type { LoggedIn, Takes, WhoAmI } from '@dshard/api';
import { visitOf, type Identity } from './access.js';
import { failed, type Reply } from './answers.js';
import { found, type Asked, type Handled, type Handlers, type Surroundings } from './handler.js';
import { sessionCookie } from './sessions.js';
import { inWallTime } from './wall-time.js';

export const SESSION_HANDLERS: Pick<Handlers, 'whoAmI' | 'session' | 'logIn' | 'logOut'> = {
  whoAmI: ({ identity }, { clock }) => found(inWallTime(whoAmI(identity), clock)),
  session: ({ identity }, { clock }) => found(inWallTime(whoAmI(identity), clock)),
  logIn,
  logOut({ identity, request }, { sessions, isTls }) {
    if (identity?.session !== undefined) sessions.end(identity.session);
    const headers = { 'set-cookie': sessionCookie('', isSecure(request, isTls)), 'cache-control': 'no-store' };
    const Message = identity?.session === undefined ? 'Nobody is logged in.' : 'The session has ended.';
    return { status: 200, body: { Message, Error: false }, headers };
  },
};

function whoAmI(identity: Identity | null): WhoAmI {
  const { name = 'no token', role = 'read', expiresAt = null, session } = identity ?? {};
  return { token: name, role, expiresAt, csrf: session?.csrf ?? null };
}

/** A wrong token costs what it costs at every other door. */
function logIn(
  { values: { token }, request, client }: Asked<Takes<'logIn'>>,
  { access, sessions, audit, clock, random, isTls }: Surroundings,
): Handled<LoggedIn> {
  const identity = access.identify({ ...visitOf(request.raw), authorization: `Bearer ${token}` });
  if (!('role' in identity)) return refused(identity);
  const begun = sessions.begin(identity, random);
  if (begun === null) return failed('DSO_TOKEN_WRONG', 'The token is not one of this orchestrator, or has ended.');
  audit.begin({ identity, ...client, action: 'logIn', parameters: {} }).ended(201, null);
  const { cookie, session } = begun;
  const Message = `Logged in with the token "${identity.name}".`;
  const body = { Message, Error: false, ...inWallTime(whoAmI({ ...identity, session }), clock) };
  const headers = { 'set-cookie': sessionCookie(cookie, isSecure(request, isTls)), 'cache-control': 'no-store' };
  return { status: 201, body, headers };
}

function refused({
  code,
  message,
  retryAfterMs,
}: Exclude<ReturnType<Surroundings['access']['identify']>, Identity>): Reply<never> {
  const wait = retryAfterMs === undefined ? null : Math.ceil(retryAfterMs / 1_000);
  const reply = failed(code, message, wait === null ? {} : { retryAfterSeconds: wait });
  return { ...reply, ...(wait !== null && { headers: { 'retry-after': String(wait) } }) } as Reply<never>;
}

/** A proxy in front says how it was asked; who lies about that gets a cookie that its own browser keeps to itself. */
function isSecure({ headers }: Asked<object>['request'], isTls: boolean): boolean {
  return isTls || headers['x-forwarded-proto'] === 'https';
}
