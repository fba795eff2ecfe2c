/** What the gateway tells the ledger: plain facts, each with the time it happened (milliseconds since the epoch). */
import type { Ms } from '@dshard/transport';

/** A rule of Discord's that the client broke, or something it did that costs it events. */
export type ViolationKind =
  /** An IDENTIFY inside the window of its key. Answered with op 9. */
  | 'early-identify'
  /** An IDENTIFY with a wrong token, shard or intents. */
  | 'bad-identify'
  /** RESUME of a session that another socket still held: two processes may have handled its events. */
  | 'double-attach'
  /** The client closed a live session with 1000 or 1001, which ends it. */
  | 'session-closed-for-good'
  /** More than 120 payloads in 60 s. */
  | 'send-rate'
  /** A payload that cannot be read or understood, or at the wrong time. */
  | 'bad-payload'
  /** No heartbeat in time. */
  | 'heartbeat-timeout'
  /** IDENTIFY with nothing left of the day's budget: token reset. */
  | 'budget-exhausted'
  /** RESUME from a sequence that the session never reached, or too old for the replay buffer. */
  | 'bad-resume'
  /** All members of a guild were asked for without the GUILD_MEMBERS intent. Answered by nothing. */
  | 'request-without-intent'
  /** All members of a guild were asked for again within 30 s. Answered with RATE_LIMITED. */
  | 'members-too-early'
  /** The client stayed after op 7 until it was closed. */
  | 'ignored-reconnect'
  /** The client did not read: its socket was cut with too much waiting for it. */
  | 'slow-reader';

export type Violation = {
  kind: ViolationKind;
  at: Ms;
  connection: number;
  shard: number | null;
  sessionId: string | null;
  message: string;
};

/** `early`: in the wrong window, answered with op 9. `over-budget`: nothing was left of the day's session starts. */
type IdentifyOutcome = 'admitted' | 'early' | 'over-budget';

export type LedgerRecord =
  /** A traffic event was given sequence `s` of a session (and sent, if it was attached). */
  | {
      kind: 'emitted';
      at: Ms;
      eventId: string;
      type: string;
      sessionId: string;
      shard: number;
      count: number;
      s: number;
    }
  /** A traffic event for a shard that had identified before but has no session now: nobody will ever get it. */
  | { kind: 'missed'; at: Ms; eventId: string; type: string; shard: number }
  /** An IDENTIFY that passed authentication and validation, whatever came of it. */
  | { kind: 'identify'; at: Ms; shard: number; count: number; outcome: IdentifyOutcome; sessionId: string | null }
  | {
      kind: 'attached';
      at: Ms;
      sessionId: string;
      shard: number;
      count: number;
      connection: number;
      resumedFrom: number | null;
      replayed: number;
    }
  /** `code` is the close code, from whichever side; null when the session left a socket that lives on. */
  | {
      kind: 'detached';
      at: Ms;
      sessionId: string;
      shard: number;
      count: number;
      connection: number;
      code: number | null;
    }
  | { kind: 'ended'; at: Ms; sessionId: string; shard: number; count: number; reason: string }
  | { kind: 'violation'; violation: Violation };
