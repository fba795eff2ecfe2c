/**
 * The emulated gateway as plain data. Everything that happens to it is a function of this folder that takes the state,
 * the time, and returns what is to be done (`Effect`); nothing here knows a socket, a timer or a clock.
 *
 * A **connection** is one websocket:
 *
 *     unidentified ──IDENTIFY, RESUME──▶ attached ──op 9──▶ unidentified
 *     unidentified ──IDENTIFY too early──▶ refused ──(delay) op 9──▶ unidentified
 *     attached ──another socket resumes its session──▶ silenced      (only with `doubleAttach: 'silence-old'`)
 *     unidentified ──IDENTIFY, RESUME that is never answered──▶ silenced
 *     attached ──another socket resumes its session──▶ echo          (only with `doubleAttach: 'keep-both'`)
 *     any ──close code──▶ closing                                    (nothing is read any more)
 *
 * A **session** outlives connections:
 *
 *     attached(connection) ◀──RESUME──  detached(expiresAt)
 *     attached ──socket gone, closed with anything but 1000/1001──▶ detached
 *     either ──1000/1001 from the client, op 9 false, expiry, token revoked──▶ gone (no longer in `sessions`)
 *
 * Invariants: `session.attachment` names a connection exactly when that connection is attached to the session;
 * `session.echoes` has exactly the connections that echo it. The moves are in `sessions.ts`.
 */
import type { Ms, Random } from '@dshard/transport';
import type { IdentifyWindows, SendLimit, SessionStartBudget } from './limits.js';
import { createIdentifyWindows, createSessionStartBudget } from './limits.js';
import type { Presence } from './client-requests.js';
import type { ReplayBuffer } from './replay-buffer.js';
import type { GatewayRules } from './rules.js';
import { createAnswerRules, type AnswerRules } from './start-answers.js';
import type { WorldView } from './world-view.js';

type Phase =
  | { kind: 'unidentified' }
  | { kind: 'refused'; answerAt: Ms }
  | { kind: 'attached'; session: Session }
  | { kind: 'silenced' }
  /** Gets a copy of everything its former session is sent. */
  | { kind: 'echo'; session: Session }
  | { kind: 'closing' };

export type Connection = {
  readonly id: number;
  /** The `v` it asked for; READY repeats it. */
  readonly version: number;
  /** Its whole stream is compressed, which rules out compressing single payloads. */
  readonly compressed: boolean;
  phase: Phase;
  readonly sends: SendLimit;
  /** Closed with 4009 when no heartbeat came until then. */
  heartbeatDueAt: Ms;
  /** Its heartbeats are acknowledged, and no event is sent on it: events wait in the replay buffer. */
  deaf: boolean;
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
  /** `compress` of IDENTIFY: large payloads are compressed one by one. */
  readonly compress: boolean;
  /** What the bot shows of itself on this session; a RESUME keeps it. */
  presence: Presence;
  /** The last sequence given out. */
  seq: number;
  readonly replay: ReplayBuffer;
  attachment: { kind: 'attached'; connection: Connection } | { kind: 'detached'; expiresAt: Ms };
  readonly echoes: Connection[];
};

/** Where the bot is in voice, by the session that asked for it. */
export type VoiceState = {
  readonly sessionId: string;
  readonly channelId: string;
  readonly selfMute: boolean;
  readonly selfDeaf: boolean;
  /** Of the last VOICE_SERVER_UPDATE: whom the voice server lets in. */
  readonly token: string;
};

/** RECONNECT (op 7) may come before HELLO, or instead of it ("Gateway Events: Reconnect"). */
export type GreetingFault = 'reconnect-before-hello' | 'reconnect-instead-of-hello';

export type GatewayState = {
  readonly rules: GatewayRules;
  readonly world: WorldView;
  readonly random: Random;
  /** Null after a token reset: every IDENTIFY fails until a new one is issued. */
  token: string | null;
  resumeGatewayUrl: string;
  /** Intent bits the application was not granted. */
  disallowedIntents: number;
  /** How the next sockets are greeted; null: with HELLO. */
  greeting: { kind: GreetingFault; left: number } | null;
  /** Until then IDENTIFY and RESUME are answered with op 9; null: they are not. */
  throttledUntil: Ms | null;
  /** How single shards' IDENTIFYs and RESUMEs are answered, where not as always. */
  readonly answers: AnswerRules;
  /** The gateway is away and sessions wait for it: none expires, and their replay buffers keep everything. */
  sessionsHeld: boolean;
  /** How many IDENTIFYs and RESUMEs were sent, however they were answered. */
  asked: { identify: number; resume: number };
  /** Guilds in an outage, by `guild_id >> 22`. */
  readonly unavailable: Map<number, string>;
  /** Host and port of the voice server. */
  voiceEndpoint: string;
  /** The bot's voice states, by guild. */
  readonly voice: Map<string, VoiceState>;
  /** Per guild: when all its members may be asked for again. */
  readonly membersWelcomeAt: Map<string, Ms>;
  readonly connections: Map<number, Connection>;
  readonly sessions: Map<string, Session>;
  /** Sessions by shard count, then shard. A tuple that had one keeps its list: the bot misses its events. */
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
    disallowedIntents: rules.disallowedIntents,
    greeting: null,
    throttledUntil: null,
    answers: createAnswerRules(),
    sessionsHeld: false,
    asked: { identify: 0, resume: 0 },
    unavailable: new Map(),
    voiceEndpoint: 'voice.invalid:443',
    voice: new Map(),
    membersWelcomeAt: new Map(),
    connections: new Map(),
    sessions: new Map(),
    routes: new Map(),
    windows: createIdentifyWindows(rules.maxConcurrency, rules.identifyWindowMs),
    budget: createSessionStartBudget(rules.sessionStartLimit, rules.sessionStartPeriodMs, init.now),
  };
}
