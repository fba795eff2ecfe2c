/**
 * The audit: every request of somebody with a right to it that may have changed something. Only such requests are in
 * it, so that strangers, nodes and the fleet itself push nothing out.
 */
import type { AuditEntry } from '../state/access.js';
import type { Transaction } from '../state/transaction.js';

const MAX_AUDIT_ENTRIES = 1_000;

/** Also how it ended: the same id again. */
export function recordRequest(tx: Transaction, request: string, entry: AuditEntry): void {
  const audit = new Map(tx.state.audit).set(String(entry.id), entry);
  for (const id of audit.keys()) {
    if (audit.size <= MAX_AUDIT_ENTRIES) break;
    audit.delete(id);
  }
  tx.patch({ audit });
  tx.done(request, 'It is recorded.');
}
