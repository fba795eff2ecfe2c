/** What a simulated library knows of Discord's gateway. */
import type { LossCause } from '@dshard/node';
import type { ShardPhase } from '@dshard/protocol';
import type { MessageEvent } from './sim-shard-options.js';

export type Payload = { op: number; t: string; s: number; d: unknown };
export type ReadyData = { session_id: string; resume_gateway_url: string };

/** An event that user code has not got yet. */
export type Received = { type: string; sequence: number; sessionId: string; data: MessageEvent };

/** What a connection is at. */
export type Step = 'connecting' | 'waiting' | 'identifying' | 'resuming' | 'up';

export const PHASES: Readonly<Record<Step, ShardPhase>> = {
  connecting: 'connecting',
  waiting: 'waiting',
  identifying: 'identifying',
  resuming: 'resuming',
  up: 'ready',
};

/** `end`: what ends a session when we close with it. `gone`: it has ended: not authenticated (invalidated while active), invalid sequence. */
export const SESSION_CODES: Readonly<{ end: number; gone: ReadonlySet<number> }> = {
  end: 1000,
  gone: new Set([4003, 4007]),
};

/** Guilds and their messages. */
export const INTENTS = 513;

/** `quietMs`: so much before a session with nobody to it would expire that it is resumed in time. */
export const LIMITS = {
  connectMs: 3_000,
  answerMs: 5_000,
  closeMs: 1_000,
  backoffMinMs: 100,
  backoffMaxMs: 2_000,
  quietMs: 10_000,
} as const;

const DISPLACED_CODE = 4006;

/** @param code 0 where the connection ended without one. */
export function causeOf(code: number): LossCause {
  if (code === DISPLACED_CODE) return 'displaced';
  return code >= 4000 ? 'attached' : 'unproven';
}
