/**
 * API tokens at the door: `dso_<id>_<secret>`. The id says which record is meant, so that one hash is compared; the
 * secret has 256 bits, so that a plain hash at rest is as good as a slow one.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Role } from '@dshard/api';
import type { Random } from '@dshard/transport';
import { hasEnded } from '../domain/access/tokens.js';
import type { ApiToken } from '../domain/state/access.js';

const ID_BYTES = 5;
const SECRET_BYTES = 32;
const LIKE_A_TOKEN = /^dso_([0-9a-f]{10})_[\w-]{43}$/;

export type NewToken = { text: string; record: Pick<ApiToken, 'id' | 'hash'> };

export function newToken(random: Random): NewToken {
  const id = Buffer.from(random.bytes(ID_BYTES)).toString('hex');
  const text = `dso_${id}_${Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url')}`;
  return { text, record: { id, hash: digest(text).toString('hex') } };
}

/** Whether it was meant to be one. */
export function isLikeApiToken(text: string): boolean {
  return LIKE_A_TOKEN.test(text);
}

/** undefined: it is none, or has ended. */
export function knownToken(text: string, tokens: ReadonlyMap<string, ApiToken>, now: number): ApiToken | undefined {
  const token = tokens.get(LIKE_A_TOKEN.exec(text)?.[1] ?? '');
  if (token === undefined || hasEnded(token, now)) return undefined;
  const expected = Buffer.from(token.hash, 'hex');
  const given = digest(text);
  return expected.length === given.length && timingSafeEqual(expected, given) ? token : undefined;
}

/** Digests have one length, so comparing them tells nothing about the token's. */
export function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

const RANKS: Readonly<Record<Role, number>> = { read: 0, operate: 1, admin: 2 };

export function mayDo(role: Role, needed: Role): boolean {
  return RANKS[role] >= RANKS[needed];
}
