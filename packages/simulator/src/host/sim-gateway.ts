/** What a simulated library knows of Discord's gateway. */
import type { GatewayTimeouts } from '@dshard/node/gateway-shard';

export type Payload = { op: number; t: string; s: number; d: unknown };

/** A message, and the session it came in. */
export type MessageEvent = { id: string; channel_id: string; number: number; sessionId: string };

/** Guilds and their messages. */
export const INTENTS = 513;

/** `quietMs`: so much before a session with nobody to it would expire that it is resumed in time. */
export const TIMEOUTS: Required<GatewayTimeouts> = {
  handshakeMs: 3_000,
  helloMs: 5_000,
  identifyMs: 5_000,
  resumeMs: 5_000,
  closeMs: 1_000,
  readyMs: 10_000,
  importMs: 5_000,
  handlersMs: 1_000,
  quietMs: 10_000,
  backoffMinMs: 100,
  backoffMaxMs: 2_000,
};
