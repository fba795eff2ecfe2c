/** Who may ask for what, and who did. */
import type { Role } from '../endpoint.js';
import type { Answer } from './answer.js';

/** An API token, as it is listed. The token itself is shown once, when it is made. */
export type ApiTokenStatus = {
  id: string;
  name: string;
  role: Role;
  createdAt: number;
  createdBy: string;
  /** null: it does not end by itself. */
  expiresAt: number | null;
  /** By this orchestrator, since it started. */
  lastUsedAt: number | null;
};

/** `GET /v1/tokens`, the oldest first. */
export type ApiTokenList = { now: number; tokens: readonly ApiTokenStatus[] };

/** `POST /v1/tokens`. */
export type CreatedToken = Answer & {
  id: string;
  /** It is shown this once; the orchestrator keeps its hash only. */
  token: string;
};

/** A request that may have changed something. */
export type AuditEntry = {
  id: number;
  at: number;
  /** The name of the token that was shown, or how the request came in without one. */
  token: string;
  role: Role;
  /** What the client called itself; nobody checked that. */
  client: string;
  /** The address. */
  from: string;
  /** The name of the endpoint in the contract. */
  action: string;
  /** As JSON; cut where it is long. */
  parameters: string;
  /** Of the answer. null: there is none yet, or the orchestrator ended before it had answered. */
  status: number | null;
  /** The code of the error, if it was refused. */
  code: string | null;
};

/** `GET /v1/audit`, the newest first. */
export type AuditList = { now: number; total: number; next: string | null; entries: readonly AuditEntry[] };

/** `GET /v1/whoami`, and `GET /v1/session`. */
export type WhoAmI = {
  token: string;
  role: Role;
  expiresAt: number | null;
  /** Of a page that is logged in: what `X-Dso-Csrf` of a request that changes something has to be. */
  csrf: string | null;
};

/** `POST /v1/session`. */
export type LoggedIn = Answer & WhoAmI;
