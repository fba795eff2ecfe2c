/** What the core asks its surroundings to do, in order. */
import type { LedgerRecord } from '../ledger/records.js';

export type Effect =
  /** One gateway payload, as JSON text. `deflate`: as one zlib stream of its own, in a binary message (payload compression). */
  | { kind: 'send'; connection: number; text: string; deflate?: true }
  /** A close frame. The core has forgotten the connection's session already. */
  | { kind: 'close'; connection: number; code: number; reason: string }
  /** The socket ends without a close frame; `reset`: by a TCP reset, else by the end of the stream. */
  | { kind: 'cut'; connection: number; reset: boolean }
  | { kind: 'record'; record: LedgerRecord };
