/**
 * Who may ask for what, and what was asked: API tokens, the audit, and the requests that must not be done twice. All
 * of it is durable and bounded. The domain sees the hash of a token only; the token is made and checked at the door.
 */
import { count, nullOr, oneOf, text, time, type Shape } from './shape.js';

/** Each may do what the one before may. */
const API_ROLES = ['read', 'operate', 'admin'] as const;
type ApiRole = (typeof API_ROLES)[number];

export type ApiToken = {
  readonly id: string;
  /** Chosen by whoever made it; no two that live have the same. */
  readonly name: string;
  readonly role: ApiRole;
  /** SHA-256 of the token, in hexadecimal. */
  readonly hash: string;
  readonly createdAt: number;
  readonly createdBy: string;
  /** From then on it opens nothing. null: it does not end by itself. */
  readonly expiresAt: number | null;
};

/** A request that may have changed something. */
export type AuditEntry = {
  readonly id: number;
  readonly at: number;
  /** The name of the token that was shown, or how the request came in without one. */
  readonly token: string;
  readonly role: ApiRole;
  /** What the client called itself; nobody checked that. */
  readonly client: string;
  /** The address. */
  readonly from: string;
  /** The name in the contract, such as `stopShard`. */
  readonly action: string;
  /** As JSON; cut where it is long. */
  readonly parameters: string;
  /** Of the answer. null: there is none yet. */
  readonly status: number | null;
  readonly code: string | null;
};

/** An operation that was started under an idempotency key. */
export type RememberedRequest = {
  /** Which request it was: the same key with another one is a mistake. */
  readonly fingerprint: string;
  readonly operation: string | null;
  readonly message: string;
  readonly at: number;
};

/** What operators change. */
export type EditedThing = { readonly thing: 'node' | 'operation'; readonly id: string } | { readonly thing: 'rollout' };

/** What a command is only to be done if it still is so: see `access/edit-version.ts`. */
export type Expected = { readonly of: EditedThing; readonly version: string };

const role = oneOf(...API_ROLES);

/** The same, for what is read back from the store. */
export const API_TOKEN_SHAPE: Shape<ApiToken> = {
  id: text,
  name: text,
  role,
  hash: text,
  createdAt: time,
  createdBy: text,
  expiresAt: nullOr(time),
};

export const AUDIT_SHAPE: Shape<AuditEntry> = {
  id: count,
  at: time,
  token: text,
  role,
  client: text,
  from: text,
  action: text,
  parameters: text,
  status: nullOr(count),
  code: nullOr(text),
};

export const REMEMBERED_SHAPE: Shape<RememberedRequest> = {
  fingerprint: text,
  operation: nullOr(text),
  message: text,
  at: time,
};
