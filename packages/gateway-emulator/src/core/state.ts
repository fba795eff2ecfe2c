/**
 * The emulated gateway as plain data. Everything that happens to it is a function of this folder that takes the state,
 * the time, and returns what is to be done (`Effect`); nothing here knows a socket, a timer or a clock.
 *
 * A **connection** is one websocket:
 *
 *     unidentified ──IDENTIFY, RESUME──▶ attached ──op 9──▶ unidentified
 *     unidentified ──IDENTIFY too early──▶ refused ──(delay) op 9──▶ unidentified
 *     attached ──another socket resumes its session──▶ silenced      (only with `doubleAttach: 'silence-old'`)
 *     any ──close code──▶ closing                                    (nothing is read any more)
 *
 * A **session** outlives connections:
 *
 *     attached(connection) ◀──RESUME──  detached(expiresAt)
 *     attached ──socket gone, closed with anything but 1000/1001──▶ detached
 *     either ──1000/1001 from the client, op 9 false, expiry, token revoked──▶ gone (no longer in `sessions`)
 *
 * Invariant: `session.attachment` names a connection exactly when that connection's phase names the session.
 */
import type { Ms, Random } from '@dshard/transport';
import type { Effect } from './effects.js';
import type { IdentifyWindows } from './identify-windows.js';
import { createIdentifyWindows } from './identify-windows.js';
import type { ReplayBuffer } from './replay-buffer.js';
import type { GatewayRules } from './rules.js';
import type { SendLimit } from './send-limit.js';
import type { SessionStartBudget } from './session-start-budget.js';
import { createSessionStartBudget } from './session-start-budget.js';
import type { WorldView } from './world-view.js';

type Phase =
  | { kind: 'unidentified' }
  | { kind: 'refused'; answerAt: Ms }
  | { kind: 'attached'; session: Session }
  | { kind: 'silenced' }
  | { kind: 'closing' };

export type Connection = {
  readonly id: number;
  phase: Phase;
  readonly sends: SendLimit;
  /** Closed with 4009 when no heartbeat came until then. */
  heartbeatDueAt: Ms;
  /** Told to reconnect: closed then if it has not gone by itself. */
  leaveBy: Ms | null;
};

export type Session = {
  readonly id: string;
  readonly shard: number;
  readonly count: number;
  readonly intents: number;
  /** `large_threshold` of IDENTIFY. */
  readonly largeThreshold: number;
  /** The last sequence given out. */
  seq: number;
  readonly replay: ReplayBuffer;
  attachment: { kind: 'attached'; connection: Connection } | { kind: 'detached'; expiresAt: Ms };
};

export type GatewayState = {
  readonly rules: GatewayRules;
  readonly world: WorldView;
  readonly random: Random;
  /** Null after a token reset: every IDENTIFY fails until a new one is issued. */
  token: string | null;
  resumeGatewayUrl: string;
  readonly connections: Map<number, Connection>;
  readonly sessions: Map<string, Session>;
  /**
   * Sessions by shard count, then shard. A tuple that ever had a session keeps its (then empty) list: an event for it
   * is one the bot misses.
   */
  readonly routes: Map<number, Map<number, Session[]>>;
  readonly windows: IdentifyWindows;
  readonly budget: SessionStartBudget;
};

export function createGatewayState(init: {
  rules: GatewayRules;
  world: WorldView;
  random: Random;
  token: string;
  resumeGatewayUrl: string;
  now: Ms;
}): GatewayState {
  const { rules } = init;
  return {
    rules,
    world: init.world,
    random: init.random,
    token: init.token,
    resumeGatewayUrl: init.resumeGatewayUrl,
    connections: new Map(),
    sessions: new Map(),
    routes: new Map(),
    windows: createIdentifyWindows(rules.maxConcurrency, rules.identifyWindowMs),
    budget: createSessionStartBudget(rules.sessionStartLimit, rules.sessionStartPeriodMs, init.now),
  };
}

/** Adds a session to the routes. */
export function addSession(state: GatewayState, session: Session): void {
  state.sessions.set(session.id, session);
  let shards = state.routes.get(session.count);
  if (shards === undefined) state.routes.set(session.count, (shards = new Map()));
  const sessions = shards.get(session.shard);
  if (sessions === undefined) shards.set(session.shard, [session]);
  else sessions.push(session);
}

/** Puts a session on a connection that has none. */
export function attach(session: Session, connection: Connection): void {
  session.attachment = { kind: 'attached', connection };
  connection.phase = { kind: 'attached', session };
}

/** Takes the session off its connection, so that it waits for a RESUME. `code`: what ended the socket, null if it lives on. */
export function detach(state: GatewayState, connection: Connection, code: number | null, now: Ms, out: Effect[]): void {
  if (connection.phase.kind !== 'attached') return;
  const { session } = connection.phase;
  session.attachment = { kind: 'detached', expiresAt: now + state.rules.sessionTtlMs };
  connection.phase = { kind: 'unidentified' };
  out.push({
    kind: 'record',
    record: {
      kind: 'detached',
      at: now,
      sessionId: session.id,
      shard: session.shard,
      count: session.count,
      connection: connection.id,
      code,
    },
  });
}

/** Ends a session for good. A connection that held it is unidentified afterwards. */
export function destroySession(
  state: GatewayState,
  session: Session,
  end: { reason: string; code: number | null },
  now: Ms,
  out: Effect[],
): void {
  if (session.attachment.kind === 'attached') detach(state, session.attachment.connection, end.code, now, out);
  state.sessions.delete(session.id);
  const sessions = state.routes.get(session.count)?.get(session.shard);
  const index = sessions?.indexOf(session) ?? -1;
  if (index >= 0) sessions?.splice(index, 1);
  out.push({
    kind: 'record',
    record: {
      kind: 'ended',
      at: now,
      sessionId: session.id,
      shard: session.shard,
      count: session.count,
      reason: end.reason,
    },
  });
}

/** Closes a connection from our side. Its session, if it still has one, waits for a RESUME. */
export function closeConnection(
  state: GatewayState,
  connection: Connection,
  code: number,
  reason: string,
  now: Ms,
  out: Effect[],
): void {
  if (connection.phase.kind === 'closing') return;
  detach(state, connection, code, now, out);
  connection.phase = { kind: 'closing' };
  out.push({ kind: 'close', connection: connection.id, code, reason });
}
