import type { Identify, Message } from '@dshard/protocol';
import type { Expected } from './access.js';
import type { OperatorCommand } from './commands.js';
import type { RaisedAlarm } from './raised-alarms.js';

/** What the runtime knows of a peer beyond what it says of itself. */
export type Peer = {
  remote: string;
  loopback: boolean;
  /**
   * Whether it proved that it knows the shared token. `none`: it was not asked to, because there is no token here, or
   * because it said that it has none.
   */
  proof: 'right' | 'wrong' | 'none';
};

/** What a peer does. */
export type PeerEvent =
  /** The first message of a connection. Any other first message never reaches the domain. */
  | { kind: 'identify'; connection: string; message: Identify; peer: Peer }
  /**
   * Any later message, user events included. `wallClockAheadMs`: how far the machine's clock is ahead of the time that
   * is decided by, for what names a time of the day. Without: it is not.
   */
  | { kind: 'message'; connection: string; message: Message; wallClockAheadMs?: number }
  | { kind: 'connectionClosed'; connection: string; reason: string };

/** Everything that can happen to the orchestrator. Plain data; the runtime makes them, `decide` takes them. */
export type DomainEvent =
  | PeerEvent
  /** What peers did in one turn, in order: one look at what follows from all of it. No state on its way is among it. */
  | { kind: 'together'; events: readonly PeerEvent[] }
  /** First event of a run: the listener is up. */
  | { kind: 'started' }
  /** The wake-up asked for by `wakeAt`. */
  | { kind: 'tick' }
  /** The orchestrator's own end of a migration says it (`runtime/park.ts`). */
  | { kind: 'parkSaid'; message: Message }
  /**
   * `by`: who asks, for the history: `alice@laptop (dso, 127.0.0.1)`. `availableBytes`: the memory that the launcher's
   * host has left, where that is known. `expected`: only if what the command is about still is so. `requestId`: of the
   * request that brought it, for the history.
   */
  | {
      kind: 'command';
      request: string;
      command: OperatorCommand;
      by: string;
      availableBytes?: number | null;
      expected?: Expected;
      requestId?: string;
    }
  /** Answers to `fetchGatewayInfo`. */
  | {
      kind: 'gatewayInfo';
      recommendedShards: number;
      maxConcurrency: number;
      identifiesTotal: number;
      identifiesRemaining: number;
      resetAfterMs: number;
    }
  /** `isRefused`: the token is wrong, so asking again does not help. `retryAfterMs`: Discord said how long to wait. */
  | { kind: 'gatewayInfoFailed'; reason: string; isRefused?: boolean; retryAfterMs?: number | null }
  /** Answers to `launchNode`. */
  /** `log`: the file that it writes to. */
  | { kind: 'nodeLaunched'; launch: string; node: string; pid: number; log?: string }
  /** A process of an earlier run that still lives; told at the start. */
  | { kind: 'processAdopted'; node: string; pid: number }
  /** The alarms that stand now (`runtime/alarm-watch.ts`), after one has risen or fallen. */
  | { kind: 'alarmsNoted'; alarms: readonly RaisedAlarm[] }
  /** What a launch would start from now on. */
  | { kind: 'versionDeployed'; version: string }
  | { kind: 'launchFailed'; launch: string; reason: string }
  /** A process the launcher started (in this run or an earlier one) is gone: known dead, no need to wait. */
  | { kind: 'processExited'; node: string; description: string };
