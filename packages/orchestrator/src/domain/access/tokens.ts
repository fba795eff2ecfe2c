/** API tokens: made and revoked by an admin. Those that have ended are forgotten when the next one is made. */
import type { ApiToken } from '../state/access.js';
import type { Transaction } from '../state/transaction.js';

const MAX_API_TOKENS = 200;

export function createToken(tx: Transaction, request: string, asked: Omit<ApiToken, 'createdAt' | 'createdBy'>): void {
  const living = new Map([...tx.state.apiTokens].filter(([, token]) => !hasEnded(token, tx.now)));
  if ([...living.values()].some(({ name }) => name === asked.name)) {
    const wayOut = `Choose another name, or revoke that token: dso token revoke ${asked.name}`;
    return tx.fail(request, 'DSO_API_TOKEN_NAME_TAKEN', `There is a token "${asked.name}" already. ${wayOut}`);
  }
  if (living.size >= MAX_API_TOKENS) {
    return tx.fail(request, 'DSO_TOO_MANY_API_TOKENS', `There are ${living.size} tokens, and no more are kept.`);
  }
  const token: ApiToken = { ...asked, createdAt: tx.now, createdBy: tx.by };
  tx.patch({ apiTokens: living.set(token.id, token) });
  const { id, name, role } = token;
  tx.record('apiTokenCreated', 'info', `The API token "${name}" was made, with the role ${role}.`, { token: id, role });
  tx.done(request, `The token "${name}" has the role ${role}.`, { token: id });
}

/** @param named by its id, or by its name. */
export function revokeToken(tx: Transaction, request: string, named: string): void {
  const { apiTokens } = tx.state;
  const token = apiTokens.get(named) ?? [...apiTokens.values()].find(({ name }) => name === named);
  if (token === undefined) {
    return tx.fail(request, 'DSO_UNKNOWN_API_TOKEN', `There is no token "${named}". See them: dso token list`);
  }
  const left = new Map(apiTokens);
  left.delete(token.id);
  tx.patch({ apiTokens: left });
  const text = `The API token "${token.name}" was revoked.`;
  tx.record('apiTokenRevoked', 'info', text, { token: token.id });
  tx.done(request, text);
}

export function hasEnded({ expiresAt }: Pick<ApiToken, 'expiresAt'>, now: number): boolean {
  return expiresAt !== null && expiresAt <= now;
}
