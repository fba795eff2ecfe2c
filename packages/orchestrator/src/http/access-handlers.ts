/** What the orchestrator does for the entries about tokens and the audit. */
import { newToken } from './api-tokens.js';
import { replyTo } from './answers.js';
import { found, type Handlers } from './handler.js';
import { isWholeNumber, pageOf } from './pages.js';
import { inWallTime } from './wall-time.js';

export const ACCESS_HANDLERS: Pick<Handlers, 'tokens' | 'createToken' | 'revokeToken' | 'audit'> = {
  tokens(_, { orchestrator, clock, access }) {
    const tokens = [...orchestrator.state.apiTokens.values()].map((token) => {
      const { id, name, role, createdAt, createdBy, expiresAt } = token;
      return { id, name, role, createdAt, createdBy, expiresAt, lastUsedAt: access.lastUsedAt(id) };
    });
    return found(inWallTime({ now: clock.now(), tokens }, clock));
  },
  async createToken({ values: { name, role, expires }, by, meta }, { orchestrator, clock, random }) {
    const { text, record } = newToken(random);
    const expiresAt = expires === null ? null : clock.now() + expires;
    const token = { ...record, name, role, expiresAt };
    const result = await orchestrator.command({ kind: 'createToken', token }, by, meta);
    if (!result.ok) return replyTo(result);
    const body = { Message: result.message, Error: false, id: record.id, token: text };
    return { status: 201, body, headers: { 'cache-control': 'no-store' } };
  },
  revokeToken: async ({ values: { token }, by, meta }, { orchestrator }) =>
    replyTo(await orchestrator.command({ kind: 'revokeToken', token }, by, meta)),
  audit({ values }, { orchestrator, clock }) {
    const newestFirst = [...orchestrator.state.audit.values()].reverse();
    const result = pageOf(newestFirst, values, {
      list: 'the audit',
      isKey: isWholeNumber,
      keyOf: ({ id }) => id,
      isAfter: (id, last) => id < Number(last),
    });
    if (!result.ok) return result.refused;
    const { rows: entries, ...page } = result.page;
    const now = clock.now();
    return found({ ...page, ...inWallTime({ now, entries }, clock) });
  },
};
