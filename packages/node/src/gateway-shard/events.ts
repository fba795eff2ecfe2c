/** What a gateway shard is told, and what it wants done. All of it is plain data. */
import type { Cursor } from '../session/state.js';
import type { ResumeOutcome } from '../shard-host.js';
import type { LossCause } from '../ownership-lease.js';
import type { Dispatch } from './cursor.js';

/** The moment at which something is decided. */
export type Moment = {
  /** By a clock that never goes back. */
  readonly ms: number;
  /** From 0 to 1. */
  readonly draw: number;
  /** Whether an event may go to user code now, as far as the node knows: see OwnershipLease. */
  readonly trusted: boolean;
};

/** The node's orders. */
type Order =
  /** `ageMs`: how long ago its session was last known to be good; absent: just now. */
  | { kind: 'connect'; ageMs?: number }
  /** Connect up to HELLO, and wait there for `resume`. One attempt: if that fails, `resume` makes the next. */
  | { kind: 'preconnect' }
  /** A preconnected shard: RESUME from `session`. */
  | { kind: 'resume'; session: Cursor; redelivers: boolean; ageMs?: number }
  | { kind: 'freeze' }
  | { kind: 'unfreeze' }
  /** User code can take events now. */
  | { kind: 'loaded' }
  | { kind: 'stop'; code: number };

/** What the gateway connection tells. READY and RESUMED are dispatches. */
export type SocketEvent =
  | { kind: 'hello' }
  | { kind: 'dispatch'; payload: Dispatch }
  /** Op 7. */
  | { kind: 'reconnect' }
  /** Op 9. */
  | { kind: 'invalidSession'; resumable: boolean }
  /** Heartbeats are not acknowledged. */
  | { kind: 'zombie' }
  /** The peer ends it: nothing comes any more, and `closed` follows. Told only where it was asked for. */
  | { kind: 'closing' }
  /** Last. It could not be made, or has ended. */
  | { kind: 'closed'; code: number };

/** Answers to what was asked by effects. */
type Answer =
  | { kind: 'permit' }
  /** To askLease. `timedOut`: nobody answered. */
  | { kind: 'lease'; outcome: 'confirmed' | 'timedOut' }
  /** To askTrust. */
  | { kind: 'trust'; outcome: 'confirmed' | 'timedOut' }
  | { kind: 'located'; url: string };

export type GatewayShardEvent =
  | Order
  | SocketEvent
  | Answer
  /** Something is due: see `dueAt`. */
  | { kind: 'tick' };

export type GatewayShardEffect =
  /** Make a connection. `resumes`: RESUME follows at HELLO, else IDENTIFY. */
  | { kind: 'open'; url: string; resumes: boolean }
  | { kind: 'identify' }
  | { kind: 'resume'; session: Cursor }
  /** Close the connection; `closed` follows, or `cut`. One that is still being made is cut. */
  | { kind: 'close'; code: number }
  /** End the connection without the peer's help. Nothing is heard of it any more. */
  | { kind: 'cut' }
  /** The stopped shard has no connection any more. */
  | { kind: 'gone' }
  /** To user code. */
  | { kind: 'deliver'; payload: Dispatch; redelivered: boolean }
  /** READY or RESUMED came; it goes to user code as a dispatch, too. */
  | { kind: 'up'; payload: Dispatch }
  | { kind: 'requestPermit' }
  /** READY came (true), or the attempt is over. */
  | { kind: 'endPermit'; ready: boolean }
  /** Whether the session may be resumed, after a connection that ended in this way. `lease` answers. */
  | { kind: 'askLease'; cause: LossCause }
  /** Whose the shard is, for the process slept. `trust` answers. */
  | { kind: 'askTrust' }
  /** The generic gateway URL. `located` answers. */
  | { kind: 'locate' }
  /** To user code: the session before is gone for good, and with it what came in between. `ready` began the new one. */
  | { kind: 'missed'; from: number; to: number; ready: Dispatch }
  /** To those who wait for the shard to be up. */
  | { kind: 'settle'; outcome: ResumeOutcome }
  /** To the same: it will not be, for it is refused or stopped. */
  | { kind: 'fail' }
  /** To whoever preconnected it: it waits at HELLO, or its attempt failed. */
  | { kind: 'preconnected'; failure: string | null }
  | { kind: 'log'; level: 'debug' | 'info' | 'warn' | 'error'; text: string };

export type Decision<State> = { state: State; effects: readonly GatewayShardEffect[] };
