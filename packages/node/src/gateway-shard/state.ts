/**
 * Everything one gateway shard knows, as plain data: from start or resume until it is stopped or handed over. It is
 * never used again; what comes back to a process is a new one. `decide` (decide.ts) returns the next state; nothing
 * here is changed in place.
 *
 * Three axes, each with its legal moves (`MOVES`):
 *
 *     mode      what the node wants of it
 *     link      what its gateway connection is at
 *     delivery  what becomes of a dispatch that comes
 */
import type { ShardPhase } from '@dshard/protocol';
import type { Cursor } from '../session/state.js';
import type { LossCause } from '../ownership-lease.js';
import type { Dispatch } from './cursor.js';
import { silentFor, type Quiet } from './quiet.js';
import { NO_RETRIES, type Retries } from './retries.js';
import type { GatewayTimeouts } from './options.js';

export type Mode =
  /** It was not told to connect yet. */
  | { kind: 'new' }
  /** It is kept connected. */
  | { kind: 'open' }
  /** It connects once, up to HELLO, and waits there for its session to be resumed. */
  | { kind: 'preconnected' }
  /** Nothing is handed over; a connection that ends is not made anew. `refused`: Discord closed with such a code. */
  | { kind: 'frozen'; refused: number | null }
  /** Discord does not want it (wrong token, intents, shard count): connecting again is of no use. */
  | { kind: 'refused'; code: number }
  /** The end. `cursor` is final. */
  | { kind: 'stopped'; cursor: Cursor | null };

export type Link =
  /** `cause`: how the connection before ended. In an open mode the next one is made at `notBefore`. */
  | { kind: 'down'; notBefore: number; cause: LossCause }
  /** The node is asked whose the session is. */
  | { kind: 'asking'; cause: LossCause }
  /** The generic gateway URL is asked for. */
  | { kind: 'locating' }
  /** Up to HELLO. */
  | { kind: 'connecting'; url: string; until: number }
  /** HELLO came. RESUME waits: for whose the session is (`asked`), or the end of `preconnected` or `frozen`. */
  | { kind: 'waiting'; url: string; asked: boolean }
  /** HELLO came. IDENTIFY waits for leave. */
  | { kind: 'awaitingPermit' }
  | { kind: 'identifying'; until: number }
  /** RESUME was sent. The next replayed event, or RESUMED, has to come by `until`. */
  | { kind: 'resuming'; until: number }
  | { kind: 'ready'; since: number }
  /** The connection is being closed; at `until` it is cut. What then follows is as in `down`. */
  | { kind: 'closing'; until: number; notBefore: number; cause: LossCause };

/** Who ends the hold: `unfreeze`; the node that says whose the shard is; the end of the load. */
export type HoldReason = 'freeze' | 'lease' | 'loading';

export type Delivery =
  | { kind: 'deliver' }
  /**
   * What comes is kept, in order. `isFull`: no more is kept, and Discord has the rest: no new connection before the
   * hold ends. `doubtful`: some of it came while nobody knew whose the shard was, and the node was asked.
   */
  | { kind: 'hold'; why: HoldReason; kept: Kept | null; isFull: boolean; doubtful: boolean }
  /** What comes is dropped: the next connection replays it. */
  | { kind: 'skip' };

/** Dispatches that user code has not got yet: the last one, and those before it. */
export type Kept = {
  readonly payload: Dispatch;
  /** The session it came in: that one may be over when it is handed over. */
  readonly sessionId: string;
  readonly before: Kept | null;
  /** With those before. */
  readonly count: number;
};

/** Bounds; times in milliseconds. */
export type Rules = Pick<
  Required<GatewayTimeouts>,
  'handshakeMs' | 'helloMs' | 'identifyMs' | 'resumeMs' | 'closeMs' | 'quietMs' | 'backoffMinMs' | 'backoffMaxMs'
> & {
  /** READY or RESUMED counts as held after so long. */
  readonly stableMs: number;
  /** What Discord asks for after op 9. */
  readonly invalidMinMs: number;
  readonly invalidMaxMs: number;
  /** So many RESUMEs may follow each other soon; after that one each `resumeEveryMs`. */
  readonly resumeBurst: number;
  readonly resumeEveryMs: number;
  /** Dispatches that a hold keeps. */
  readonly keptMax: number;
};

/** What the options do not say. 10,000 kept events are 2,000 a second for a freeze of 5 s. */
export const FIXED_RULES = {
  stableMs: 10_000,
  invalidMinMs: 1_000,
  invalidMaxMs: 5_000,
  resumeBurst: 3,
  resumeEveryMs: 20_000,
  keptMax: 10_000,
} as const;

export type GatewayShardState = {
  readonly rules: Rules;
  readonly mode: Mode;
  readonly link: Link;
  readonly delivery: Delivery;
  /** Up to which event user code has it; null: there is nothing to resume. */
  readonly session: Cursor | null;
  /** What comes up to RESUMED, or READY, may have been handled before, by another node. */
  readonly redelivers: boolean;
  /** The generic gateway URL, once it is known. */
  readonly gatewayUrl: string | null;
  /** A resume URL that did not work. */
  readonly deadUrl: string | null;
  readonly retries: Retries;
  /** Why the last connection ended, or did not come about; null: it is up, or nothing has gone wrong yet. */
  readonly trouble: string | null;
  /** When events surely came last: while the shard is up, when it was last known to be. */
  readonly heardAt: number;
  /** A session was lost for good: from when on events are missing. null: nothing is. */
  readonly lostFrom: number | null;
  /** null: there is no session yet, or none any more. */
  readonly quiet: Quiet | null;
};

