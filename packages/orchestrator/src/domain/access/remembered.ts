/**
 * Idempotency keys: who did not hear an answer asks again with the same key, and is told of the operation that began
 * the first time. What is remembered is durable together with the operation, so the next run knows it, too.
 */
import type { RememberedRequest } from '../state/access.js';
import type { Transaction } from '../state/transaction.js';

const MAX_REMEMBERED = 1_000;
const REMEMBERED_MS = 86_400_000;

/** What a request says of itself: its key, and which request it is. */
export type Once = { readonly key: string; readonly fingerprint: string };

/** Whether the request was answered: it is not new. */
export function isAnswered(tx: Transaction, request: string, { key, fingerprint }: Once): boolean {
  const known = tx.state.rememberedRequests.get(key);
  if (known === undefined || known.at + REMEMBERED_MS <= tx.now) return false;
  if (known.fingerprint === fingerprint) tx.done(request, known.message, { operation: known.operation });
  else {
    const what = 'Its idempotency key was used for another request within the last day.';
    tx.fail(request, 'DSO_IDEMPOTENCY_KEY_USED', `${what} Use a new key for a new request.`);
  }
  return true;
}

export function remember(tx: Transaction, { key, fingerprint }: Once, answer: AnsweredWith): void {
  const kept = new Map([...tx.state.rememberedRequests].filter(([, { at }]) => at + REMEMBERED_MS > tx.now));
  kept.delete(key);
  for (const oldest of kept.keys()) {
    if (kept.size < MAX_REMEMBERED) break;
    kept.delete(oldest);
  }
  tx.patch({ rememberedRequests: kept.set(key, { fingerprint, ...answer, at: tx.now }) });
}

type AnsweredWith = Pick<RememberedRequest, 'operation' | 'message'>;
