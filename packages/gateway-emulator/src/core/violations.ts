/** Notes for the ledger that the client broke a rule. */
import type { Ms } from '@dshard/transport';
import type { ViolationKind } from '../ledger/records.js';
import type { Effect } from './effects.js';
import type { Connection } from './state.js';

/** `shard` is needed only where the connection has no session yet. */
export function recordViolation(
  connection: Connection,
  kind: ViolationKind,
  message: string,
  now: Ms,
  out: Effect[],
  shard: number | null = null,
): void {
  const session = connection.phase.kind === 'attached' ? connection.phase.session : null;
  const violation = {
    kind,
    at: now,
    connection: connection.id,
    shard: shard ?? session?.shard ?? null,
    sessionId: session?.id ?? null,
    message,
  };
  out.push({ kind: 'record', record: { kind: 'violation', violation } });
}