export type Beginning = {
  /** Where to go on, or null for a new session. */
  session: Cursor | null;
  redelivers: boolean;
  /** User code cannot take events yet. */
  loading: boolean;
  rules: Rules;
};

export function initialShard({ session, redelivers, loading, rules }: Beginning): GatewayShardState {
  return {
    rules,
    mode: { kind: 'new' },
    // A session that was just given to us is ours.
    link: { kind: 'down', notBefore: 0, cause: 'attached' },
    delivery: loading
      ? { kind: 'hold', why: 'loading', kept: null, isFull: false, doubtful: false }
      : { kind: 'deliver' },
    session,
    redelivers,
    gatewayUrl: null,
    deadUrl: null,
    retries: NO_RETRIES,
    trouble: null,
    heardAt: 0,
    lostFrom: null,
    quiet: null,
  };
}

type Moves<K extends string> = Readonly<Record<K, readonly K[]>>;

/** A delivery by its name in `MOVES`. */
export type DeliveryKind = 'deliver' | 'skip' | HoldReason;

/** The legal moves; `enter…` of transaction.ts throws on any other. */
export const MOVES: {
  readonly mode: Moves<Mode['kind']>;
  readonly link: Moves<Link['kind']>;
  readonly delivery: Moves<DeliveryKind>;
} = {
  mode: {
    new: ['open', 'preconnected', 'stopped'],
    preconnected: ['open', 'stopped'],
    open: ['frozen', 'refused', 'stopped'],
    frozen: ['open', 'refused', 'stopped'],
    refused: ['stopped'],
    stopped: [],
  },
  link: {
    down: ['asking', 'locating', 'connecting'],
    asking: ['locating', 'connecting', 'down'],
    locating: ['connecting', 'down'],
    connecting: ['waiting', 'awaitingPermit', 'closing', 'down'],
    waiting: ['resuming', 'closing', 'down'],
    awaitingPermit: ['identifying', 'closing', 'down'],
    identifying: ['ready', 'closing', 'down'],
    resuming: ['ready', 'closing', 'down'],
    ready: ['closing', 'down'],
    closing: ['down'],
  },
  delivery: {
    deliver: ['freeze', 'lease', 'skip'],
    loading: ['deliver', 'lease', 'skip'],
    lease: ['deliver', 'freeze', 'lease', 'skip'],
    freeze: ['deliver', 'lease', 'skip'],
    skip: ['deliver'],
  },
};

export function deliveryKind(delivery: Delivery): DeliveryKind {
  return delivery.kind === 'hold' ? delivery.why : delivery.kind;
}

/** Links with a connection that has to be closed. */
export function isConnected({ kind }: Link): boolean {
  return kind !== 'down' && kind !== 'asking' && kind !== 'locating' && kind !== 'closing';
}

/** Nothing has come for so long, against its own usual rate, and RESUMEs changed nothing. null: all is well. */
export function silentMsOf({ mode, quiet, rules }: GatewayShardState): number | null {
  return mode.kind === 'open' ? silentFor(quiet, rules.quietMs) : null;
}

/** Whether it will come up by itself, or is up. */
export function isOpen({ mode }: GatewayShardState): boolean {
  return mode.kind !== 'stopped' && mode.kind !== 'refused';
}

export function isFrozen({ mode }: GatewayShardState): boolean {
  return mode.kind === 'frozen';
}

export function canSend({ mode, link }: GatewayShardState): boolean {
  return link.kind === 'ready' && (mode.kind === 'open' || mode.kind === 'frozen');
}

/** What could be resumed if the shard stopped now. */
export function cursorOf({ mode, session }: GatewayShardState): Cursor | null {
  return mode.kind === 'stopped' ? mode.cursor : session;
}

/** Where the shard stops. What comes after may have been handled, if a replay of a lost node's was under way. */
export function finalCursor({ session, redelivers }: GatewayShardState): Cursor | null {
  return session !== null && redelivers ? { ...session, redelivers: true } : session;
}

const PHASES: Readonly<Record<Link['kind'], ShardPhase>> = {
  down: 'disconnected',
  asking: 'disconnected',
  locating: 'connecting',
  connecting: 'connecting',
  waiting: 'resuming',
  awaitingPermit: 'waiting',
  identifying: 'identifying',
  resuming: 'resuming',
  ready: 'ready',
  closing: 'disconnected',
};

/** What the shard is doing, as operators see it. */
export function phaseOf({ mode, link, retries }: GatewayShardState): ShardPhase {
  switch (mode.kind) {
    case 'refused':
      return 'disconnected';
    case 'preconnected':
    case 'frozen':
    case 'stopped':
      return 'frozen';
    case 'new':
      return 'connecting';
    case 'open':
      // It never was connected.
      return PHASES[link.kind] === 'disconnected' && retries.failures === 0 ? 'connecting' : PHASES[link.kind];
  }
}

/** What a change of is told to the orchestrator at once, and not only with the next heartbeat. */
export function standingOf({ mode, link }: GatewayShardState): 'up' | 'refused' | 'down' {
  if (mode.kind === 'refused') return 'refused';
  return link.kind === 'ready' && mode.kind !== 'stopped' ? 'up' : 'down';
}
