/**
 * Logged-in pages. A session is a cookie that a token was exchanged for (`POST /v1/session`): who it is, until when,
 * and a signature. Nothing of it is kept here, so that a page stays logged in while the orchestrator is restarted, or
 * another one takes over, and however many sessions there are costs nothing.
 *
 * What signs is made from the configured token and from the hash of the API token, if it is one. So a session ends with
 * its token; and who reads the store, where hashes are, cannot make one.
 *
 * A browser sends the cookie along whoever asks it to, so what changes something says the session's `csrf` in a header
 * as well, which no page of another site can read or send, and comes with the Origin of a page of ours.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock, Random } from '@dshard/transport';
import { hasEnded } from '../domain/access/tokens.js';
import type { ApiToken } from '../domain/state/access.js';
import type { Identity } from './access.js';

const SESSION_COOKIE = 'dso_session';
export const CSRF_HEADER = 'x-dso-csrf';

const SESSION_MS = 12 * 60 * 60 * 1_000;
const NAME_BYTES = 12;
const MAX_COOKIE_CHARACTERS = 1_024;
/** Sessions that were ended by hand are remembered until they would have ended by themselves; the last ones only. */
const MAX_ENDED = 10_000;

type Rules = {
  readonly token: string | null;
  apiTokens(this: void): ReadonlyMap<string, ApiToken>;
  readonly clock: Pick<Clock, 'now' | 'wallClock'>;
};

/** `id` null: of the configured token, or of none. Times are the machine’s: they mean something after a restart. */
type Ticket = { readonly name: string; readonly id: string | null; readonly until: number };

export type Session = { readonly name: string; readonly until: number; readonly csrf: string };

export class Sessions {
  readonly #rules: Rules;
  readonly #ended = new Map<string, number>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** A session for who showed the token. */
  begin({ id }: Pick<Identity, 'id'>, random: Random): { cookie: string; session: Session } | null {
    const until = this.#rules.clock.wallClock() + SESSION_MS;
    const name = Buffer.from(random.bytes(NAME_BYTES)).toString('base64url');
    const text = Buffer.from(JSON.stringify({ name, id, until } satisfies Ticket)).toString('base64url');
    const key = this.#keyOf(id);
    if (key === null) return null;
    return { cookie: `${text}.${signed(key, text)}`, session: { name, until, csrf: signed(key, `csrf ${text}`) } };
  }

  /** null: the cookie is none of ours, or the session is over. */
  read(cookies: string | undefined): { readonly id: string | null; readonly session: Session } | null {
    const value = cookieIn(cookies ?? '');
    const [, text = '', signature = ''] = /^([\w-]+)\.([\w-]+)$/.exec(value) ?? [];
    const ticket = ticketIn(text);
    if (ticket === null || ticket.until <= this.#rules.clock.wallClock() || this.#ended.has(ticket.name)) return null;
    const { id, name, until } = ticket;
    const key = this.#keyOf(id);
    if (key === null || !isSame(signature, signed(key, text))) return null;
    return { id, session: { name, until, csrf: signed(key, `csrf ${text}`) } };
  }

  end({ name, until }: Session): void {
    this.#ended.set(name, until);
    for (const [each, ends] of this.#ended) {
      if (ends <= this.#rules.clock.wallClock() || this.#ended.size > MAX_ENDED) this.#ended.delete(each);
    }
  }

  isOver({ name, until }: Session): boolean {
    return until <= this.#rules.clock.wallClock() || this.#ended.has(name);
  }

  /** null: the token has ended. */
  #keyOf(id: string | null): Buffer | null {
    const { token, apiTokens, clock } = this.#rules;
    const apiToken = id === null ? null : apiTokens().get(id);
    if (apiToken === undefined || (apiToken !== null && hasEnded(apiToken, clock.now()))) return null;
    return createHmac('sha256', token ?? '')
      .update(`dso_session ${apiToken?.hash ?? ''}`)
      .digest();
  }
}

/** @param isSecure whether the page was asked for by https. */
export function sessionCookie(value: string, isSecure: boolean): string {
  const maxAge = value === '' ? 0 : SESSION_MS / 1_000;
  return `${SESSION_COOKIE}=${value}; Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}

export function isCsrf(given: unknown, { csrf }: Session): boolean {
  return typeof given === 'string' && isSame(given, csrf);
}

function cookieIn(cookies: string): string {
  const own = cookies.split(';').find((each) => each.trim().startsWith(`${SESSION_COOKIE}=`));
  const value = own?.trim().slice(SESSION_COOKIE.length + 1) ?? '';
  return value.length > MAX_COOKIE_CHARACTERS ? '' : value;
}

function ticketIn(text: string): Ticket | null {
  try {
    const { name, id, until }: Partial<Record<string, unknown>> = Object(
      JSON.parse(Buffer.from(text, 'base64url').toString()),
    );
    const isWhole = typeof name === 'string' && (id === null || typeof id === 'string') && typeof until === 'number';
    return isWhole ? { name, id, until } : null;
  } catch {
    return null;
  }
}

function signed(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
