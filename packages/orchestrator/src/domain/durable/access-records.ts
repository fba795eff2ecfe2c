/**
 * The records of who may ask for what, and of what was asked.
 *
 *     token/<id>          an API token: its name, its role, its hash, and when it ends
 *     audit/<id>          a request that may have changed something, and how it was answered
 *     request/<key>       an operation that was started under an idempotency key
 */
import {
  API_TOKEN_SHAPE,
  AUDIT_SHAPE,
  REMEMBERED_SHAPE,
  type ApiToken,
  type AuditEntry,
  type RememberedRequest,
} from '../state/access.js';
import { object, picked } from '../state/shape.js';
import { recordsOfMap, type Codec } from './records.js';

export const API_TOKENS: Codec<ApiToken, ApiToken> = recordsOfMap({
  kind: 'token',
  map: ({ apiTokens }) => apiTokens,
  write: (token) => picked(API_TOKEN_SHAPE, token),
  read: object(API_TOKEN_SHAPE),
});

export const AUDIT: Codec<AuditEntry, AuditEntry> = recordsOfMap({
  kind: 'audit',
  map: ({ audit }) => audit,
  write: (entry) => picked(AUDIT_SHAPE, entry),
  read: object(AUDIT_SHAPE),
});

export const REMEMBERED: Codec<RememberedRequest, RememberedRequest> = recordsOfMap({
  kind: 'request',
  map: ({ rememberedRequests }) => rememberedRequests,
  write: (remembered) => picked(REMEMBERED_SHAPE, remembered),
  read: object(REMEMBERED_SHAPE),
});
