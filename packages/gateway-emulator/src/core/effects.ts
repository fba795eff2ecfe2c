/** What the core asks its surroundings to do, in order. */
import type { LedgerRecord } from '../ledger/records.js';

export type Effect =
  /** One gateway payload, as JSON text. */
  | { kind: 'send'; connection: number; text: string }
  /** A close frame. The core has forgotten the connection's session already. */
  | { kind: 'close'; connection: number; code: number; reason: string }
  /** The socket is cut without a close frame. */
  | { kind: 'cut'; connection: number }
  | { kind: 'record'; record: LedgerRecord };
